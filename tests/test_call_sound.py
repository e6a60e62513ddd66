"""The sound of calls between two engines: heard, written, played and recorded."""

import asyncio
import itertools
import math
import os
from array import array
from pathlib import Path

import pytest

from platypus.audio.files import read_wav, wav_header
from platypus.errors import AudioFileError, MediaError
from platypus.events import (
    CallEnded,
    CallState,
    DtmfReceived,
    ErrorOccurred,
    Event,
    MediaChanged,
    MediaState,
    Played,
)
from tests.harness.phones import Stranger, connected, phone, run
from tests.harness.sounds import loud, peak


def wav(path: Path, samples: list[int], rate: int = 8000) -> str:
    path.write_bytes(wav_header(rate, len(samples)) + array("h", samples).tobytes())
    return str(path)


class TestSound:
    def test_starts_with_the_answer_and_ends_with_the_call(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                started = await alice.heard.next(MediaChanged)
                assert (started.state, started.codec, started.direction) == (
                    MediaState.STARTED,
                    "pcmu",
                    "sendrecv",
                )
                theirs = await bob.heard.next(MediaChanged)
                assert (started.local, started.remote) == (theirs.remote, theirs.local)
                assert started.local.startswith("127.0.0.1:")
                call.hangup()
                await alice.heard.next(MediaChanged, lambda event: event.state is MediaState.ENDED)

        run(work())

    def test_what_one_says_the_other_hears(self) -> None:
        async def work() -> None:
            async with phone(audio="tone") as alice, phone() as bob:
                _, incoming = await connected(alice, bob)
                frame = await loud(incoming.frames())
                assert len(frame) == 320

        run(work())

    def test_what_is_written_is_heard(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                square = array("h", [8000] * 4 + [-8000] * 4).tobytes() * 20 * 50  # a second
                writing = asyncio.create_task(call.write(square))
                assert await loud(incoming.frames())
                await writing

        run(work())

    def test_writing_an_odd_number_of_bytes_is_an_error(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                with pytest.raises(ValueError, match="even number of bytes"):
                    await call.write(b"123")

        run(work())

    def test_a_wide_band_call_is_read_and_written_at_its_own_rate(self) -> None:
        step = 2 * math.pi * 6000 / 16000
        tone = array("h", [round(9000 * math.sin(step * n)) for n in range(8000)])

        async def work() -> None:
            async with phone(codecs=["g722"]) as alice, phone(codecs=["g722"]) as bob:
                call, incoming = await connected(alice, bob)
                saying = asyncio.create_task(call.write(tone.tobytes(), rate=16000))
                frames = incoming.frames(rate=16000)
                await loud(frames)
                heard = array("h", await anext(frames))
                assert len(heard) == 320
                turns = sum(a * b < 0 for a, b in itertools.pairwise(heard))
                assert 220 <= turns <= 260  # 6 kHz, which 8,000 samples a second don't have
                assert len(await anext(incoming.frames())) == 320
                with pytest.raises(ValueError, match="48000 samples a second, not 11025"):
                    incoming.frames(rate=11025)
                with pytest.raises(ValueError, match="not 44100"):
                    await call.write(b"", rate=44100)
                await saying

        run(work())

    def test_the_frames_end_with_the_call(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                frames = incoming.frames()
                await anext(frames)
                call.hangup()
                async for _ in frames:
                    pass
                assert incoming.state is CallState.ENDED

        run(work())

    def test_echo_comes_back(self) -> None:
        async def work() -> None:
            async with phone(audio="tone") as alice, phone(audio="echo", auto_answer=0) as bob:
                call = alice.engine.call(bob.uri)
                await call.answered()
                assert await loud(call.frames())

        run(work())

    def test_a_muted_call_sends_silence(self) -> None:
        async def work() -> None:
            async with phone(audio="tone") as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                frames = incoming.frames()
                await loud(frames)
                call.mute()
                assert call.muted
                async for frame in frames:
                    if peak(frame) < 100:
                        break
                call.mute(False)
                assert await loud(frames)

        run(work())

    def test_a_call_can_have_a_source_of_its_own(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                _, incoming = await connected(alice, bob, source="tone")
                assert await loud(incoming.frames())

        run(work())

    def test_digits_arrive(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                call.send_dtmf("5#", duration_ms=60)
                heard = await bob.heard.count(DtmfReceived, 2)
                assert [event.digit for event in heard] == ["5", "#"]
                assert {event.method for event in heard} == {"rtp"}
                assert heard[0].call is incoming
                assert heard[0].duration_ms >= 60

        run(work())

    def test_statistics_count_both_ways(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                frames = incoming.frames()
                for _ in range(5):
                    await anext(frames)
                stats = call.statistics()
                assert stats["send"]["packets"] > 0
                assert stats["codec"] == "pcmu"
                assert stats["duration_s"] is not None
                call.hangup()
                ended = await bob.heard.next(CallEnded)
                assert ended.statistics["receive"]["packets"] > 0
                assert ended.statistics["receive"]["lost"] == 0

        run(work())

    def test_rtp_from_a_stranger_is_not_heard(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                frames = incoming.frames()
                await anext(frames)
                port = int(incoming.media.stream.port or 0)
                noise = bytes([0x80, 0]) + bytes(10) + bytes([0x00] * 160)  # loud in mu-law
                with Stranger() as stranger:
                    for _ in range(10):
                        stranger.send(noise, port)
                        stranger.send(b"not RTP at all", port)
                        assert peak(await anext(frames)) < 100
                assert call.state is CallState.CONFIRMED
                view = incoming.media.stream.view
                assert view is not None
                assert view.remote == ("127.0.0.1", call.media.stream.port)

        run(work())


class TestFiles:
    def test_a_file_is_played_to_its_end(self, tmp_path: Path) -> None:
        async def work() -> None:
            file = wav(tmp_path / "a.wav", [8000, -8000] * 400)
            async with phone() as alice, phone() as bob:
                call, incoming = await connected(alice, bob)
                frames = incoming.frames()
                call.play(file)
                assert await loud(frames)
                played = await alice.heard.next(Played)
                assert (played.call, played.file) == (call, file)

        run(work())

    def test_a_file_that_is_no_wav_is_told_and_the_call_goes_on(self, tmp_path: Path) -> None:
        async def work() -> None:
            file = tmp_path / "a.wav"
            file.write_text("this is not sound")
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                with pytest.raises(AudioFileError, match="not a WAV file; convert it"):
                    call.play(str(file))
                assert call.state is CallState.CONFIRMED

        run(work())


class TestRecording:
    def test_what_is_heard_is_recorded(self, tmp_path: Path) -> None:
        async def work() -> None:
            file = tmp_path / "out.wav"
            async with phone(audio="tone") as alice, phone(record=str(file)) as bob:
                call, incoming = await connected(alice, bob)
                await loud(incoming.frames())
                call.hangup()
                await bob.heard.next(CallEnded)
            recorded = read_wav(file)
            assert recorded.rate == 8000
            assert peak(recorded.pcm) > 4000

        run(work())

    @pytest.mark.parametrize("leaving", [False, True], ids=["hangup", "leaving"])
    def test_a_recording_is_complete_when_the_end_is_told(
        self, tmp_path: Path, leaving: bool
    ) -> None:
        file = tmp_path / "out.wav"
        sizes: list[tuple[int, int]] = []

        def look(event: Event) -> None:
            if isinstance(event, CallEnded):
                said = int.from_bytes(file.read_bytes()[40:44], "little")
                sizes.append((said, file.stat().st_size - 44))

        async def work() -> None:
            async with phone(audio="tone") as alice, phone(record=str(file)) as bob:
                bob.engine.subscribe(look)
                call, incoming = await connected(alice, bob)
                await loud(incoming.frames())
                if leaving:
                    await bob.engine.close()
                else:
                    call.hangup()
                    await bob.heard.next(CallEnded)

        run(work())
        [(said, written)] = sizes
        assert said == written > 0

    def test_a_disk_that_hangs_does_not_keep_the_end_from_anybody(self, tmp_path: Path) -> None:
        async def work() -> None:
            async with phone() as alice, phone(record=str(tmp_path / "out.wav")) as bob:
                _, incoming = await connected(alice, bob)
                stream = incoming.media.stream
                stream.receive = lambda kind, *values: None  # type: ignore[method-assign]
                incoming.hangup()
                assert incoming.state is CallState.CONFIRMED
                await incoming.ended()
                assert not bob.engine.calling.ends.waiting

        run(work())

    def test_without_a_recording_the_end_is_told_at_once(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                call.hangup()
                assert call.state is CallState.ENDED

        run(work())

    def test_a_recording_that_can_not_be_made_is_told_and_the_call_goes_on(self) -> None:
        async def work() -> None:
            async with phone() as alice, phone(record="/no/such/out.wav") as bob:
                call, incoming = await connected(alice, bob)
                problem = await bob.heard.next(ErrorOccurred)
                assert "/no/such/out.wav" in problem.message
                assert problem.call is incoming
                assert call.state is CallState.CONFIRMED

        run(work())

    def test_a_recording_that_is_asked_for_runs_beside_that_of_every_call(
        self, tmp_path: Path
    ) -> None:
        """As `--record` and the command `record` would: neither cuts the other."""

        async def work() -> None:
            every, one = tmp_path / "every.wav", tmp_path / "one.wav"
            async with phone(audio="tone") as alice, phone(record=str(every)) as bob:
                call, incoming = await connected(alice, bob)
                incoming.record(str(one), stereo=True)
                await loud(incoming.frames())
                incoming.stop_record()
                await loud(incoming.frames())
                incoming.stop_record()  # that of every call, for this one
                with pytest.raises(MediaError, match="nothing is being recorded"):
                    incoming.stop_record()
                call.hangup()
                await bob.heard.next(CallEnded)
            assert peak(read_wav(every).pcm) > 4000
            pairs = array("h", one.read_bytes()[44:])
            assert max(pairs[1::2]) > 4000  # what was heard
            assert not any(pairs[::2])  # what was sent
            assert one.stat().st_size // 2 < every.stat().st_size

        run(work())

    def test_of_two_recordings_the_one_that_is_named_ends(self, tmp_path: Path) -> None:
        every, one = tmp_path / "every.wav", tmp_path / "one.wav"
        otherwise = os.path.relpath(every)

        async def work() -> None:
            async with phone() as alice, phone(record=str(every)) as bob:
                _, incoming = await connected(alice, bob)
                incoming.record(str(one))
                with pytest.raises(MediaError, match=r"nothing is being recorded to other\.wav"):
                    incoming.stop_record("other.wav")
                incoming.stop_record(otherwise)
                with pytest.raises(MediaError, match="nothing is being recorded to"):
                    incoming.stop_record(str(every))
                incoming.stop_record(str(one))

        run(work())

    def test_what_is_recorded_already_is_not_recorded_onto(self, tmp_path: Path) -> None:
        """By the recording of every call, or of another call."""

        async def work() -> None:
            every, one = tmp_path / "every.wav", tmp_path / "one.wav"
            async with phone(audio="tone") as alice, phone(record=str(every)) as bob:
                call, incoming = await connected(alice, bob)
                with pytest.raises(AudioFileError, match="recorded onto already"):
                    incoming.record(str(every))
                incoming.record(str(one))
                with pytest.raises(AudioFileError, match="recorded onto already"):
                    call.record(str(one))
                await loud(incoming.frames())
                call.hangup()
                await bob.heard.next(CallEnded)
            for file in every, one:
                assert peak(read_wav(file).pcm) > 4000

        run(work())

    def test_a_second_recording_of_a_call_is_refused(self, tmp_path: Path) -> None:
        async def work() -> None:
            async with phone() as alice, phone() as bob:
                call, _ = await connected(alice, bob)
                call.record(str(tmp_path / "a.wav"))
                with pytest.raises(MediaError, match="already recording"):
                    call.record(str(tmp_path / "b.wav"))
                call.stop_record()
                with pytest.raises(MediaError, match="nothing is being recorded"):
                    call.stop_record()

        run(work())

"""Recordings: the bytes on disk while they grow, and at the end."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from platypus._media.g711 import decode_ulaw, encode_ulaw
from platypus._media.loop import Leg, Loop
from platypus._media.recorder import Recording, Writer
from platypus.errors import MediaError
from tests._media.peer import Peer, address_of, next_event, open_leg, running_loop, wait_for

FRAME = 160
HEADER = 44


@pytest.fixture
def writer() -> Iterator[Writer]:
    writer = Writer()
    yield writer
    writer.close()


def frame(value: int, count: int = FRAME) -> array[int]:
    return array("h", [value] * count)


def finish(recording: Recording) -> None:
    recording.finish()
    wait_for(lambda: recording.done)


def full_pipe() -> tuple[int, int]:
    """A reader and a writer, which has to wait for the reader."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    return reader, writer


def read_all(reader: int) -> bytes:
    """To the end, which comes when the writer has closed."""
    with open(reader, "rb") as file:
        return file.read()


def new_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)


class TestFile:
    def test_a_frame_is_on_disk_at_once_behind_a_header_of_unknown_sizes(self, tmp_path, writer):
        path = tmp_path / "out.wav"
        recording = Recording(writer, new_file(path), 8000, 8000)
        recording.feed(frame(7))
        wait_for(lambda: path.stat().st_size == HEADER + 2 * FRAME)
        data = path.read_bytes()
        assert data[:4] + data[8:16] == b"RIFFWAVEfmt "
        assert struct.unpack_from("<I", data, 4) == (0xFFFFFFFF,)
        assert struct.unpack_from("<4sI", data, 36) == (b"data", 0xFFFFFFFF)
        assert data[HEADER:] == frame(7).tobytes()
        finish(recording)

    def test_at_the_end_the_sizes_are_those_of_the_file(self, tmp_path, writer):
        path = tmp_path / "out.wav"
        recording = Recording(writer, new_file(path), 16_000, 16_000)
        for value in range(10):
            recording.feed(frame(value, 320))
        finish(recording)
        with wave.open(str(path)) as reader:
            assert reader.getparams()[:4] == (1, 2, 16_000, 3200)
            assert reader.readframes(3200) == b"".join(frame(k, 320).tobytes() for k in range(10))

    def test_without_a_sample_it_is_still_a_wav_file(self, tmp_path, writer):
        path = tmp_path / "out.wav"
        finish(Recording(writer, new_file(path), 8000, 8000))
        with wave.open(str(path)) as reader:
            assert reader.getnframes() == 0

    def test_another_rate_is_resampled(self, tmp_path, writer):
        path = tmp_path / "out.wav"
        recording = Recording(writer, new_file(path), 8000, 48_000)
        for _ in range(50):
            recording.feed(frame(5000))
        finish(recording)
        with wave.open(str(path)) as reader:
            samples = np.frombuffer(reader.readframes(50_000), dtype=np.int16)
        assert len(samples) == pytest.approx(48_000, abs=300)
        assert np.abs(samples[2000:] - 5000).max() < 50

    def test_a_file_that_takes_no_more_is_told_and_stops_no_other(self, tmp_path, writer):
        broken = Recording(writer, os.open("/dev/full", os.O_RDWR), 8000, 8000)
        path = tmp_path / "out.wav"
        whole = Recording(writer, new_file(path), 8000, 8000)
        for recording in (broken, whole):
            recording.feed(frame(1))
            finish(recording)
        assert (broken.failed, whole.failed) == (True, False)
        assert path.stat().st_size == HEADER + 2 * FRAME

    @pytest.mark.skipif(sys.platform == "win32", reason="no pipe is waited for")
    def test_who_does_not_read_a_pipe_holds_up_no_other(self, tmp_path, writer):
        reader, pipe = full_pipe()
        unread = Recording(writer, pipe, 8000, 8000)
        path = tmp_path / "out.wav"
        whole = Recording(writer, new_file(path), 8000, 8000)
        for recording in (unread, whole):
            recording.feed(frame(1))
            recording.finish()
        wait_for(lambda: whole.done)
        assert path.stat().st_size == HEADER + 2 * FRAME
        assert not unread.done
        heard = read_all(reader)  # once it is read, nothing of it is missing
        assert heard.endswith(b"data\xff\xff\xff\xff" + bytes(frame(1)))
        assert (unread.done, unread.failed) == (True, False)

    @pytest.mark.skipif(sys.platform == "win32", reason="no pipe is waited for")
    def test_a_pipe_whose_reader_is_gone_is_told(self, writer):
        reader, pipe = full_pipe()
        recording = Recording(writer, pipe, 8000, 8000)
        recording.feed(frame(1))
        os.close(reader)
        finish(recording)
        assert recording.failed

    def test_refuses_rates_that_it_cannot_make(self, tmp_path, writer):
        with pytest.raises(ValueError, match="record"):
            Recording(writer, new_file(tmp_path / "out.wav"), 8000, -1)


class TestOfALeg:
    @pytest.fixture
    def loop(self) -> Iterator[Loop]:
        with running_loop() as loop:
            yield loop

    @pytest.fixture
    def peer(self) -> Peer:
        return Peer()

    @pytest.fixture
    def leg(self, loop: Loop, peer: Peer) -> Leg:
        return open_leg(loop, peer.address)

    def test_has_every_sample_that_was_played_and_silence_around(self, loop, leg, peer, tmp_path):
        path = tmp_path / "out.wav"
        payloads = [
            encode_ulaw(np.full(FRAME, 300 * k, dtype=np.int16).tobytes()) for k in range(1, 26)
        ]
        leg.start_record(new_file(path))
        said = iter(payloads)

        def next_packet() -> bool:
            payload = next(said, None)
            if payload is not None:
                peer.send(address_of(leg), payload)
            return payload is None

        peer.talk_with(next_packet)
        before = path.stat().st_size
        wait_for(lambda: path.stat().st_size > before + 20 * 2 * FRAME)
        leg.stop_record()
        _, _, frames, overruns = next_event(loop, "recorded")
        with wave.open(str(path)) as reader:
            samples = reader.readframes(reader.getnframes())
        assert (len(samples) // 2, overruns) == (frames, 0)
        assert samples.endswith(bytes(2 * FRAME * 5))
        heard = [samples[at : at + 2] for at in range(0, len(samples), 2)]
        distinct = {sample for sample in heard if sample != b"\0\0"}
        assert distinct >= {decode_ulaw(payload)[:2] for payload in payloads}

    def test_waits_for_the_first_packet_when_told(self, loop, leg, peer, tmp_path):
        path = tmp_path / "out.wav"
        leg.start_record(new_file(path), when_started=True)
        peer.receive_many(5)
        assert wait_for(lambda: path.stat().st_size) == HEADER
        peer.talk(address_of(leg), lambda: path.stat().st_size > HEADER)

    def test_closing_the_leg_finishes_the_file(self, loop, leg, peer, tmp_path):
        path = tmp_path / "out.wav"
        leg.start_record(new_file(path))
        peer.receive_many(5)
        leg.close()
        next_event(loop, "recorded")
        assert_whole(path)

    def test_closing_the_loop_finishes_the_file_and_tells(self, tmp_path):
        path = tmp_path / "out.wav"
        peer = Peer()
        with running_loop() as loop:
            leg = open_leg(loop, peer.address)
            leg.start_record(new_file(path))
            peer.receive_many(5)
        assert_whole(path)
        assert [event[1] for event in loop.drain_events()] == ["recorded"]

    def test_records_anew_right_after_the_last(self, loop, leg, peer, tmp_path):
        for name in ("one.wav", "two.wav"):
            leg.start_record(new_file(tmp_path / name))
            peer.receive_many(3)
            leg.stop_record()
        next_event(loop, "recorded")
        wait_for(lambda: sizes_known(tmp_path / "one.wav") and sizes_known(tmp_path / "two.wav"))

    def test_another_place_holds_another_that_begins_and_ends_by_itself(
        self, loop, leg, peer, tmp_path
    ):
        leg.start_record(new_file(tmp_path / "all.wav"))
        peer.receive_many(3)
        leg.start_record(new_file(tmp_path / "part.wav"), stereo=True, place=1)
        peer.receive_many(3)
        leg.stop_record(1)
        assert next_event(loop, "recorded")[0] == leg.id
        assert_whole(tmp_path / "part.wav", channels=2)
        size = (tmp_path / "all.wav").stat().st_size
        wait_for(lambda: (tmp_path / "all.wav").stat().st_size > size)
        leg.start_record(new_file(tmp_path / "again.wav"), place=1)
        leg.close()
        for name in ("all.wav", "again.wav"):
            wait_for(lambda path=tmp_path / name: sizes_known(path))

    @pytest.mark.parametrize("place", [-1, 2])
    def test_there_is_no_third_place(self, leg, tmp_path, place):
        with open(tmp_path / "out.wav", "wb") as file:
            with pytest.raises(ValueError, match="2 places"):
                leg.start_record(file.fileno(), place=place)
            with pytest.raises(ValueError, match="2 places"):
                leg.stop_record(place)

    def test_a_second_one_at_a_time_is_refused_and_its_descriptor_closed(
        self, loop, leg, peer, tmp_path
    ):
        leg.start_record(new_file(tmp_path / "one.wav"))
        second = new_file(tmp_path / "two.wav")
        leg.start_record(second)
        told = next_event(loop, "error")
        assert told[0] == leg.id
        assert "no recording can begin" in told[2]

        def closed() -> bool:
            loop.drain_events()
            try:
                os.fstat(second)
            except OSError:
                return True
            return False

        assert wait_for(closed)

    @pytest.mark.skipif(sys.platform != "linux", reason="threads are counted by /proc")
    def test_a_pipe_that_nobody_reads_delays_no_packet_and_no_close(self, peer):
        reader, pipe = full_pipe()
        threads = len(os.listdir("/proc/self/task"))
        try:
            with running_loop() as loop:
                leg = open_leg(loop, peer.address)
                leg.start_record(pipe)
                packets = peer.receive_many(20)
            assert loop.closed
            assert len({packet.sequence for packet in packets}) == 20
            with pytest.raises(OSError):
                os.fstat(pipe)
            # The writer has not been left behind.
            wait_for(lambda: len(os.listdir("/proc/self/task")) == threads)
        finally:
            os.close(reader)

    def test_what_is_lost_because_the_file_is_slow_is_told_once(self, loop, leg):
        reader, pipe = full_pipe()
        leg.start_record(pipe, 8000, stereo=True)
        leg_id, _, message = next_event(loop, "error")  # once the four seconds that wait are full
        assert leg_id == leg.id
        assert message.startswith("a recording has gaps: what it is written to is too slow")
        leg.stop_record()
        read_all(reader)
        told = []
        wait_for(lambda: told.extend(loop.drain_events()) or "recorded" in [e[1] for e in told])
        assert "error" not in [event[1] for event in told]

    def test_a_full_disk_is_told_at_once_and_once(self, loop, leg, peer):
        leg.start_record(os.open("/dev/full", os.O_WRONLY))
        peer.receive_many(3)
        leg_id, _, message = next_event(loop, "error")
        assert leg_id == leg.id
        assert message.startswith("a recording ends early: No space left on device")
        leg.stop_record()
        told = []
        wait_for(lambda: told.extend(loop.drain_events()) or "recorded" in [e[1] for e in told])
        assert "error" not in [event[1] for event in told]

    def test_stopping_what_was_never_started_does_nothing(self, loop, leg, peer):
        leg.stop_record()
        peer.receive_many(2)
        assert [event for event in loop.drain_events() if event[1] == "recorded"] == []

    def test_a_rate_it_cannot_make_leaves_the_descriptor_to_the_caller(self, leg, tmp_path):
        descriptor = new_file(tmp_path / "out.wav")
        with pytest.raises(ValueError, match="record"):
            leg.start_record(descriptor, 12_345)
        os.close(descriptor)

    def test_a_closed_leg_leaves_the_descriptor_to_the_caller(self, leg, tmp_path):
        leg.close()
        descriptor = new_file(tmp_path / "out.wav")
        with pytest.raises(MediaError):
            leg.start_record(descriptor)
        os.close(descriptor)


def sizes_known(path: Path) -> bool:
    return path.read_bytes()[40:44] != b"\xff\xff\xff\xff"


def assert_whole(path: Path, *, channels: int = 1) -> None:
    data = path.read_bytes()
    with wave.open(io.BytesIO(data)) as reader:
        assert reader.getnchannels() == channels
        assert len(data) == HEADER + 2 * channels * reader.getnframes() > HEADER

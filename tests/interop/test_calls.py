"""Calls between two phones through Kamailio, which stays in the path (Record-Route)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.agent import Agent
from tests.harness.kamailio import Kamailio
from tests.harness.listening import RATE, find, find_second, levels, read_wav, speech, write_wav
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop


class Pair:
    """Alice and Bob, registered, each with a voice of her own and a recording of the other's."""

    def __init__(self, bench: Bench, folder: Path, *options: str, codec: str = "pcmu") -> None:
        self.kamailio = bench.kamailio()
        self.voices = [levels(speech(12, seed=seed), codec) for seed in (11, 12)]
        self.recordings = [folder / "alice-hears.wav", folder / "bob-hears.wav"]
        phones = []
        for user, voice, recording in zip(
            ("alice", "bob"), self.voices, self.recordings, strict=True
        ):
            file = write_wav(folder / f"{user}.wav", voice)
            audio = ("--audio", f"wav:{file}", "--record", str(recording), "--codecs", codec)
            phones.append(bench.phone(user, self.kamailio, *audio, *options))
        self.alice, self.bob = phones

    def connect(self) -> None:
        self.alice.call("bob")
        incoming = self.bob.wait_event("incoming")
        assert incoming["from"] == f"sip:alice@{self.kamailio.address}"
        self.alice.wait_event("call", state="ringing")
        self.bob.command("answer")
        for phone in (self.alice, self.bob):
            phone.wait_event("call", state="confirmed")
            phone.wait_event("media", state="started")

    def hear(self, seconds: float) -> None:
        """Waits until both recordings have so much in them."""
        for phone, file in zip((self.alice, self.bob), self.recordings, strict=True):
            wait_for_samples(phone, file, int(seconds * RATE))

    def end(self) -> tuple[dict[str, object], dict[str, object]]:
        self.alice.command("hangup")
        ended = [p.wait_event("call", state="ended") for p in (self.alice, self.bob)]
        return ended[0], ended[1]


def wait_for_samples(phone: Agent, file: Path, samples: int, timeout: float = 20.0) -> None:
    """The recording is written frame by frame, for a reader to follow."""
    wanted = 44 + 2 * samples
    for _ in range(int(timeout / 0.05)):
        if file.exists() and file.stat().st_size >= wanted:
            return
        phone.wait_for_line(0.05)
    pytest.fail(f"{file.name} did not reach {samples} samples")


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
@pytest.mark.smoke
def test_two_phones_hear_each_other_bit_exact_through_a_proxy(
    bench: Bench, tmp_path: Path, codec: str
) -> None:
    pair = Pair(bench, tmp_path, codec=codec)
    pair.connect()
    pair.hear(3)
    alice, bob = pair.end()
    for own, other in ((0, 1), (1, 0)):
        match = find_second(pair.voices[other][: 2 * RATE], read_wav(pair.recordings[own]))
        assert match.exact, match
    assert (alice["by"], bob["by"]) == ("local", "remote")
    for ended in (alice, bob):
        assert ended["code"] == 200
        assert ended["stats"]["receive"]["lost"] == 0  # type: ignore[index]
        assert ended["stats"]["codec"] == codec  # type: ignore[index]
    # ACK and BYE took the recorded route; none went astray.
    assert "ROUTED BYE" in pair.kamailio.output and "ROUTED ACK" in pair.kamailio.output
    assert "LOST" not in pair.kamailio.output


def test_the_recording_has_its_sizes_after_the_call(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.connect()
    pair.hear(0.5)
    assert pair.recordings[0].read_bytes()[4:8] == b"\xff\xff\xff\xff"
    pair.end()
    for phone, file in zip((pair.alice, pair.bob), pair.recordings, strict=True):
        assert phone.quit() == 0
        data = file.read_bytes()
        assert int.from_bytes(data[40:44], "little") == len(data) - 44


@pytest.mark.parametrize("holder", ["alice", "bob"])
def test_hold_silences_and_resume_brings_the_voice_back(
    bench: Bench, tmp_path: Path, holder: str
) -> None:
    pair = Pair(bench, tmp_path)
    pair.connect()
    pair.hear(1)
    one, other = (pair.alice, pair.bob) if holder == "alice" else (pair.bob, pair.alice)
    one.command("hold")
    one.wait_event("call", hold="local")
    other.wait_event("call", hold="remote")
    one.command("resume")
    one.wait_event("call", hold="none")
    other.wait_event("call", hold="none")
    before = [len(read_wav(file)) for file in pair.recordings]
    pair.hear(max(before) / RATE + 3)
    pair.end()
    for own, voice_of in ((0, 1), (1, 0)):
        heard = read_wav(pair.recordings[own])[before[own] + RATE // 2 :][: 2 * RATE]
        # What is heard after the hold is some part of the voice, bit for bit.
        match = find_second(heard, pair.voices[voice_of])
        assert match.exact and match.compared == RATE, match


def test_digits_arrive_in_order_and_once(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.connect()
    pair.alice.command("dtmf", digits="159#")
    heard = [pair.bob.wait_event("dtmf") for _ in range(4)]
    assert [event["digit"] for event in heard] == list("159#")
    assert {event["method"] for event in heard} == {"rtp"}
    pair.bob.command("dtmf", digits="0D")
    assert [pair.alice.wait_event("dtmf")["digit"] for _ in range(2)] == ["0", "D"]
    pair.end()
    assert not [
        e for phone in (pair.alice, pair.bob) for e in phone.events() if e["event"] == "dtmf"
    ]


def test_a_muted_phone_sends_silence_that_flows(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.connect()
    pair.hear(1)
    pair.alice.command("mute", on=True)
    start = len(read_wav(pair.recordings[1])) + RATE // 4
    pair.hear(start / RATE + 0.5)
    muted = read_wav(pair.recordings[1])[start : start + RATE // 4]
    assert abs(muted).max() <= 8
    _, bob = pair.end()
    assert bob["stats"]["receive"]["lost"] == 0  # type: ignore[index]


def test_a_ringing_call_can_be_cancelled(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.alice.call("bob")
    pair.alice.wait_event("call", state="ringing")
    pair.alice.command("hangup")
    ended = pair.alice.wait_event("call", state="ended")
    assert (ended["code"], ended["by"]) == (487, "local")
    assert pair.bob.wait_event("call", state="ended")["by"] == "remote"


def test_a_ringing_call_can_be_refused(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.alice.call("bob")
    pair.bob.wait_event("incoming")
    pair.bob.command("reject", code=603)
    assert pair.alice.wait_event("call", state="ended")["code"] == 603


def test_the_callee_can_hang_up(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.connect()
    pair.bob.command("hangup")
    assert pair.alice.wait_event("call", state="ended")["by"] == "remote"
    assert pair.bob.wait_event("call", state="ended")["by"] == "local"


def test_a_number_that_nobody_has_ends_the_call_with_404(bench: Bench) -> None:
    kamailio: Kamailio = bench.kamailio()
    alice = bench.phone("alice", kamailio)
    alice.call("nobody")
    ended = alice.wait_event("call", state="ended")
    assert (ended["code"], ended["by"]) == (404, "remote")


def test_a_call_survives_the_death_of_the_proxy(bench: Bench, tmp_path: Path) -> None:
    pair = Pair(bench, tmp_path)
    pair.connect()
    pair.kamailio.freeze()
    pair.hear(2)
    assert [c["state"] for c in pair.alice.command("calls")["calls"]] == ["confirmed"]
    assert find_second(pair.voices[0][: 2 * RATE], read_wav(pair.recordings[1])).exact


def test_a_source_of_another_rate_arrives_as_the_same_voice(bench: Bench, tmp_path: Path) -> None:
    kamailio = bench.kamailio()
    voice = speech(5, seed=21, rate=16000)
    file = write_wav(tmp_path / "wide.wav", voice, rate=16000)
    recording = tmp_path / "heard.wav"
    alice = bench.phone("alice", kamailio, "--audio", f"wav:{file}")
    bob = bench.phone("bob", kamailio, "--record", str(recording), "--auto-answer", "0")
    alice.call("bob")
    alice.wait_event("call", state="confirmed")
    wait_for_samples(bob, recording, 3 * RATE)
    alice.end_call()
    # The 16 kHz signal has nothing above 3.2 kHz, so that every second sample is its 8 kHz form.
    match = find(voice[::2][: 2 * RATE], read_wav(recording))
    assert match.snr_db > 15, match

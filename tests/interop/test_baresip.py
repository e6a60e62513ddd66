"""baresip as the other phone, in both directions, compared by what each heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.agent import Agent
from tests.harness.baresip import Baresip
from tests.harness.listening import (
    RATE,
    Pcm,
    find,
    find_second,
    levels,
    read_wav,
    speech,
    write_wav,
)
from tests.harness.namespace import host_address
from tests.interop.conftest import Bench
from tests.interop.test_calls import wait_for_samples

pytestmark = pytest.mark.interop


class Meeting:
    """The phone and a baresip, each with a voice, in the same codec."""

    def __init__(self, bench: Bench, folder: Path, codec: str = "pcmu", *options: str) -> None:
        self.voices: dict[str, Pcm] = {}
        files: dict[str, Path] = {}
        for seed, name in enumerate(("ours", "theirs")):
            self.voices[name] = levels(speech(15, seed=30 + seed), codec)
            files[name] = write_wav(folder / f"{name}.wav", self.voices[name])
        self.recording = folder / "we-hear.wav"
        self.peer: Baresip = bench.baresip("bert", files["theirs"], codecs=[codec.upper()])
        audio = ("--audio", f"wav:{files['ours']}", "--record", str(self.recording))
        self.phone: Agent = bench.agent(*audio, "--codecs", codec, *options, host=host_address())

    def check_both_heard(self, seconds: float = 3) -> None:
        samples = int(seconds * RATE)
        theirs = self.peer.wait_until_heard(samples + RATE)
        wait_for_samples(self.phone, self.recording, samples + RATE)
        match = find_second(self.voices["ours"][:samples], theirs)
        assert match.exact, f"baresip heard us like this: {match}"
        match = find_second(self.voices["theirs"][:samples], read_wav(self.recording))
        assert match.exact, f"we heard baresip like this: {match}"


@pytest.mark.smoke
@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_we_call_baresip_and_both_hear_every_sample(
    bench: Bench, tmp_path: Path, codec: str
) -> None:
    meeting = Meeting(bench, tmp_path, codec)
    meeting.phone.call(meeting.peer.uri)
    meeting.peer.wait_event("CALL_INCOMING")
    meeting.phone.wait_event("call", state="ringing")
    meeting.peer.command("accept")
    meeting.phone.wait_event("call", state="confirmed")
    meeting.check_both_heard()
    meeting.peer.command("hangup")
    ended = meeting.phone.wait_event("call", state="ended")
    assert (ended["code"], ended["by"]) == (200, "remote")


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_baresip_calls_us_and_both_hear_every_sample(
    bench: Bench, tmp_path: Path, codec: str
) -> None:
    meeting = Meeting(bench, tmp_path, codec)
    meeting.peer.command("dial", meeting.phone.uri())
    incoming = meeting.phone.wait_event("incoming")
    assert incoming["from"] == meeting.peer.uri
    meeting.phone.command("answer")
    meeting.peer.wait_event("CALL_ESTABLISHED")
    meeting.check_both_heard()
    meeting.phone.command("hangup")
    meeting.peer.wait_event("CALL_CLOSED")


def test_baresip_holds_us_and_takes_us_back(bench: Bench, tmp_path: Path) -> None:
    meeting = Meeting(bench, tmp_path)
    meeting.peer.command("dial", meeting.phone.uri())
    meeting.phone.wait_event("incoming")
    meeting.phone.command("answer")
    meeting.peer.wait_event("CALL_ESTABLISHED")
    wait_for_samples(meeting.phone, meeting.recording, RATE)
    meeting.peer.command("hold")
    meeting.phone.wait_event("call", hold="remote")
    meeting.peer.command("resume")
    meeting.phone.wait_event("call", hold="none")
    begin = len(read_wav(meeting.recording)) + RATE // 2
    wait_for_samples(meeting.phone, meeting.recording, begin + RATE)
    heard = read_wav(meeting.recording)[begin : begin + RATE]
    assert find(heard, meeting.voices["theirs"]).snr_db > 40


def test_we_hold_baresip_and_take_it_back(bench: Bench, tmp_path: Path) -> None:
    meeting = Meeting(bench, tmp_path)
    meeting.phone.call(meeting.peer.uri)
    meeting.peer.wait_event("CALL_INCOMING")
    meeting.peer.command("accept")
    meeting.phone.wait_event("call", state="confirmed")
    wait_for_samples(meeting.phone, meeting.recording, RATE)
    meeting.phone.command("hold")
    meeting.phone.wait_event("call", hold="local")
    meeting.phone.command("resume")
    meeting.phone.wait_event("call", hold="none")
    begin = len(read_wav(meeting.recording)) + RATE // 2
    wait_for_samples(meeting.phone, meeting.recording, begin + RATE)
    heard = read_wav(meeting.recording)[begin : begin + RATE]
    assert find(heard, meeting.voices["theirs"]).snr_db > 40


def test_baresip_refuses_and_we_say_so(bench: Bench, tmp_path: Path) -> None:
    meeting = Meeting(bench, tmp_path)
    meeting.phone.call(meeting.peer.uri)
    meeting.peer.wait_event("CALL_INCOMING")
    meeting.peer.command("hangup")
    ended = meeting.phone.wait_event("call", state="ended")
    assert ended["code"] in (486, 603, 480, 487)
    assert ended["by"] == "remote"


def test_baresip_gives_up_ringing(bench: Bench, tmp_path: Path) -> None:
    meeting = Meeting(bench, tmp_path)
    meeting.peer.command("dial", meeting.phone.uri())
    meeting.phone.wait_event("incoming")
    meeting.peer.command("hangup")
    ended = meeting.phone.wait_event("call", state="ended")
    assert (ended["by"], ended["elsewhere"]) == ("remote", False)


def test_baresip_talks_to_us_through_kamailio(bench: Bench, tmp_path: Path) -> None:
    kamailio = bench.kamailio(host=host_address())
    voice = levels(speech(10, seed=41), "pcmu")
    peer = bench.baresip(
        "bob",
        write_wav(tmp_path / "bob.wav", voice),
        registrar=kamailio.address,
        password=kamailio.users["bob"],
        codecs=["PCMU"],
    )
    peer.wait_registered()
    recording = tmp_path / "alice-hears.wav"
    alice = bench.phone("alice", kamailio, "--record", str(recording), host=host_address())
    alice.call("bob")
    peer.wait_event("CALL_INCOMING")
    peer.command("accept")
    alice.wait_event("call", state="confirmed")
    wait_for_samples(alice, recording, 3 * RATE)
    assert find_second(voice[: 2 * RATE], read_wav(recording)).exact
    peer.command("hangup")
    assert alice.wait_event("call", state="ended")["by"] == "remote"

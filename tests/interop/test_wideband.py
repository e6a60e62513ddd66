"""Wideband calls with baresip in both directions, compared by what each heard."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import G722
import numpy as np
import pytest

from platypus.media import opus
from tests.harness.agent import Agent
from tests.harness.baresip import Baresip
from tests.harness.listening import Pcm, find, read_wav, speech, write_wav
from tests.harness.namespace import host_address
from tests.interop.conftest import Bench
from tests.interop.test_calls import wait_for_samples

pytestmark = pytest.mark.interop

RATES = {"g722": 16_000, "opus": 48_000}
SECONDS = 4


class Meeting:
    """The phone and a baresip, each with a voice, in the same codec."""

    def __init__(self, bench: Bench, folder: Path, codec: str, offered: str | None = None) -> None:
        if codec == "opus" and not opus.available():
            pytest.skip("no libopus here")
        self.rate = RATES[codec]
        self.voices: dict[str, Pcm] = {}
        files: dict[str, Path] = {}
        for seed, name in enumerate(("ours", "theirs")):
            self.voices[name] = speech(15, seed=70 + seed, rate=self.rate)
            files[name] = write_wav(folder / f"{name}.wav", self.voices[name], rate=self.rate)
        self.recording = folder / "we-hear.wav"
        self.peer: Baresip = bench.baresip("bert", files["theirs"], codecs=[codec.upper()])
        audio = ("--audio", f"wav:{files['ours']}", "--record", str(self.recording))
        self.phone: Agent = bench.agent(
            *audio, "--codecs", offered or f"{codec},pcmu", host=host_address()
        )

    def heard(self) -> tuple[Pcm, Pcm]:
        """By baresip, and by us."""
        samples = (SECONDS + 1) * self.rate
        theirs = self.peer.wait_until_heard(samples)
        wait_for_samples(self.phone, self.recording, samples)
        data = self.recording.read_bytes()
        assert int.from_bytes(data[24:28], "little") == self.rate
        return theirs, read_wav(self.recording)

    def we_call(self) -> None:
        self.phone.call(self.peer.uri)
        self.peer.wait_event("CALL_INCOMING")
        self.peer.command("accept")
        self.phone.wait_event("call", state="confirmed")

    def they_call(self) -> None:
        self.peer.command("dial", self.phone.uri())
        self.phone.wait_event("incoming")
        self.phone.command("answer")
        self.peer.wait_event("CALL_ESTABLISHED")


def through_g722(voice: Pcm) -> Pcm:
    """As the reference codec leaves it."""
    codes = G722.G722(16_000, 64_000).encode(voice)
    return np.asarray(G722.G722(16_000, 64_000).decode(codes), np.int16)


@pytest.mark.parametrize("direction", ["we_call", "they_call"])
def test_g722_is_heard_by_both_to_the_bit(bench: Bench, tmp_path: Path, direction: str) -> None:
    meeting = Meeting(bench, tmp_path, "g722")
    getattr(meeting, direction)()
    assert meeting.phone.wait_event("media", state="started")["codec"] == "g722"
    theirs, ours = meeting.heard()
    for name, heard in (("ours", theirs), ("theirs", ours)):
        # A second of it: a machine that stood still may have cost a packet elsewhere.
        expected = through_g722(meeting.voices[name])
        seconds = [expected[at : at + 16_000] for at in range(0, SECONDS * 16_000, 16_000)]
        assert any(find(second, heard).exact for second in seconds), name


@pytest.mark.parametrize("direction", ["we_call", "they_call"])
def test_opus_is_heard_by_both(bench: Bench, tmp_path: Path, direction: str) -> None:
    meeting = Meeting(bench, tmp_path, "opus")
    getattr(meeting, direction)()
    assert meeting.phone.wait_event("media", state="started")["codec"] == "opus"
    theirs, ours = meeting.heard()
    for name, heard in (("ours", theirs), ("theirs", ours)):
        voice = meeting.voices[name]
        seconds = [voice[at : at + 48_000] for at in range(0, SECONDS * 48_000, 48_000)]
        best = max((find(second, heard) for second in seconds), key=lambda match: match.snr_db)
        assert best.snr_db > 5, f"{name}: {best}"


def test_thirty_payload_types_and_a_codec_that_changes_in_mid_call(
    bench: Bench, tmp_path: Path
) -> None:
    voice = write_wav(tmp_path / "voice.wav", speech(15, seed=5, rate=16_000), rate=16_000)
    recording = tmp_path / "heard.wav"
    agent = bench.agent(
        *("--auto-answer", "0", "--codecs", "pcma,g722,pcmu"),
        *("--audio", f"wav:{voice}", "--record", str(recording)),
    )
    capture = bench.capture()
    scenario = Path(__file__).parent / "scenarios" / "thirty_payload_types.xml"
    sipp = bench.sipp(scenario, target=agent.address, calls=1)
    media = [agent.wait_event("media", state="started") for _ in range(3)]
    assert [each["codec"] for each in media] == ["pcma", "g722", "pcmu"]
    assert agent.wait_event("call", state="ended")["code"] == 200
    outcome = sipp.outcome()
    assert (outcome.succeeded, outcome.failed) == (1, 0), sipp.errors
    # Its rate is the first codec's, and as long as the call was.
    data = recording.read_bytes()
    assert int.from_bytes(data[24:28], "little") == 8000
    assert 3.0 < len(data[44:]) / 16_000 < 6.0
    port = media[0]["local"].rpartition(":")[2]
    sent = capture.fields(
        f"rtp and udp.srcport == {port}",
        *("rtp.p_type", "rtp.seq", "rtp.timestamp", "udp.length"),
        options=("-d", f"udp.port=={port},rtp"),
    )
    check_packets([tuple(map(int, packet)) for packet in sent])


def check_packets(packets: list[tuple[int, ...]]) -> None:
    """Numbers and clock go on over the changes; each codec has the packets that were asked for."""
    header = 8 + 12
    lengths = {
        payload: {p[3] - header for p in packets if p[0] == payload} for payload in (8, 9, 0)
    }
    assert lengths == {8: {240}, 9: {80}, 0: {160}}
    numbers = [p[1] for p in packets]
    assert [(b - a) % 2**16 for a, b in pairwise(numbers)] == [1] * (len(numbers) - 1)
    steps = {(b[2] - a[2]) % 2**32 for a, b in pairwise(packets) if a[0] == b[0]}
    assert steps == {240, 80, 160}
    assert all((b[2] - a[2]) % 2**32 < 8000 for a, b in pairwise(packets))

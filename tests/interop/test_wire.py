"""What is on the wire while a WAV file is the microphone: every sample, and when."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from platypus._media import g711
from platypus._media.rtp import Packet, parse
from tests.harness.listening import RATE, speech, write_wav
from tests.interop.conftest import Bench

pytestmark = [pytest.mark.interop, pytest.mark.realtime]


@pytest.mark.parametrize(("codec", "seconds"), [("pcmu", 5), ("pcma", 2)])
def test_a_file_is_sent_bit_exactly_and_on_time(
    bench: Bench, tmp_path: Path, codec: str, seconds: int
) -> None:
    voice = speech(seconds, seed=51)
    capture = bench.capture("udp")
    file = write_wav(tmp_path / "voice.wav", voice)
    alice = bench.agent("--audio", f"wav:{file}", "--codecs", codec)
    bob = bench.agent("--auto-answer", "0")
    alice.call(bob.uri())
    port = alice.wait_event("media", state="started")["local"].rpartition(":")[2]
    alice.wait_for_line(seconds + 1.0)
    alice.command("hangup")
    alice.wait_event("call", state="ended")
    rows = capture.fields(f"udp.srcport == {port}", "frame.time_epoch", "udp.payload")
    times: list[float] = []
    packets: list[Packet] = []
    for time, payload in rows:
        packet = parse(bytes.fromhex(payload.replace(":", "")))
        if packet is not None:
            times.append(float(time))
            packets.append(packet)

    encode = g711.encode_ulaw if codec == "pcmu" else g711.encode_alaw
    whole = len(voice) // 160 * 160
    sent = b"".join(packet.payload for packet in packets)
    assert sent[: len(voice)] == encode(voice.tobytes())[: len(sent)]
    assert len(sent) >= min(whole, int((seconds - 1) * RATE))
    assert {len(packet.payload) for packet in packets} == {160}
    steps = {
        ((b.timestamp - a.timestamp) % 2**32, (b.sequence - a.sequence) % 2**16)
        for a, b in pairwise(packets)
    }
    assert steps == {(160, 1)}
    assert [packet.marker for packet in packets].count(True) == 1
    if codec == "pcma":
        return  # when packets leave is no matter of the law, and a hundredth of so few is one
    gaps = np.abs(np.diff(np.array(times)) - 0.02)
    assert np.percentile(gaps, 99) < 0.001

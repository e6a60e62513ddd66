"""Comfort noise (RFC 3389) as another program sends it: sipp plays packets from a file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from platypus._media import g711, rtp
from tests.harness.listening import Pcm, find, read_wav, speech
from tests.harness.sipp import Sipp
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop

SCENARIO = Path(__file__).parent / "scenarios" / "comfort_noise.xml"
FRAME, NOISE = 160, 13
TALK, PAUSE = 25, 4  # packets: half a second of voice, and noise told of every 200 ms
UNKNOWN = bytes(12)  # of Ethernet: addresses, which sipp replaces as it does those of IP


def packets(voice: Pcm, level: int) -> list[tuple[float, rtp.Packet]]:
    """Voice, a pause of comfort noise at `-level` dBov, and the rest of the voice, with times."""
    coded = g711.encode_ulaw(voice.tobytes())
    plan = [(0, FRAME)] * TALK + [(NOISE, 10 * FRAME)] * PAUSE + [(0, FRAME)] * TALK
    found, timestamp = [], 0
    for number, (kind, length) in enumerate(plan):
        payload = bytes([level])
        if kind == 0:
            payload, coded = coded[:FRAME], coded[FRAME:]
        marker = kind == 0 and (number == 0 or plan[number - 1][0] == NOISE)
        packet = rtp.Packet(kind, marker, 100 + number, timestamp, 0x1234, payload)
        found.append((timestamp / 8000, packet))
        timestamp += length
    return found


def write_pcap(path: Path, packets: list[tuple[float, rtp.Packet]]) -> None:
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    for time, packet in packets:
        payload = rtp.serialize(packet)
        udp = struct.pack("!4H", 4000, 4002, 8 + len(payload), 0) + payload
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 1, 2)
        frame = UNKNOWN + b"\x08\0" + ip + udp
        data += struct.pack("<4I", int(time), int(time % 1 * 1e6), len(frame), len(frame)) + frame
    path.write_bytes(data)


def level_of(pcm: Pcm) -> float:
    return float(10 * np.log10(np.mean((pcm / 32_768) ** 2)))


def test_what_sipp_tells_of_its_silence_is_heard_as_loud(bench: Bench, tmp_path: Path) -> None:
    voice = speech(2 * TALK * FRAME / 8000, seed=3)
    folder, recording = tmp_path / "sipp", tmp_path / "heard.wav"
    folder.mkdir()
    write_pcap(folder / "said.pcap", packets(voice, 50))
    agent = bench.agent("--auto-answer", "0", "--suppress-silence", "--record", str(recording))
    with Sipp(folder, SCENARIO, target=agent.address, calls=1) as sipp:
        ended = agent.wait_event("call", state="ended")
        assert sipp.outcome().succeeded == 1, sipp.errors
    received, sent = ended["stats"]["receive"], ended["stats"]["send"]
    assert (received["packets"], received["lost"]) == (2 * TALK + PAUSE, 0)
    heard = read_wav(recording)
    through = np.frombuffer(g711.decode_ulaw(g711.encode_ulaw(voice.tobytes())), np.int16)
    begin = find(through[: TALK * FRAME], heard).offset
    pause = heard[begin + TALK * FRAME :][: 10 * PAUSE * FRAME]
    assert level_of(pause[FRAME * 10 : -FRAME * 5]) == pytest.approx(-50, abs=1.5)
    # We were silent ourselves: a packet now and then instead of fifty a second.
    assert 0 < sent["packets"] < 40

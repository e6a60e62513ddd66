"""A leg at the rate of its codec, packets of the length that was asked for, and changes of both."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from platypus._media import g711, g722
from platypus._media.endpoint import BufferSource, EchoSource, RingSink, ToneSource
from platypus._media.loop import Loop
from platypus._media.ring import Ring
from tests._media.peer import Packet, Peer, address_of, open_leg, running_loop, wait_for

RISING = np.arange(0, 32000, dtype=np.int16)  # 4 s at 8 kHz: a sample says when it was played


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


def payloads(peer: Peer, count: int, payload_type: int) -> list[Packet]:
    """The next packets of this type; those before it are let go."""
    found: list[Packet] = []
    while len(found) < count:
        packet = peer.receive()
        if packet.payload_type == payload_type:
            found.append(packet)
    return found


def steps(packets: list[Packet]) -> set[int]:
    """From one timestamp to the next."""
    return {(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)}


def latest(peer: Peer, before: int) -> int:
    """The timestamp of the last packet that has come by now, counted on from `before`."""
    peer.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            before += (peer.receive().timestamp - before) % 2**32
    return before


def pitch(pcm: np.ndarray, rate: int) -> float:
    """The strongest frequency, in Hz."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(np.argmax(spectrum) * rate / len(pcm))


def test_g722_is_sent_at_sixteen_kilohertz_with_a_clock_of_eight(loop):
    peer = Peer()
    leg = open_leg(loop)
    leg.set_source(ToneSource([(3000.0, 8000.0)]))
    leg.configure_send(9, "g722", peer.address)
    packets = payloads(peer, 30, 9)
    assert {len(p.payload) for p in packets} == {160}
    assert steps(packets) == {160}
    pcm = np.frombuffer(g722.Decoder().decode(b"".join(p.payload for p in packets)), np.int16)
    assert pitch(pcm[1600:], 16000) == pytest.approx(3000, abs=5)
    peer.socket.close()


def test_a_source_goes_on_where_it_was_when_the_codec_changes(loop):
    peer = Peer()
    leg = open_leg(loop, peer.address)
    leg.set_source(BufferSource(RISING.tobytes(), 8000))
    before = peer.receive_many(20)[-1]
    leg.configure_send(9, "g722", peer.address)
    wide = payloads(peer, 25, 9)
    pcm = np.frombuffer(g722.Decoder().decode(b"".join(p.payload for p in wide)), np.int16)
    heard = np.frombuffer(g711.decode_ulaw(before.payload), np.int16)[-1]
    late = (wide[0].timestamp - before.timestamp) % 2**32 // 160
    expected = int(heard) + 160 * late + 8 * 480  # at the end of the 25th packet
    assert pcm[-100:].mean() == pytest.approx(expected, abs=500)
    leg.configure_send(0, "pcmu", peer.address)
    narrow = payloads(peer, 5, 0)[-1]
    assert len(narrow.payload) == 160
    peer.socket.close()


def test_sink_and_recording_keep_their_rates_when_the_codec_changes(loop, tmp_path: Path):
    peer = Peer()
    path, both = tmp_path / "heard.wav", tmp_path / "both.wav"
    ring = Ring(8000 * 10)
    leg = open_leg(loop, peer.address)
    leg.set_sink(RingSink(ring, 8000))
    leg.configure_receive({0: "pcmu", 9: "g722"})
    # By the leg's own clock: it has sent this much when its recordings are asked for, ...
    begin = latest(peer, peer.receive().timestamp)
    leg.start_record(os.open(path, os.O_RDWR | os.O_CREAT))
    leg.start_record(os.open(both, os.O_RDWR | os.O_CREAT), 16000, stereo=True, place=1)
    end = begun = latest(peer, begin)  # ... and this much when they were
    time = np.arange(16000 * 4) / 16000
    tone = (8000 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
    codes = g722.Encoder().encode(tone.tobytes())
    narrow = g711.encode_ulaw(tone[::2].tobytes())
    sent = 0

    def turn() -> bool:
        nonlocal end, sent
        end = latest(peer, end)
        if sent == 30:
            leg.configure_send(9, "g722", peer.address)
        start = 160 * sent
        if sent < 30:
            peer.send(address_of(leg), narrow[start : start + 160])
        else:
            peer.send(address_of(leg), codes[start : start + 160], pt=9)
        sent += 1
        return sent == 110

    peer.talk_with(turn)
    leg.close()
    ends: list[object] = []
    wait_for(lambda: ends.extend(e for e in loop.drain_events() if e[1] == "recorded") or ends[1:])
    data = both.read_bytes()
    assert int.from_bytes(data[24:28], "little") == 16000
    right = np.frombuffer(data[44:], np.int16)[1::2]
    assert pitch(right[-16000:-1600], 16000) == pytest.approx(1000, abs=5)
    data = path.read_bytes()
    assert int.from_bytes(data[24:28], "little") == 8000
    recorded = np.frombuffer(data[44:], np.int16)
    assert pitch(recorded[-8000:-800], 8000) == pytest.approx(1000, abs=5)
    heard = np.frombuffer(ring.read(ring.available), np.int16)
    assert pitch(heard[-8000:-800], 8000) == pytest.approx(1000, abs=5)
    # A frame for each that was sent, before the change as after it, but for a turn that was
    # under way when they were asked for.
    end = latest(peer, end)
    assert end - begun - 160 <= len(recorded) <= end - begin
    assert end - begun - 160 <= len(right) // 2 <= end - begin
    peer.socket.close()


@pytest.mark.parametrize("ptime_ms", [10, 30, 40, 50, 60])
def test_packets_are_as_long_as_the_far_end_asked(loop, ptime_ms: int):
    peer = Peer()
    leg = open_leg(loop)
    leg.set_source(BufferSource(RISING.tobytes(), 8000))
    leg.configure_send(0, "pcmu", peer.address, ptime_ms=ptime_ms)
    packets = peer.receive_many(12)
    assert {len(p.payload) for p in packets} == {8 * ptime_ms}
    together = b"".join(p.payload for p in packets)
    assert steps(packets) == {8 * ptime_ms}
    assert g711.encode_ulaw(RISING[: len(together)].tobytes()) == together
    peer.socket.close()


def test_the_length_of_packets_changes_in_mid_call(loop):
    peer = Peer()
    leg = open_leg(loop, peer.address)
    leg.set_source(BufferSource(RISING.tobytes(), 8000))
    first = peer.receive_many(10)
    leg.configure_send(0, "pcmu", peer.address, ptime_ms=30)
    later: list[Packet] = []
    while len(later) < 6:
        packet = peer.receive()
        (later if len(packet.payload) == 240 else first).append(packet)
    together = b"".join(p.payload for p in first + later)
    assert g711.encode_ulaw(RISING[: len(together)].tobytes()) == together
    peer.socket.close()


def test_the_echo_of_half_frames_is_whole(loop):
    """Packets of 10 ms leave every 10 ms, from what was played last."""
    peer = Peer()
    leg = open_leg(loop)
    leg.set_source(EchoSource())
    leg.configure_send(0, "pcmu", peer.address, ptime_ms=10)
    leg.set_direction(True, True)
    said = g711.encode_ulaw((RISING[::4] * 3).tobytes())
    sent = 0

    def turn() -> bool:
        nonlocal sent
        peer.send(address_of(leg), said[160 * sent : 160 * (sent + 1)])
        sent += 1
        return sent == 45

    peer.talk_with(turn)
    echo = b"".join(peer.receive().payload for _ in range(90))
    # Three frames in one piece; on a busy machine some may come too late.
    assert any(said[160 * n : 160 * (n + 3)] in echo for n in range(40))
    peer.socket.close()


def test_a_packet_time_that_is_none_is_refused(loop):
    leg = open_leg(loop)
    with pytest.raises(ValueError, match="60 ms, not 25"):
        leg.configure_send(0, "pcmu", None, ptime_ms=25)

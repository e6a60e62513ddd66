"""Conferences in the running loop: each party hears the sum of the others, and us."""

from __future__ import annotations

import os
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from platypus._media.conference import Conference
from platypus._media.endpoint import BufferSource, RingSink
from platypus._media.g711 import decode_ulaw, encode_ulaw
from platypus._media.loop import Leg, Loop
from platypus._media.ring import Ring
from platypus._media.voice import VoiceDetector
from platypus.errors import MediaError
from tests._media.peer import (
    Peer,
    address_of,
    next_event,
    open_leg,
    running_loop,
    udp_socket,
)

LEVELS = (1000, 3000, 9000)  # what each far end says, a constant: its codec and buffer keep it


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


def coded(value: int) -> int:
    """The constant as it is after G.711."""
    return int(np.frombuffer(decode_ulaw(encode_ulaw(struct.pack("<h", value))), "<i2")[0])


def payload(value: int) -> bytes:
    return encode_ulaw(struct.pack("<160h", *[value] * 160))


class Party:
    """A far end that says a constant, and the leg it is on."""

    def __init__(self, loop: Loop, level: int) -> None:
        self.peer = Peer(ssrc=level)
        self.leg: Leg = open_leg(loop, self.peer.address)
        self.level = level
        self.heard = 0

    def turn(self) -> None:
        self.peer.send(address_of(self.leg), payload(self.level))
        self.peer.socket.setblocking(False)
        try:
            while True:
                data = self.peer.receive().payload
                if data:
                    self.heard = int(np.frombuffer(decode_ulaw(data), "<i2")[-1])
        except BlockingIOError:
            pass


def talk(parties: list[Party], expected: list[int], *, slack: float = 0.04) -> None:
    """All speak until each hears what it shall: within half a step of the codec."""

    def turn() -> bool:
        for party in parties:
            party.turn()
        return all(
            abs(party.heard - value) <= max(8, slack * abs(value))
            for party, value in zip(parties, expected, strict=True)
        )

    parties[0].peer.talk_with(turn)


def confer(parties: list[Party], rate: int = 8000) -> Conference:
    conference = Conference(rate)
    for party in parties:
        party.leg.join(conference)
    return conference


def wide_leg(loop: Loop) -> Leg:
    return loop.open_leg(udp_socket(), ssrc=9, sequence=0, timestamp=0, rate=16_000)


def test_each_hears_the_others_and_not_itself(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS]
    confer(parties)
    a, b, c = (coded(level) for level in LEVELS)
    talk(parties, [b + c, a + c, a + b])


def test_whoever_sits_here_is_heard_by_all_through_one_source(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS]
    parties[1].leg.set_source(BufferSource(struct.pack("<8000h", *[500] * 8000), 8000, loop=True))
    confer(parties)
    a, b, c = (coded(level) for level in LEVELS)
    talk(parties, [b + c + 500, a + c + 500, a + b + 500])


def test_muted_we_are_not_heard_but_the_others_are(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS[:2]]
    parties[0].leg.set_source(BufferSource(struct.pack("<8000h", *[500] * 8000), 8000, loop=True))
    confer(parties)
    parties[1].leg.set_mute(True)
    a, b = (coded(level) for level in LEVELS[:2])
    talk(parties, [b + 500, a])


def test_on_hold_nobody_is_listened_to(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS]
    confer(parties)
    parties[0].leg.set_mute(False, held=True)
    a, b, c = (coded(level) for level in LEVELS)
    talk(parties, [0, a + c, a + b])


def test_a_party_that_leaves_is_alone_and_the_others_go_on(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS]
    confer(parties)
    parties[2].leg.leave()
    a, b, _ = (coded(level) for level in LEVELS)
    talk(parties, [b, a, 0])
    parties[1].leg.close()
    talk([parties[0]], [0])


def test_a_leg_moves_from_one_conference_to_another(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS]
    confer(parties[:2])
    confer(parties[1:])
    _, b, c = (coded(level) for level in LEVELS)
    talk(parties, [0, c, b])


def test_here_everybody_is_heard_and_recorded(loop: Loop, tmp_path: Path) -> None:
    parties = [Party(loop, level) for level in LEVELS]
    ring = Ring(16_000)
    parties[0].leg.set_sink(RingSink(ring, 8000))
    path = tmp_path / "out.wav"
    parties[1].leg.start_record(os.open(path, os.O_RDWR | os.O_CREAT))
    confer(parties)
    total = sum(coded(level) for level in LEVELS)
    heard: list[int] = []

    def turn() -> bool:
        for party in parties:
            party.turn()
        heard.extend(np.frombuffer(ring.read(ring.available), "<i2").tolist())
        return total in heard

    parties[0].peer.talk_with(turn)
    parties[1].leg.stop_record()
    next_event(loop, "recorded")
    with wave.open(str(path)) as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    assert total in samples


def test_one_voice_among_silent_ones_arrives_bit_for_bit(loop: Loop) -> None:
    """What one far end says reaches another as it was: mixed with nothing, it is not touched."""
    noise = np.random.default_rng(1).integers(0, 256, 160, dtype=np.uint8).tobytes()
    noise = encode_ulaw(decode_ulaw(noise))  # without the second zero of mu-law
    speaker, listener = Party(loop, 0), Party(loop, 0)
    confer([speaker, listener])
    got: list[bytes] = []

    def turn() -> bool:
        speaker.peer.send(address_of(speaker.leg), noise)
        listener.peer.socket.setblocking(False)
        try:
            while True:
                got.append(listener.peer.receive().payload)
        except BlockingIOError:
            pass
        return noise * 3 in b"".join(got)

    speaker.peer.talk_with(turn)


def test_parties_of_different_rates_understand_each_other(loop: Loop) -> None:
    narrow, leg = Party(loop, 3000), wide_leg(loop)
    conference = Conference(16_000)
    narrow.leg.join(conference)
    leg.join(conference)
    leg.set_source(BufferSource(struct.pack("<8000h", *[2000] * 8000), 16_000, loop=True))
    talk([narrow], [2000])


def test_a_party_may_change_its_rate_in_mid_conference(loop: Loop) -> None:
    parties = [Party(loop, level) for level in LEVELS[:2]]
    confer(parties)
    leg = parties[1].leg
    leg.configure_receive({0: "pcmu", 9: "g722"})
    leg.configure_send(9, "g722", parties[1].peer.address)
    wide = iter([True] * 10)  # turns at 16 kHz
    parties[1].peer.talk_with(lambda: [each.turn() for each in parties] and not next(wide, False))
    a, b = (coded(level) for level in LEVELS[:2])
    leg.configure_send(0, "pcmu", parties[1].peer.address)
    talk(parties, [b, a])


def test_a_conference_refuses_what_it_can_not_mix(loop: Loop) -> None:
    with pytest.raises(ValueError, match="mixes at 44100"):
        Conference(44_100)
    conference = Conference(8000)
    Party(loop, 1).leg.join(conference)
    with running_loop() as other, pytest.raises(MediaError, match="another engine"):
        Party(other, 1).leg.join(conference)


def test_both_sides_are_recorded_in_step(loop: Loop, tmp_path: Path) -> None:
    party = Party(loop, 3000)
    party.leg.set_source(BufferSource(struct.pack("<8000h", *[700] * 8000), 8000, loop=True))
    path = tmp_path / "both.wav"
    party.leg.start_record(os.open(path, os.O_RDWR | os.O_CREAT), 16_000, stereo=True)
    party.peer.talk_with(lambda: party.turn() or path.stat().st_size > 44 + 4 * 16_000 // 2)
    party.leg.stop_record()
    next_event(loop, "recorded")
    with wave.open(str(path)) as reader:
        assert reader.getparams()[:3] == (2, 2, 16_000)
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)
    assert abs(int(samples[-400, 0]) - 700) <= 1
    assert abs(int(samples[-400, 1]) - coded(3000)) <= 1


def test_speech_is_told_where_somebody_wants_to_know(loop: Loop) -> None:
    party = Party(loop, 0)
    rng = np.random.default_rng(2)
    party.leg.watch_voice(True)

    def say(amplitude: int) -> bytes:
        return encode_ulaw((rng.standard_normal(160) * amplitude).astype("<i2").tobytes())

    told: list[tuple[object, ...]] = []

    def turn(amplitude: int) -> bool:
        party.peer.send(address_of(party.leg), say(amplitude))
        told.extend(event[2:] for event in loop.drain_events() if event[1] == "voice")
        return bool(told)

    quiet = iter(range(25))
    party.peer.talk_with(lambda: turn(10) or next(quiet, None) is None)
    party.peer.talk_with(lambda: turn(3000))
    assert told == [("received", True)]
    told.clear()
    party.peer.talk_with(lambda: turn(10))
    assert told == [("received", False)]


@pytest.mark.parametrize(("amplitudes", "changes"), [
    ([20] * 100 + [4000] * 50 + [20] * 40, [True, False]),
    ([20] * 50 + [4000, 20] * 20, []),                       # clicks
    ([20] * 50 + [4000] * 10 + [20] * 10 + [4000] * 10, [True]),  # a pause between words
    ([300] * 400, []),                                       # a fan, from the start
    ([20] * 100 + [300] * 600, [True, False]),               # one that was turned on
    ([0] * 100 + [300] * 600 + [4000] * 50 + [300] * 40, [True, False, True, False]),
    ([20] * 50 + ([4000] * 90 + [20] * 10) * 20, [True]),    # who goes on and on
    ([0] * 200, []),
])  # fmt: skip
def test_voice_activity(amplitudes: list[int], changes: list[bool]) -> None:
    detector = VoiceDetector()
    rng = np.random.default_rng(3)
    frames = ((rng.standard_normal(160) * each).astype("<i2") for each in amplitudes)
    found = [changed for frame in frames if (changed := detector.update(frame)) is not None]
    assert found == changes

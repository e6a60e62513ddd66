"""The callback in C, driven by a PortAudio that is not there: ctypes functions in its place."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from platypus._media.device import NativeStream, quiet_handler
from platypus._media.endpoint import RingSink, RingSource
from platypus._media.loop import Loop
from tests._media.peer import Peer, address_of, open_leg, running_loop, wait_for

PERIOD = 480
RATE = 48_000
CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
)
OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_double,
    ctypes.c_ulong,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
OF_STREAM = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class Parameters(ctypes.Structure):
    _fields_ = (
        ("device", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("format", ctypes.c_ulong),
        ("latency", ctypes.c_double),
        ("host_api", ctypes.c_void_p),
    )


class FakePortAudio:
    """Keeps what it was called with; `tick` is the sound card's thread."""

    def __init__(self, problem: int = 0) -> None:
        self.problem = problem
        self.calls: list[str] = []
        self.streams: list[NativeStream] = []
        self.wanted: list[tuple[int, int, int, float] | None] = []
        self._functions = {
            "Pa_OpenStream": OPEN(self._open),
            "Pa_StartStream": OF_STREAM(lambda _: self._called("start")),
            "Pa_AbortStream": OF_STREAM(lambda _: self._called("abort")),
            "Pa_CloseStream": OF_STREAM(lambda _: self._called("close")),
            "Pa_IsStreamActive": OF_STREAM(lambda _: 1),
        }

    @property
    def functions(self) -> Mapping[str, int]:
        return {
            name: ctypes.cast(function, ctypes.c_void_p).value or 0
            for name, function in self._functions.items()
        }

    def _called(self, name: str) -> int:
        self.calls.append(name)
        return 0

    def _open(self, stream, capture, playout, rate, period, flags, callback, argument) -> int:
        for address in (capture, playout):
            wanted = Parameters.from_address(address) if address else None
            self.wanted.append(
                (wanted.device, wanted.channels, wanted.format, wanted.latency) if wanted else None
            )
        self.rate, self.period, self.flags = rate, period, flags
        self._callback, self._argument = CALLBACK(callback), argument
        stream[0] = 4711
        return self.problem

    def tick(self, captured: np.ndarray | None = None, *, flags: int = 0) -> np.ndarray:
        played = np.full(self.period, 99, dtype=np.int16)
        said = None if captured is None else captured.astype(np.int16).tobytes()
        result = self._callback(said, played.ctypes.data, self.period, None, flags, self._argument)
        assert result == 0
        return played


def opened(card: FakePortAudio, **options) -> NativeStream:
    ends = {"capture": (3, 0.01), "playout": (5, 0.02)} | options
    stream = NativeStream(card.functions, rate=RATE, period=PERIOD, **ends)
    card.streams.append(stream)
    return stream


@pytest.fixture
def card() -> Iterator[FakePortAudio]:
    """Its streams are closed: one that is not keeps its memory for whoever may still call it."""
    made = FakePortAudio()
    yield made
    for each in made.streams:
        each.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    with running_loop() as loop:
        yield loop


def test_asks_for_mono_int16_both_ways(card):
    opened(card)
    assert card.wanted == [(3, 1, 8, 0.01), (5, 1, 8, 0.02)]
    assert (card.rate, card.period, card.flags) == (RATE, PERIOD, 0)


def test_asks_only_for_the_direction_that_is_wanted(card):
    stream = opened(card, capture=None)
    assert card.wanted == [None, (5, 1, 8, 0.02)]
    assert stream.source is None
    assert isinstance(stream.sink, RingSink)


def test_without_anything_to_play_the_speaker_is_silent(card):
    stream = opened(card)
    assert not card.tick(np.ones(PERIOD)).any()
    assert stream.statistics()["playout_underruns"] == PERIOD


def test_what_is_captured_waits_for_the_loop(card):
    stream = opened(card)
    card.tick(np.ones(PERIOD))
    card.tick(np.ones(PERIOD))
    assert stream.statistics()["captured"] == 2 * PERIOD


def test_a_microphone_that_nobody_reads_overruns_and_counts(card):
    stream = opened(card)
    for _ in range(30):
        card.tick(np.ones(PERIOD))
    statistics = stream.statistics()
    assert statistics["captured"] == RATE // 5
    assert statistics["capture_overruns"] == 30 * PERIOD - RATE // 5


def test_counts_callbacks_and_those_after_a_loss(card):
    stream = opened(card)
    assert stream.silent_ms is None
    card.tick(flags=2)
    card.tick()
    assert (stream.statistics()["callbacks"], stream.statistics()["flagged"]) == (2, 1)
    assert stream.silent_ms is not None


def test_closing_stops_first_and_happens_once(card):
    stream = opened(card)
    stream.start()
    assert stream.active
    stream.close()
    stream.close()
    assert card.calls == ["start", "abort", "close"]
    assert not stream.active
    with pytest.raises(ValueError, match="closed"):
        stream.start()


def test_a_card_that_cannot_be_opened_says_portaudios_number():
    with pytest.raises(OSError, match="Pa_OpenStream") as caught:
        opened(FakePortAudio(problem=-9985))
    assert caught.value.errno == -9985


def test_the_quiet_handler_takes_whatever_it_is_given():
    handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int)(quiet_handler())
    handler(b"ALSA lib pcm.c", 2666)


def test_what_the_far_end_says_is_played(card, loop):
    stream = opened(card)
    peer = Peer()
    leg = open_leg(loop, peer.address)
    leg.set_sink(stream.sink)

    def heard() -> bool:
        return bool(np.abs(card.tick(np.zeros(PERIOD))).max() > 10_000)

    peer.talk(address_of(leg), heard, b"\x10" * 160)


def test_what_is_captured_is_sent(card, loop):
    stream = opened(card)
    assert isinstance(stream.source, RingSource)
    peer = Peer()
    leg = open_leg(loop, peer.address)
    leg.set_source(stream.source)

    def sent() -> bool:
        card.tick(np.full(PERIOD, 10_000))
        card.tick(np.full(PERIOD, 10_000))
        return peer.receive().payload[-1] != 0xFF

    wait_for(sent)


def test_the_speakers_ring_does_not_grow_when_the_card_is_slow(card, loop):
    """3 % slow: far beyond drift, so what is too much must be dropped."""
    stream = opened(card)
    peer = Peer()
    leg = open_leg(loop, peer.address)
    leg.set_sink(stream.sink)
    turns = 0

    def turn() -> bool:
        nonlocal turns
        turns += 1
        peer.send(address_of(leg))
        card.tick()
        if turns % 16:
            card.tick()
        return turns == 100

    peer.talk_with(turn)
    assert stream.statistics()["playing"] < RATE // 8


def test_a_stream_lives_as_long_as_a_leg_uses_its_end(card, loop):
    peer = Peer()
    leg = open_leg(loop, peer.address)
    leg.set_sink(opened(card).sink)
    card.tick()
    peer.talk(address_of(leg), lambda: leg.statistics()["receive"]["packets"] > 10)
    card.tick()

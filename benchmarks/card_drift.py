"""Two sound cards whose clocks are wrong, for an hour of simulated time (with CARDS=long).

The microphone's clock is 300 ppm fast, the speaker's 300 ppm slow, their callbacks come up to
3 ms late, and the media thread turns every 10 ms:

    pulses -> card -> ring -> feed -> 20 ms at 8 kHz -> outlet -> ring -> card -> where are they?

The delay is that of short pulses, two a second, from the microphone to the speaker. It must stay
within 5 ms, from the tenth second on, and nothing may run dry.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks._cards import LONG
from platypus._media.endpoint import RingSink, RingSource
from platypus._media.feed import Feed
from platypus._media.outlet import Outlet
from platypus._media.ring import Ring

RATE, PERIOD = 48_000, 480
LEG_RATE, LEG_HALF = 8_000, 80
SECONDS = 3600.0 if LONG else 300.0
FAST_PPM, SLOW_PPM = 300.0, -300.0
JITTER_S = 0.003
SETTLED_S = 10.0
TARGETS = {"delay_changes_ms": 5.0, "gaps": 0.0, "dropped": 0.0}


class Pulses:
    """What the microphone hears: a pulse of 2 ms twice a second, by the true time."""

    def __init__(self, ppm: float) -> None:
        self._step = 1 / (RATE * (1 + ppm * 1e-6))
        self._at = 0

    def read(self, count: int) -> bytes:
        time = (self._at + np.arange(count)) * self._step
        self._at += count
        near = (time + 0.25) % 0.5 - 0.25
        return (20_000 * np.exp(-((near / 0.0005) ** 2))).astype(np.int16).tobytes()


class Card:
    """Callbacks by a clock that is wrong, each a little late: a time for each."""

    def __init__(self, ppm: float, seed: int) -> None:
        self._period = PERIOD / (RATE * (1 + ppm * 1e-6))
        self._random = random.Random(seed)
        self._count = 0

    def due(self, until: float) -> Iterator[tuple[float, float]]:
        """When its time has come, and when it is called."""
        while (time := self._count * self._period) <= until:
            self._count += 1
            yield time, time + self._random.random() * JITTER_S


class Path:
    """Both cards with their rings, and what stands between."""

    def __init__(self) -> None:
        self.microphone, self.speaker = Card(FAST_PPM, 1), Card(SLOW_PPM, 2)
        self.pulses = Pulses(FAST_PPM)
        self._captured, self._playing = Ring(RATE // 5), Ring(RATE // 5)
        self._source = RingSource(self._captured, RATE, card_period=PERIOD)
        self._sink = RingSink(self._playing, RATE, card_period=PERIOD)
        self.feed, self.outlet = Feed(self._source, LEG_RATE), Outlet(self._sink, LEG_RATE)
        self.gaps = 0
        self._whole = False
        self._due: list[tuple[float, str, float]] = []

    def capture(self, called: float) -> None:
        self._captured.write(self.pulses.read(PERIOD))
        self._source.called(int(called * 1e6))

    def play(self, time: float, called: float) -> tuple[float, np.ndarray]:
        samples = np.frombuffer(self._playing.read(PERIOD), dtype=np.int16)
        self._sink.called(int(called * 1e6))
        whole = len(samples) == PERIOD
        self.gaps += self._whole and not whole
        self._whole = whole
        return time, samples

    def carry_out(self, now: float) -> Iterator[tuple[float, np.ndarray]]:
        """The callbacks that came until now, in order; when the speaker plays, and what."""
        self._due += [(called, "capture", time) for time, called in self.microphone.due(now)]
        self._due += [(called, "play", time) for time, called in self.speaker.due(now)]
        self._due.sort()
        while self._due and self._due[0][0] <= now:
            called, what, time = self._due.pop(0)
            if what == "capture":
                self.capture(called)
            else:
                yield self.play(time, called)


class Finder:
    """The middle of each pulse that is heard, less when it was said: half a second at most."""

    def __init__(self) -> None:
        self.found: list[float] = []
        self._weight = self._moment = 0.0

    def hear(self, began: float, samples: np.ndarray) -> None:
        loud = np.abs(samples.astype(float))
        if loud.max(initial=0) > 2_000:
            loud[loud < 500] = 0
            self._weight += float(loud.sum())
            self._moment += float((loud * (began + np.arange(len(loud)) / RATE)).sum())
        elif self._weight:
            self.found.append(self._moment / self._weight % 0.5)
            self._weight = self._moment = 0.0


def delays(path: Path, seconds: float) -> list[float]:
    """Of every pulse, in seconds."""
    finder = Finder()
    frames: list[array[int]] = []
    for turn in range(int(seconds * 100)):
        now = turn * 0.01
        for began, samples in path.carry_out(now):
            finder.hear(began, samples)
        if not frames:
            whole = array("h", path.feed.pull(2 * LEG_HALF, int(now * 1e9)))
            frames = [whole[:LEG_HALF], whole[LEG_HALF:]]
        path.outlet.push(frames.pop(0), int(now * 1e9))
    return finder.found


def run(seconds: float = SECONDS) -> Mapping[str, float | str]:
    """For `python -m benchmarks`."""
    path = Path()
    found = delays(path, seconds)
    settled = np.array(found[int(2 * SETTLED_S) :]) * 1000
    return {
        "simulated_s": seconds,
        "pulses": float(len(settled)),
        "delay_ms": float(np.median(settled)),
        "delay_changes_ms": float(settled.max() - settled.min()),
        "gaps": float(path.gaps + path.feed.underruns),
        "dropped": float(path.outlet.overruns),
    }

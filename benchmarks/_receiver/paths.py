"""What a path does to packets that leave every 20 ms: when each arrives, if it does.

The means of the queueing paths (15, 34 and 80 ms) are those of published comparisons: a gamma
distribution of shape 2, and no packet overtakes another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PTIME_MS = 20.0

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """For each copy that arrives its packet's number and when, in ms; when each was due."""

    numbers: NDArray[np.int64]
    arrivals: Times
    due: Times

    @property
    def own_delay_ms(self) -> float:
        """The mean delay of what arrived: no receiver can be below."""
        return float(np.mean(self.arrivals - self.due[self.numbers]))


Path = Callable[[np.random.Generator, int], Trace]


def trace(delays: Times, kept: NDArray[np.bool_] | None = None, due: Times | None = None) -> Trace:
    count = len(delays)
    due = np.arange(count) * PTIME_MS if due is None else due
    numbers = np.arange(count) if kept is None else np.flatnonzero(kept)
    return Trace(numbers, (due + delays)[numbers], due)


def in_line(delays: Times) -> Times:
    """No packet overtakes another."""
    due = np.arange(len(delays)) * PTIME_MS
    return np.asarray(np.maximum.accumulate(due + delays) - due)


def clean(random: np.random.Generator, count: int) -> Trace:
    return trace(np.zeros(count))


def random_kept(random: np.random.Generator, count: int, share: float) -> NDArray[np.bool_]:
    return random.random(count) >= share


def burst_kept(
    random: np.random.Generator, count: int, share: float, mean: float = 3.0
) -> NDArray[np.bool_]:
    """Gilbert and Elliott's chain: a good state, and a bad one in which all is lost."""
    leave = 1 / mean
    enter = share * leave / (1 - share)
    kept = np.ones(count, dtype=bool)
    bad = False
    for index, chance in enumerate(random.random(count)):
        bad = chance >= leave if bad else chance < enter
        kept[index] = not bad
    return kept


def loss(share: float) -> Path:
    return lambda random, count: trace(np.zeros(count), random_kept(random, count, share))


def bursts(share: float) -> Path:
    return lambda random, count: trace(np.zeros(count), burst_kept(random, count, share))


def queue_delays(random: np.random.Generator, count: int, sigma: float) -> Times:
    return in_line(random.gamma(2.0, sigma / np.sqrt(2.0), count))


def queueing(sigma: float) -> Path:
    return lambda random, count: trace(queue_delays(random, count, sigma))


def normal_queueing(sigma: float) -> Path:
    """The same means by another distribution, to check that nothing was fitted to the first."""
    return lambda random, count: trace(in_line(np.abs(random.normal(1.5 * sigma, sigma, count))))


def overtaking(random: np.random.Generator, count: int) -> Trace:
    return trace(np.maximum(0.0, random.normal(60.0, 20.0, count)))


def late_and_twice(random: np.random.Generator, count: int) -> Trace:
    late = random.random(count) < 0.03
    return twice(random, trace(np.where(late, random.uniform(20.0, 80.0, count), 0.0)), 0.03)


def twice(random: np.random.Generator, single: Trace, share: float) -> Trace:
    again = random.random(len(single.numbers)) < share
    numbers = np.concatenate([single.numbers, single.numbers[again]])
    arrivals = np.concatenate(
        [single.arrivals, single.arrivals[again] + random.uniform(0.0, 40.0, again.sum())]
    )
    return Trace(numbers, arrivals, single.due)


def stall_delays(
    random: np.random.Generator, count: int, length: float = 200.0, period: float = 5000.0
) -> Times:
    """200 ms without a packet, every 5 s, then all at once."""
    due = np.arange(count) * PTIME_MS
    since = (due + random.uniform(0.0, period - 1000.0)) % period
    return np.where(since < length, length - since, 0.0)


def gap_delays(
    random: np.random.Generator, count: int, shortest: float, longest: float, apart: float
) -> Times:
    """Gaps about `apart` ms from one another, at random; what each held back comes at its end."""
    delays = np.zeros(count)
    at = random.exponential(apart)
    while at < count * PTIME_MS:
        end = at + random.uniform(shortest, longest)
        held = np.arange(int(np.ceil(at / PTIME_MS)), min(count, int(np.ceil(end / PTIME_MS))))
        delays[held] = end - held * PTIME_MS
        at = end + random.exponential(apart)
    return delays


def wifi_delays(random: np.random.Generator, count: int) -> Times:
    """Gaps of 60 to 120 ms about once a second."""
    return gap_delays(random, count, 60.0, 120.0, 1000.0)


def stalls(random: np.random.Generator, count: int) -> Trace:
    return trace(stall_delays(random, count))


def wifi(random: np.random.Generator, count: int) -> Trace:
    return trace(wifi_delays(random, count))


def everything(random: np.random.Generator, count: int) -> Trace:
    held = np.maximum(stall_delays(random, count), wifi_delays(random, count))
    delays = in_line(np.maximum(queue_delays(random, count, 10.0), held))
    late = random.random(count) < 0.03
    delays = delays + np.where(late, random.uniform(20.0, 80.0, count), 0.0)
    return twice(random, trace(delays, burst_kept(random, count, 0.02)), 0.03)


def drift(ppm: float) -> Path:
    return lambda random, count: trace(
        np.zeros(count), due=np.arange(count) * PTIME_MS * (1 + ppm * 1e-6)
    )


PATHS: dict[str, Path] = {
    "clean": clean,
    "loss_1": loss(0.01),
    "loss_3": loss(0.03),
    "loss_5": loss(0.05),
    "loss_10": loss(0.10),
    "bursts_3": bursts(0.03),
    "bursts_5": bursts(0.05),
    "bursts_10": bursts(0.10),
    "queue_10": queueing(10.0),
    "queue_20": queueing(20.0),
    "queue_40": queueing(40.0),
    "at_once_20": queueing(20.0),
    "overtaking": overtaking,
    "late_twice": late_and_twice,
    "stalls": stalls,
    "wifi": wifi,
    "everything": everything,
    "drift_100": drift(100.0),
    "drift_500": drift(500.0),
}
# Other paths of the same kind: never tuned on.
CHECK_PATHS: dict[str, Path] = {
    "normal_10": normal_queueing(10.0),
    "normal_20": normal_queueing(20.0),
    "normal_40": normal_queueing(40.0),
}

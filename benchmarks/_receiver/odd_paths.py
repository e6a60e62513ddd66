"""Paths of the kinds of `paths` with other figures: does what was chosen there hold beside it?"""

from __future__ import annotations

import numpy as np

from benchmarks._receiver.paths import (
    PTIME_MS,
    Path,
    Times,
    Trace,
    burst_kept,
    gap_delays,
    in_line,
    queue_delays,
    queueing,
    stall_delays,
    trace,
    wifi_delays,
)


def stalls(length: float, period: float) -> Path:
    return lambda random, count: trace(stall_delays(random, count, length, period))


def gaps(shortest: float, longest: float, apart: float) -> Path:
    return lambda random, count: trace(gap_delays(random, count, shortest, longest, apart))


def wandering_stalls(random: np.random.Generator, count: int) -> Trace:
    """Every 5 s, a second sooner or later."""
    delays = np.zeros(count)
    due = np.arange(count) * PTIME_MS
    for middle in np.arange(random.uniform(1000.0, 5000.0), count * PTIME_MS, 5000.0):
        since = due - (middle + random.uniform(-1000.0, 1000.0))
        delays = np.where((since >= 0.0) & (since < 200.0), 200.0 - since, delays)
    return trace(delays)


def spaced(delays: Times, apart: float) -> Times:
    """What was held back comes one packet after another, not all at once."""
    due = np.arange(len(delays)) * PTIME_MS
    arrivals = due + delays
    for index in range(1, len(arrivals)):
        arrivals[index] = max(arrivals[index], arrivals[index - 1] + apart)
    return np.asarray(arrivals - due)


def spaced_stalls(random: np.random.Generator, count: int) -> Trace:
    return trace(spaced(stall_delays(random, count), 1.0))


def overtaking(random: np.random.Generator, count: int) -> Trace:
    return trace(np.maximum(0.0, random.normal(60.0, 30.0, count)))


def queue_and_stalls(random: np.random.Generator, count: int) -> Trace:
    held = stall_delays(random, count)
    return trace(in_line(np.maximum(queue_delays(random, count, 10.0), held)))


def queue_wifi_and_loss(random: np.random.Generator, count: int) -> Trace:
    held = wifi_delays(random, count)
    delays = in_line(np.maximum(queue_delays(random, count, 20.0), held))
    return trace(delays, burst_kept(random, count, 0.02))


# Each with the row of `paths` whose published figures it is to be compared with, if it has one.
ODD_PATHS: dict[str, tuple[Path, str]] = {
    "stalls_150": (stalls(150.0, 5000.0), "stalls"),
    "stalls_300": (stalls(300.0, 5000.0), ""),
    "stalls_3_s": (stalls(200.0, 3000.0), "stalls"),
    "stalls_8_s": (stalls(200.0, 8000.0), "stalls"),
    "wandering": (wandering_stalls, "stalls"),
    "spaced": (spaced_stalls, "stalls"),
    "rare": (gaps(150.0, 250.0, 5000.0), "stalls"),
    "wifi_3_s": (gaps(60.0, 120.0, 3000.0), "wifi"),
    "wifi_long": (gaps(60.0, 160.0, 2000.0), ""),
    "queue_30": (queueing(30.0), ""),
    "overtake_30": (overtaking, ""),
    "queue_stalls": (queue_and_stalls, "stalls"),
    "queue_loss": (queue_wifi_and_loss, ""),
}

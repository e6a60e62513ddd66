"""Faults of a stream in mid-call, and a clock that drifts for ten minutes: how soon all is well.

    python -m benchmarks receiver_faults       RECEIVER_SEEDS, RECEIVER_HALF as in `receiver`

    stall_300          our own process stood still for 300 ms: until the delay is as before
    ssrc_change        another source, with counters of its own: until what is heard is right
    hour_jump          timestamps jump by an hour
    sequence_reset     sequence numbers begin anew
    count_reset        both begin anew, the source stays
    drift_500          a sender slow by 500 ppm for ten minutes: PESQ beside a clean path's, and
                       the longest delay of any second

Each is the worst of all seeds.
"""

from __future__ import annotations

import numpy as np

from benchmarks._receiver import faults
from benchmarks._receiver.paths import Trace, clean, drift
from benchmarks._receiver.receivers import phone
from benchmarks._receiver.rows import half, seeds, tell
from benchmarks._receiver.score import delays, score
from benchmarks._receiver.speech import LEAD_SECONDS, RATE, SECONDS, Pcm, speech

BY_NAME_ONLY = True
STALL_MS = 300.0
PPM = 500.0
PARTS = 38  # of 16 s: ten minutes

TARGETS = {
    "stall_300_until_normal_ms": 1000.0,
    **{f"{name}_until_right_ms": 60.0 for name in faults.FAULTS},
    "drift_500_longest_delay_ms": 45.0,
    "drift_500_below_clean": 0.05,
}


def worst(name: str, spoken: Pcm) -> float:
    found = []
    for seed in seeds():
        part = faults.part(spoken, np.random.default_rng([seed, sum(name.encode())]))
        if name == "stall_300":
            played = faults.heard(part, None, STALL_MS)
            found.append(faults.until_normal_ms(part, played, STALL_MS))
        else:
            played = faults.heard(part, faults.FAULTS[name])
            found.append(faults.until_right_ms(part, played))
    tell(f"{name:<15} {' '.join(f'{each:5.0f}' for each in found)} ms")
    return max(found)


def ten_minutes(spoken: Pcm) -> Pcm:
    body = spoken[LEAD_SECONDS * RATE :]
    times = -(-PARTS * SECONDS * RATE // len(body))
    return np.concatenate([spoken[: LEAD_SECONDS * RATE], *[body] * times])[
        : (LEAD_SECONDS + PARTS * SECONDS) * RATE
    ]


def longest_delay_ms(sent: Pcm, played: Pcm, ppm: float) -> float:
    """Of any second, by the median of what is found in it."""
    found = delays(sent, played)
    lags = (found[:, 1] - found[:, 0] * ppm * 1e-6) * 1000 / RATE
    seconds = found[:, 0] // RATE
    return max(float(np.median(lags[seconds == each])) for each in np.unique(seconds))


def drifting(spoken: Pcm) -> dict[str, float]:
    sent = ten_minutes(spoken)
    random = np.random.default_rng(1)

    def played(made: Trace) -> Pcm:
        return phone(sent, made, random.uniform(0.0, 20.0)).pcm

    count = len(sent) // 160
    without = score(sent, played(clean(random, count)))
    slow = played(drift(PPM)(random, count))
    with_drift = score(sent, slow, PPM)
    longest = longest_delay_ms(sent, slow, PPM)
    tell(
        f"drift_500       PESQ {with_drift.pesq:.2f}, clean {without.pesq:.2f};"
        f" delay {with_drift.delay_ms:.0f} ms on average, {longest:.0f} at the most"
    )
    return {
        "drift_500_pesq": round(with_drift.pesq, 3),
        "drift_500_below_clean": round(max(0.0, without.pesq - with_drift.pesq), 3),
        "drift_500_delay_ms": round(with_drift.delay_ms, 1),
        "drift_500_longest_delay_ms": round(longest, 1),
    }


def run() -> dict[str, float]:
    spoken = speech(half())
    tell(f"{half()}: {len(spoken) / RATE:.0f} s of speech, {len(seeds())} seeds")
    values = {"stall_300_until_normal_ms": round(worst("stall_300", spoken), 1)}
    for name in faults.FAULTS:
        values[f"{name}_until_right_ms"] = round(worst(name, spoken), 1)
    return values | drifting(spoken)

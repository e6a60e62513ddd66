"""What a call did to a known signal: how much later it came back, and how much noise came with it.

int16 samples in arrays, without numpy, which a phone does not install. Nothing here
knows calls; the reference is what G.711 itself (ITU-T) does to the signal.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from operator import mul, sub

from platypus._media import g711

Samples = Sequence[int]
PROBE = 1600  # samples compared at each lag: 200 ms hold several syllables' worth of pitch


def snr_db(original: Samples, received: Samples) -> float:
    """Power of `original` over that of the difference, in dB; infinite where there is none."""
    signal = sum(map(mul, original, original))
    difference = array("l", map(sub, original, received))
    noise = sum(map(mul, difference, difference))
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def through_g711(original: Samples, law: str) -> array[int]:
    """What comes out of an encoder and a decoder of `pcmu` or `pcma`, and nothing else."""
    pcm = array("h", original).tobytes()
    if law == "pcmu":
        return array("h", g711.decode_ulaw(g711.encode_ulaw(pcm)))
    return array("h", g711.decode_alaw(g711.encode_alaw(pcm)))


def find_lag(original: Samples, received: Samples, lags: range) -> int | None:
    """Where in `received` the beginning of `original` is, by the highest correlation.

    The loudest stretch of the original is the probe. None where nothing is like it.
    """
    start = _loudest(original)
    probe = original[start : start + PROBE]
    energy = sum(map(mul, probe, probe))
    best, best_likeness = None, 0.5  # below that it is not the same signal
    for lag in lags:
        candidate = received[start + lag : start + lag + PROBE]
        if start + lag < 0 or len(candidate) < len(probe):
            continue
        power = sum(map(mul, candidate, candidate))
        if power:
            likeness = sum(map(mul, probe, candidate)) / math.sqrt(energy * power)
            if likeness > best_likeness:
                best, best_likeness = lag, likeness
    return best


def _loudest(samples: Samples) -> int:
    starts = range(0, max(1, len(samples) - PROBE), PROBE // 2)

    def energy(start: int) -> int:
        part = samples[start : start + PROBE]
        return sum(map(mul, part, part))

    return max(starts, key=energy)

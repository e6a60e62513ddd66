"""What is heard over bad paths: PESQ, added delay and CQ, beside a floor and a ceiling.

    python -m benchmarks receiver              five seeds; RECEIVER_HALF=check, or other
    python -m benchmarks receiver_wide         the same in wide band: G.722 and Opus
    python -m benchmarks receiver_faults       what the other end or our own machine may do wrong
    python -m benchmarks receiver_short        one seed of the rows that tell most (CI)

RECEIVER_PATHS=clean,loss_5 runs these only, RECEIVER_SEEDS=20-24 these. Published figures of
other engines stand beside it (`THREE`): other speakers and traces of the same kind, so a
difference of a few hundredths says nothing.
"""

from __future__ import annotations

from benchmarks._receiver.paths import CHECK_PATHS, PATHS
from benchmarks._receiver.rows import Published, chosen, half, rows, seeds, tell
from benchmarks._receiver.speech import RATE, speech

BY_NAME_ONLY = True

# PESQ and added delay in ms of NetEQ (Chromium 156), pjsua and baresip, PCMU.
THREE: Published = {
    "clean": ((4.45, 28), (4.45, 21), (4.45, 118)),
    "loss_1": ((4.10, 22), (3.96, 20), (3.96, 155)),
    "loss_3": ((3.54, 22), (3.55, 20), (3.38, 155)),
    "loss_5": ((3.21, 22), (3.23, 20), (2.91, 155)),
    "loss_10": ((2.69, 22), (2.71, 20), (2.24, 155)),
    "bursts_3": ((3.66, 19), (3.67, 18), (3.38, 139)),
    "bursts_5": ((3.27, 19), (3.28, 18), (2.81, 139)),
    "bursts_10": ((2.40, 19), (2.38, 18), (1.88, 139)),
    "queue_10": ((4.45, 84), (4.24, 81), (4.43, 181)),
    "queue_20": ((4.44, 153), (4.16, 146), (4.39, 240)),
    "queue_40": ((4.37, 299), (3.96, 268), (2.54, 267)),
    "at_once_20": ((4.44, 153), (4.16, 146), (4.39, 240)),  # theirs with a lead of silence
    "overtaking": ((4.41, 163), (2.54, 112), (4.41, 217)),
    "late_twice": ((4.39, 56), (3.58, 18), (3.95, 175)),
    "stalls": ((4.34, 213), (1.95, 161), (3.59, 236)),
    "wifi": ((4.40, 120), (3.39, 110), (4.44, 217)),
    "everything": ((3.52, 244), (2.49, 189), (2.87, 230)),
    "drift_100": ((4.43, 20), (4.42, 16), (4.45, 121)),
    "drift_500": ((4.43, 31), (4.42, 46), (4.45, 246)),
}


def run() -> dict[str, float]:
    tell(f"{half()}: {len(speech(half())) / RATE:.0f} s of speech, {len(seeds())} seeds")
    return rows(chosen(PATHS | CHECK_PATHS), half(), seeds(), THREE)

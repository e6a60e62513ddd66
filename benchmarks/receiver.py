"""What is heard over bad paths: PESQ, added delay and CQ, beside a floor and a ceiling.

    python -m benchmarks receiver              three seeds; RECEIVER_SEEDS, RECEIVER_HALF=check
    python -m benchmarks receiver_short        one seed of the rows that tell most (CI)

Published figures of other engines stand beside it (`THREE`): other speakers and traces of the same
kind, so a difference of a few hundredths says nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import numpy as np

from benchmarks._receiver.paths import CHECK_PATHS, PATHS, Path
from benchmarks._receiver.receivers import Played, by_spurts, phone, whole, zero_filled
from benchmarks._receiver.score import Score, conversational, score
from benchmarks._receiver.speech import RATE, speech

BY_NAME_ONLY = True

# PESQ and added delay in ms of NetEQ (Chromium 156), pjsua and baresip, PCMU.
THREE: dict[str, tuple[tuple[float, float], ...]] = {
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
    "overtaking": ((4.41, 163), (2.54, 112), (4.41, 217)),
    "late_twice": ((4.39, 56), (3.58, 18), (3.95, 175)),
    "stalls": ((4.34, 213), (1.95, 161), (3.59, 236)),
    "wifi": ((4.40, 120), (3.39, 110), (4.44, 217)),
    "everything": ((3.52, 244), (2.49, 189), (2.87, 230)),
    "drift_100": ((4.43, 20), (4.42, 16), (4.45, 121)),
    "drift_500": ((4.43, 31), (4.42, 46), (4.45, 246)),
}


def seeds() -> range:
    return range(int(os.environ.get("RECEIVER_SEEDS", "3")))


def best_of_three(name: str) -> float | None:
    if name not in THREE:
        return None
    return max(conversational(pesq, delay) for pesq, delay in THREE[name])


def once(name: str, path: Path, half: str, seed: int) -> tuple[Score, Score, Score, Played]:
    """The phone, zero-filling and the oracle on one trace."""
    sent = speech(half)
    random = np.random.default_rng([seed, sum(name.encode())])
    made = path(random, len(sent) // 160)
    phase = random.uniform(0.0, 20.0)
    ppm = float(name.rpartition("_")[2]) if name.startswith("drift") else 0.0
    heard = phone(sent, made, phase)
    oracles = [score(sent, one(sent, made, phase).pcm, ppm) for one in (whole, by_spurts)]
    return (
        score(sent, heard.pcm, ppm),
        score(sent, zero_filled(sent, made, phase).pcm, ppm),
        max(oracles, key=lambda one: one.cq),
        heard,
    )


def mean(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    return Score(
        float(np.mean([one.pesq for one in scores])),
        float(np.mean([one.delay_ms for one in scores])),
    )


def rows(paths: dict[str, Path], half: str, seeds: range) -> dict[str, float]:
    values: dict[str, float] = {}
    tell("path          PESQ delay    CQ   best of three   gain over zeros   oracle")
    for name, path in paths.items():
        results = [once(name, path, half, seed) for seed in seeds]
        ours, zeros, best = (mean(result[at] for result in results) for at in range(3))
        cq = float(np.mean([result[0].cq for result in results]))
        three = best_of_three(name)
        tell(
            f"{name:<12} {ours.pesq:5.2f} {ours.delay_ms:5.0f} {cq:5.2f}   "
            + (f"{three:5.2f} {cq - three:+5.2f}" if three else " " * 11)
            + f"     {ours.pesq - zeros.pesq:+5.2f} ({zeros.pesq:4.2f})"
            + f"       {best.pesq:4.2f} {best.delay_ms:4.0f} {best.cq:5.2f}"
        )
        values[f"{name}_pesq"] = round(ours.pesq, 3)
        values[f"{name}_delay_ms"] = round(ours.delay_ms, 1)
        values[f"{name}_cq"] = round(cq, 3)
        values[f"{name}_gain"] = round(ours.pesq - zeros.pesq, 3)
    return values


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run() -> dict[str, float]:
    half = os.environ.get("RECEIVER_HALF", "tune")
    paths = PATHS | CHECK_PATHS
    if chosen := os.environ.get("RECEIVER_PATHS"):
        paths = {name: paths[name] for name in chosen.split(",")}
    tell(f"{half}: {len(speech(half)) / RATE:.0f} s of speech, {len(seeds())} seeds")
    return rows(paths, half, seeds())

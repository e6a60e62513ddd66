"""A row for every path: the phone, a floor and a ceiling on the same traces, over all seeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks._receiver.codings import PCMU, Coding
from benchmarks._receiver.paths import Path
from benchmarks._receiver.receivers import (
    Receiver,
    by_spurts,
    phone,
    whole,
    zero_filled,
    zero_played,
)
from benchmarks._receiver.score import Score, conversational, score, to_r
from benchmarks._receiver.speech import (
    BEGINNING_SECONDS,
    CALL_SECONDS,
    Pcm,
    beginnings,
    calls,
    speech,
)

# PESQ and added delay in ms of each of the engines that are published.
Published = Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True, slots=True)
class Once:
    """One trace."""

    ours: Score
    zeros: Score
    unaware: Score  # zeros by a decoder that knows nothing of what is missing
    oracle: Score


def half() -> str:
    return os.environ.get("RECEIVER_HALF", "tune")


def seeds() -> range:
    """`5` are the first five, `20-24` those."""
    first, dash, last = os.environ.get("RECEIVER_SEEDS", "5").partition("-")
    return range(int(first), int(last) + 1) if dash else range(int(first))


def chosen(paths: Mapping[str, Path]) -> Mapping[str, Path]:
    wanted = os.environ.get("RECEIVER_PATHS")
    return {name: paths[name] for name in wanted.split(",") if name in paths} if wanted else paths


def once(name: str, path: Path, half: str, seed: int, coding: Coding = PCMU) -> Once:
    """The row's speech over one trace; a row at_once_* or call_* has a call for each speaker."""
    random = np.random.default_rng([seed, sum(name.encode())])
    begun = name.startswith("at_once")
    if begun or name.startswith("call"):
        seconds = BEGINNING_SECONDS if begun else CALL_SECONDS
        scored = partial(score, coding=coding, lead_s=0, seconds=seconds)
        spoken = (beginnings if begun else calls)(half, coding.rate)
        each = [call(sent, path, random, scored, coding) for sent in spoken]
        return Once(*(mean(getattr(one, part) for one in each) for part in Once.__slots__))
    ppm = float(name.rpartition("_")[2]) if name.startswith("drift") else 0.0
    scored = partial(score, stretch_ppm=ppm, coding=coding)
    return call(speech(half, coding.rate), path, random, scored, coding)


def call(
    sent: Pcm,
    path: Path,
    random: np.random.Generator,
    scored: Callable[[Pcm, Pcm], Score],
    coding: Coding,
) -> Once:
    made = path(random, len(sent) // coding.frame)
    phase = random.uniform(0.0, 20.0)

    def judged(receiver: Receiver) -> Score:
        return scored(sent, receiver(sent, made, phase, coding).pcm)

    zeros = judged(zero_filled)
    return Once(
        ours=judged(phone),
        zeros=zeros,
        unaware=zeros if coding is PCMU else judged(zero_played),
        oracle=max((judged(one) for one in (whole, by_spurts)), key=lambda one: one.cq),
    )


def mean(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    return Score(
        float(np.mean([one.pesq for one in scores])),
        float(np.mean([one.delay_ms for one in scores])),
    )


def rows(
    paths: Mapping[str, Path],
    half: str,
    seeds: range,
    published: Published,
    coding: Coding = PCMU,
) -> dict[str, float]:
    """`levelled` is the difference to the three as if the clean row's PESQ were theirs.

    Zeros are filled in where all else is as if nothing were missing; `by a decoder` they are
    by one that has a state, which then is not that of the sender.
    """
    values: dict[str, float] = {}
    handicap = 0.0
    tell(
        f"{coding.name:<13} PESQ delay    CQ   best of three   gain over zeros   oracle"
        "              " + ("levelled" if coding is PCMU else "gain over zeros by a decoder")
    )
    for name, path in paths.items():
        results = [once(name, path, half, seed, coding) for seed in seeds]
        ours = mean(result.ours for result in results)
        zeros = mean(result.zeros for result in results)
        unaware = mean(result.unaware for result in results)
        best = mean(result.oracle for result in results)
        cq = float(np.mean([result.ours.cq for result in results]))
        if name == "clean" and name in published:
            theirs = max(pesq for pesq, _ in published[name])
            handicap = max(0.0, to_r(theirs) - to_r(ours.pesq))
        three = max((conversational(*one) for one in published.get(name, ())), default=None)
        levelled = conversational(ours.pesq, ours.delay_ms, handicap)
        last = f"   {ours.pesq - unaware.pesq:+5.2f} ({unaware.pesq:4.2f})"
        if coding is PCMU:
            last = f"   {levelled - three:+.2f}" if three else ""
        tell(
            f"{name:<12} {ours.pesq:5.2f} {ours.delay_ms:5.0f} {cq:5.2f}   "
            + (f"{three:5.2f} {cq - three:+5.2f}" if three else " " * 11)
            + f"     {ours.pesq - zeros.pesq:+5.2f} ({zeros.pesq:4.2f})"
            + f"       {best.pesq:4.2f} {best.delay_ms:4.0f} {best.cq:5.2f}"
            + last
        )
        prefix = name if coding is PCMU else f"{coding.name}_{name}"
        values[f"{prefix}_pesq"] = round(ours.pesq, 3)
        values[f"{prefix}_delay_ms"] = round(ours.delay_ms, 1)
        values[f"{prefix}_cq"] = round(cq, 3)
        values[f"{prefix}_gain"] = round(ours.pesq - zeros.pesq, 3)
    return values


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

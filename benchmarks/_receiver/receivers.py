"""Receivers of a trace: the phone, one that fills with zeros, and two that know everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._receiver.codings import PCMU, Coding
from benchmarks._receiver.paths import Trace
from benchmarks._receiver.speech import Pcm
from platypus._media import rtp
from platypus._media.codec import Decoder

SLOT_MS = 20.0
MS = 1_000_000
TAIL_MS = 800.0  # played on behind the last packet


@dataclass(frozen=True, slots=True)
class Played:
    """What was heard from 0 ms on, of the time in which packet 0 is due."""

    pcm: Pcm
    counters: dict[str, float]


Receiver = Callable[[Pcm, Trace, float, Coding], Played]


def arrivals(trace: Trace) -> list[tuple[float, int]]:
    order = np.argsort(trace.arrivals, kind="stable")
    return [(float(trace.arrivals[i]), int(trace.numbers[i])) for i in order]


def kept(trace: Trace) -> NDArray[np.bool_]:
    """Which packets arrive at all."""
    return np.isfinite(first_arrivals(trace))


def phone(pcm: Pcm, trace: Trace, phase_ms: float, coding: Coding = PCMU) -> Played:
    """The phone's stream, asked for 20 ms at a time, the first at `phase_ms`."""
    stream = coding.listener()
    sent, waiting = coding.packets(pcm, kept(trace)), arrivals(trace)
    count = int((trace.due[-1] + TAIL_MS) / SLOT_MS)
    frames = []
    at = 0
    for slot in range(count):
        now = phase_ms + slot * SLOT_MS
        while at < len(waiting) and waiting[at][0] <= now:
            stream.receive(sent[waiting[at][1]], round(waiting[at][0] * MS) + 10**9)
            at += 1
        frames.append(stream.playout(round(now * MS) + 10**9))
    lead = np.zeros(round(phase_ms * coding.rate / 1000), dtype=np.int16)
    return Played(np.concatenate([lead, coding.heard(b"".join(frames))]), stream.counters())


def placed(
    pcm: Pcm, trace: Trace, there: NDArray[np.bool_], delay_ms: float, coding: Coding
) -> Played:
    """Every packet that is `there` at its due time and the delay, and zeros."""
    sound, frame = coding.left(pcm), coding.frame
    out = np.zeros(round((trace.due[-1] + TAIL_MS) * coding.rate / 1000), dtype=np.int16)
    for number in np.flatnonzero(there):
        at = round((trace.due[number] + delay_ms) * coding.rate / 1000)
        out[at : at + frame] = sound[number * frame : (number + 1) * frame]
    return Played(out, {})


def first_arrivals(trace: Trace) -> NDArray[np.float64]:
    """When each packet came first; infinite for those that never did."""
    first = np.full(len(trace.due), np.inf)
    np.minimum.at(first, trace.numbers, trace.arrivals)
    return first


def zero_filled(pcm: Pcm, trace: Trace, phase_ms: float, coding: Coding = PCMU) -> Played:
    """All that ever arrives is played; zeros for the rest: what a loss itself costs."""
    return placed(pcm, trace, kept(trace), 0.0, coding)


def zero_played(pcm: Pcm, trace: Trace, phase_ms: float, coding: Coding = PCMU) -> Played:
    """The same by a receiver: its decoder goes on from one packet that arrives to the next."""
    decoder = Decoder(coding.name, coding.stream_rate)
    there = kept(trace)
    silence = bytes(2 * coding.stream_rate // 50)
    parts = [
        decoder.decode(rtp.parse(packet).payload) if came else silence
        for packet, came in zip(coding.packets(pcm, there), there, strict=True)
    ]
    return Played(coding.heard(b"".join(parts)), {})


def whole(pcm: Pcm, trace: Trace, phase_ms: float, coding: Coding = PCMU) -> Played:
    """The least fixed delay at which nothing is late, and lost packets as if they had come."""
    first = first_arrivals(trace)
    longest = np.where(np.isfinite(first), first - trace.due, 0.0).max()
    return placed(pcm, trace, np.ones(len(first), dtype=bool), float(longest), coding)


def by_spurts(pcm: Pcm, trace: Trace, phase_ms: float, coding: Coding = PCMU) -> Played:
    """Each spurt of talk at the least delay that suits all of its packets; pauses take up the
    differences, and lost packets are as if they had come."""
    count = len(trace.due)
    first = first_arrivals(trace)
    transit = np.where(np.isfinite(first), first - trace.due, 0.0)
    sound, frame = coding.left(pcm), coding.frame
    power = (sound[: count * frame].astype(float).reshape(-1, frame) ** 2).mean(axis=1)
    active = power > 1e-3 * np.quantile(power, 0.95)
    # A pause is at least 100 ms.
    for begin in np.flatnonzero(active[:-1] & ~active[1:]):
        following = np.flatnonzero(active[begin + 1 :])
        if len(following) and following[0] < 5:
            active[begin : begin + 1 + following[0]] = True
    out = np.zeros(round((trace.due[-1] + TAIL_MS) * coding.rate / 1000), dtype=np.int16)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(int), [0]])))
    spurts = edges.reshape(-1, 2)
    # A pause is played behind its spurt first; what is longer than its place is written over.
    ends = [*spurts[1:, 0], count]
    for (begin, end), until in zip(spurts, ends, strict=True):
        delay = transit[begin:end].max()
        at = round((trace.due[begin] + delay) * coding.rate / 1000)
        part = sound[begin * frame : until * frame]
        out[at : at + len(part)] = part
    return Played(out, {})

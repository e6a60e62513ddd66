"""Receivers of a trace: the phone, one that fills with zeros, and two that know everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._receiver.paths import Trace
from benchmarks._receiver.speech import RATE, Pcm
from platypus._media import g711, rtp
from platypus._media.stream import Stream

FRAME = 160
SLOT_MS = 20.0
MS = 1_000_000
TAIL_MS = 800.0  # played on behind the last packet


@dataclass(frozen=True, slots=True)
class Played:
    """What was heard from 0 ms on, of the time in which packet 0 is due."""

    pcm: Pcm
    counters: dict[str, float]


def as_sent(pcm: Pcm) -> Pcm:
    """What mu-law leaves of it."""
    return np.frombuffer(g711.decode_ulaw(g711.encode_ulaw(pcm.tobytes())), dtype=np.int16)


def packets(pcm: Pcm) -> list[bytes]:
    coded = g711.encode_ulaw(pcm.tobytes())
    return [
        rtp.serialize(
            rtp.Packet(
                0,
                number == 0,
                number % 2**16,
                number * FRAME,
                0x5EED,
                coded[number * FRAME : (number + 1) * FRAME],
            )
        )
        for number in range(len(pcm) // FRAME)
    ]


def arrivals(trace: Trace) -> list[tuple[float, int]]:
    order = np.argsort(trace.arrivals, kind="stable")
    return [(float(trace.arrivals[i]), int(trace.numbers[i])) for i in order]


def phone(pcm: Pcm, trace: Trace, phase_ms: float) -> Played:
    """The phone's stream, asked for 20 ms at a time, the first at `phase_ms`."""
    stream = Stream()
    stream.configure_receive({0: "pcmu"})
    sent, waiting = packets(pcm), arrivals(trace)
    count = int((trace.due[-1] + TAIL_MS) / SLOT_MS)
    frames = []
    at = 0
    for slot in range(count):
        now = phase_ms + slot * SLOT_MS
        while at < len(waiting) and waiting[at][0] <= now:
            stream.receive(sent[waiting[at][1]], round(waiting[at][0] * MS) + 10**9)
            at += 1
        frames.append(stream.playout(round(now * MS) + 10**9, FRAME))
    lead = np.zeros(round(phase_ms * RATE / 1000), dtype=np.int16)
    heard = np.frombuffer(b"".join(frames), dtype=np.int16)
    return Played(np.concatenate([lead, heard]), stream.counters())


def placed(pcm: Pcm, trace: Trace, there: NDArray[np.bool_], delay_ms: float) -> Played:
    """Every packet that is `there` at its due time and the delay, and zeros."""
    sound = as_sent(pcm)
    out = np.zeros(round((trace.due[-1] + TAIL_MS) * RATE / 1000), dtype=np.int16)
    for number in np.flatnonzero(there):
        at = round((trace.due[number] + delay_ms) * RATE / 1000)
        out[at : at + FRAME] = sound[number * FRAME : (number + 1) * FRAME]
    return Played(out, {})


def first_arrivals(trace: Trace) -> NDArray[np.float64]:
    """When each packet came first; infinite for those that never did."""
    first = np.full(len(trace.due), np.inf)
    np.minimum.at(first, trace.numbers, trace.arrivals)
    return first


def zero_filled(pcm: Pcm, trace: Trace, phase_ms: float) -> Played:
    """All that ever arrives is played; zeros for the rest: what a loss itself costs."""
    return placed(pcm, trace, np.isfinite(first_arrivals(trace)), 0.0)


def whole(pcm: Pcm, trace: Trace, phase_ms: float) -> Played:
    """The least fixed delay at which nothing is late, and lost packets as if they had come."""
    first = first_arrivals(trace)
    longest = np.where(np.isfinite(first), first - trace.due, 0.0).max()
    return placed(pcm, trace, np.ones(len(first), dtype=bool), float(longest))


def by_spurts(pcm: Pcm, trace: Trace, phase_ms: float) -> Played:
    """Each spurt of talk at the least delay that suits all of its packets; pauses take up the
    differences, and lost packets are as if they had come."""
    count = len(trace.due)
    first = first_arrivals(trace)
    transit = np.where(np.isfinite(first), first - trace.due, 0.0)
    sound = as_sent(pcm)
    power = (sound[: count * FRAME].astype(float).reshape(-1, FRAME) ** 2).mean(axis=1)
    active = power > 1e-3 * np.quantile(power, 0.95)
    # A pause is at least 100 ms.
    for begin in np.flatnonzero(active[:-1] & ~active[1:]):
        following = np.flatnonzero(active[begin + 1 :])
        if len(following) and following[0] < 5:
            active[begin : begin + 1 + following[0]] = True
    out = np.zeros(round((trace.due[-1] + TAIL_MS) * RATE / 1000), dtype=np.int16)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(int), [0]])))
    spurts = edges.reshape(-1, 2)
    # A pause is played behind its spurt first; what is longer than its place is written over.
    ends = [*spurts[1:, 0], count]
    for (begin, end), until in zip(spurts, ends, strict=True):
        delay = transit[begin:end].max()
        at = round((trace.due[begin] + delay) * RATE / 1000)
        part = sound[begin * FRAME : until * FRAME]
        out[at : at + len(part)] = part
    return Played(out, {})

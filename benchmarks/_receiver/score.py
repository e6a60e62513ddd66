"""What a listener would say: PESQ, the delay that was added, and both in one figure (CQ).

PESQ is ITU-T P.862 with P.862.1's mapping (narrow band), or P.862.2 (wide band). The delay is
found again in what was heard, by correlating stretches of it with what was sent, so that any
receiver is measured alike; a codec's own delay (Opus: 6.5 ms) is in it.
CQ is the MOS of PESQ's R (G.107's mapping, inverted) less what the delay costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._receiver.codings import PCMU, Coding, at_rate
from benchmarks._receiver.speech import LEAD_SECONDS, RATE, SECONDS, Pcm

REST_MS = 100.0  # of the path: coding, the network, the far end
WINDOW = 1600  # 200 ms
HOP = 1600
LONGEST = 6400  # 800 ms of delay are looked for
ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Score:
    pesq: float
    delay_ms: float

    @property
    def cq(self) -> float:
        return conversational(self.pesq, self.delay_ms)


def to_mos(r: float) -> float:
    """G.107, B.4."""
    r = min(100.0, max(0.0, r))
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6


def to_r(mos: float) -> float:
    """The inverse, where it is one: from 6.5 up."""
    low, high = 6.5, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if to_mos(middle) < mos else (low, middle)
    return low


def conversational(pesq: float, delay_ms: float, handicap: float = 0.0) -> float:
    """CQ. `handicap`: what these speakers lose in R even over a clean path, and others did not."""
    d = delay_ms + REST_MS
    return to_mos(to_r(pesq) + handicap - 0.024 * d - 0.11 * max(0.0, d - 177.3))


def delays(sent: Pcm, heard: Pcm) -> NDArray[np.float64]:
    """(sample of `sent`, delay in samples) for every stretch that is found again; at 8 kHz."""
    reference = sent.astype(np.float64)
    signal = np.concatenate([heard.astype(np.float64), np.zeros(WINDOW + LONGEST)])
    squares = np.concatenate([[0.0], np.cumsum(signal**2)])
    loud = 0.1 * np.mean(reference**2) * WINDOW
    size = 1 << int(WINDOW + LONGEST - 1).bit_length()
    found = []
    for at in range(0, len(reference) - WINDOW, HOP):
        part = reference[at : at + WINDOW]
        energy = float(part @ part)
        if energy < loud or at + WINDOW + LONGEST > len(signal):
            continue
        spectrum = np.fft.rfft(signal[at : at + WINDOW + LONGEST], size)
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part, size)), size)[: LONGEST + 1]
        powers = squares[at + WINDOW : at + WINDOW + LONGEST + 1] - squares[at : at + LONGEST + 1]
        likeness = product / np.sqrt(energy * np.maximum(powers, 1e-3 * energy))
        best = int(likeness.argmax())
        if likeness[best] > ALIKE:
            found.append((at, best))
    return np.asarray(found, dtype=np.float64).reshape(-1, 2)


def score(
    sent: Pcm,
    heard: Pcm,
    stretch_ppm: float = 0.0,
    coding: Coding = PCMU,
    lead_s: int = LEAD_SECONDS,
    seconds: int = SECONDS,
) -> Score:
    """The mean of the speakers' scores, each of whom has `seconds` behind the lead of silence.

    `stretch_ppm`: the sender's clock was slow by so much.
    """
    from pesq import pesq  # the only benchmarks that need it

    rate = coding.rate
    found = delays(at_rate(sent, rate, RATE), at_rate(heard, rate, RATE))
    if len(found) == 0:
        return Score(1.0, float(LONGEST) * 1000 / RATE)
    lag = found[:, 1] - found[:, 0] * stretch_ppm * 1e-6
    count = seconds * rate
    scores = []
    for begin in range(lead_s * rate, len(sent), count):
        places = found[:, 0] * (rate // RATE)
        here = found[(places >= begin) & (places < begin + count), 1] * (rate // RATE)
        # From where it begins to be heard to where it ends: nothing is cut off.
        first, last = (int(here[0]), int(here[-1])) if len(here) else (0, 0)
        part = heard[begin + first : begin + count + max(first, last)]
        scores.append(pesq(rate, sent[begin : begin + count], part, coding.pesq))
    return Score(float(np.mean(scores)), float(lag.mean()) * 1000 / RATE)

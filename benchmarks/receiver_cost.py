"""CPU time of a frame of 20 ms at 8 kHz, for each thing that the receiver may have to do with it.

Concealing and bridging are a lost packet's; stretching is a frame whose delay changes. `frame` is
a packet taken in and played through the whole stream, `lossy_frame` the same with 5 % lost. All
are called from Python, whose own part of it (some 0.2 us a call) is in the figures. `g722_frame` is
the decoding of one that has twice as many samples, `g722_resume` what is done once behind a loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks._receiver import paths
from benchmarks._receiver.codings import PCMU
from benchmarks._receiver.receivers import MS, SLOT_MS, arrivals
from platypus._media import g722
from platypus._media.conceal import Concealer
from platypus._media.timescale import lengthen, pitch, shorten

TIMES = 3000
FRAME = PCMU.frame
TARGETS = {
    "conceal_us": 6.0,
    "bridge_us": 6.0,
    "stretch_us": 6.0,
    "shrink_us": 6.0,
    "frame_us": 6.0,
    "lossy_frame_us": 6.0,
}


def voice(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    time_s = np.arange(round(seconds * 8000)) / 8000
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 0.7 * time_s)) / 8000
    sound = sum(np.sin(k * phase) / k for k in range(1, 12))
    return np.asarray(4000 * np.asarray(sound), dtype=np.int16)


def timed(action: Callable[[], object]) -> float:
    """The least of five means, in us: what disturbs only adds."""
    best = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(TIMES):
            action()
        best = min(best, (time.process_time() - begun) / TIMES)
    return best * 1e6


def play(path: paths.Path) -> float:
    sound = voice(60.0)
    sent = PCMU.packets(sound)
    trace = path(np.random.default_rng(1), len(sent))
    stream = PCMU.listener()
    waiting = [(round(at * MS) + 10**9, sent[number]) for at, number in arrivals(trace)]
    begun = time.process_time()
    at = 0
    for slot in range(len(sent)):
        now = round((7.0 + slot * SLOT_MS) * MS) + 10**9
        while at < len(waiting) and waiting[at][0] <= now:
            stream.receive(waiting[at][1], waiting[at][0])
            at += 1
        stream.playout(now, FRAME)
    return (time.process_time() - begun) / len(sent) * 1e6


def run() -> dict[str, float]:
    sound = voice(1.0).tobytes()
    heard, following, window = sound[:1000], sound[2000:2320], sound[3000:3480]
    concealer = Concealer(8000)

    def conceal() -> None:
        concealer.heard(heard)
        concealer.merge(b"")
        concealer.fill(FRAME)

    def bridge() -> None:
        concealer.heard(heard)
        concealer.merge(b"")
        concealer.bridge(FRAME, following)

    def stretch() -> None:
        lengthen(window, min(pitch(window, 8000)[0], 120))

    def shrink() -> None:
        shorten(window, min(pitch(window, 8000)[0], 120))

    codes = g722.Encoder().encode(sound)
    decoder = g722.Decoder()
    decoder.decode(codes)
    return {
        "conceal_us": timed(conceal),
        "bridge_us": timed(bridge),
        "stretch_us": timed(stretch),
        "shrink_us": timed(shrink),
        "frame_us": min(play(paths.clean) for _ in range(3)),
        "lossy_frame_us": min(play(paths.loss(0.05)) for _ in range(3)),
        "g722_frame_us": timed(lambda: decoder.decode(codes[:160])),
        "g722_resume_us": timed(lambda: decoder.resume(320, codes[:160])),
    }

"""What a frame of 20 ms costs in each codec and through the resampler, and how true that is.

CPU time, the best of several rounds, one direction at a time. Beside our G.722 stands the wheel of
that name, which is written in C, in the same run. The resampler is measured by sines: its
deviation at 3.4 kHz of 8 (7 of 16), the loudest alias of a tone that does not belong into the
band, its delay.

    python -m benchmarks codecs
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import G722
import numpy as np

from platypus._media import g711, g722
from platypus._media.codec import Decoder
from platypus._media.resample import Resampler
from platypus._media.stream import Stream
from platypus.media import opus
from tests._media.path import speech

ROUNDS = 7
FRAMES = 200
PAIRS = [(48, 8), (48, 16), (48, 24), (48, 32), (16, 8), (8, 16), (8, 48), (16, 48), (32, 48)]
TARGETS = {
    "g722_encode_to_wheel_percent": 100.0,
    "g722_decode_to_wheel_percent": 100.0,
    "resample_delay_ms": 3.0,
    "resample_alias_db": -85.0,
    "resample_ripple_db": 0.3,
}


def best_us(work: Callable[[], object], frames: int = FRAMES) -> float:
    """Microseconds of CPU a frame, where `work` does so many."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / frames * 1e6


def of_g711() -> dict[str, float]:
    pcm = speech(FRAMES / 50).tobytes()
    codes = g711.encode_ulaw(pcm)
    blocks = [pcm[at : at + 320] for at in range(0, len(pcm), 320)]
    parts = [codes[at : at + 160] for at in range(0, len(codes), 160)]
    return {
        "g711_encode_us": best_us(lambda: [g711.encode_ulaw(block) for block in blocks]),
        "g711_decode_us": best_us(lambda: [g711.decode_ulaw(part) for part in parts]),
    }


def of_g722() -> dict[str, float]:
    samples = speech(FRAMES / 50, rate=16_000)
    pcm = samples.tobytes()
    codes = g722.Encoder().encode(pcm)
    wheel = G722.G722(16_000, 64_000)
    ours = {
        "encode": best_us(lambda: g722.Encoder().encode(pcm)),
        "decode": best_us(lambda: g722.Decoder().decode(codes)),
    }
    theirs = {
        "encode": best_us(lambda: wheel.encode(samples)),
        "decode": best_us(lambda: wheel.decode(codes)),
    }
    found = {f"g722_{name}_us": us for name, us in ours.items()}
    found |= {f"g722_{name}_to_wheel_percent": 100 * us / theirs[name] for name, us in ours.items()}
    return found


def of_opus() -> dict[str, float]:
    if not opus.available():
        return {}
    pcm = speech(FRAMES / 50, rate=48_000).tobytes()
    blocks = [pcm[at : at + 1920] for at in range(0, len(pcm), 1920)]
    stream = Stream(rate=48_000)
    stream.configure_send(107, "opus", settings={"bitrate": 24_000, "fec": 1})
    packets = [stream.capture(block)[12:] for block in blocks]
    decoder = Decoder("opus", 48_000)
    return {
        "opus_encode_us": best_us(lambda: [stream.capture(block) for block in blocks]),
        "opus_decode_us": best_us(lambda: [decoder.decode(packet) for packet in packets]),
    }


def through(hz: float, rates: tuple[int, int]) -> tuple[float, float]:
    """The level of a sine after it was resampled, and its loudest sample, in dB."""
    time_ = np.arange(rates[0]) / rates[0]
    pcm = np.rint(20_000 * np.sin(2 * np.pi * hz * time_)).astype(np.int16)
    out = np.frombuffer(Resampler(*rates).process(pcm.tobytes()), np.int16).astype(float)
    out = out[rates[1] // 10 : -rates[1] // 10]
    at = 2 * np.pi * hz * np.arange(len(out)) / rates[1]
    basis = np.stack([np.sin(at), np.cos(at)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, out, rcond=None)
    peak = float(np.abs(out).max())
    level = max(float(np.hypot(*weights)), 0.1)
    return 20 * np.log10(level / 20_000), 20 * np.log10(max(peak, 0.1) / 20_000)


def of_resampler() -> dict[str, float]:
    ripple = delay = 0.0
    loudest = -200.0
    found: dict[str, float] = {}
    for low, high in {(min(pair), max(pair)) for pair in PAIRS}:
        edge = 3400.0 if low == 8 else 437.5 * low
        for rates in ((low * 1000, high * 1000), (high * 1000, low * 1000)):
            ripple = max(ripple, abs(through(edge, rates)[0]), abs(through(edge / 3, rates)[0]))
            delay = max(delay, Resampler(*rates).delay_ms)
        first = low * 1000 - edge
        for hz in np.linspace(first, min(high * 500 - 10, 2.5 * low * 1000), 12):
            loudest = max(loudest, through(float(hz), (high * 1000, low * 1000))[1])
    for from_, to in PAIRS:
        pcm = speech(FRAMES / 50, rate=from_ * 1000).tobytes()
        step = from_ * 40
        blocks = [pcm[at : at + step] for at in range(0, len(pcm), step)]
        resampler = Resampler(from_ * 1000, to * 1000)
        found[f"resample_{from_}_to_{to}_us"] = best_us(
            lambda resampler=resampler, blocks=blocks: [resampler.process(b) for b in blocks]
        )
    return found | {
        "resample_ripple_db": ripple,
        "resample_alias_db": loudest,
        "resample_delay_ms": delay,
    }


def run() -> dict[str, float]:
    found = of_g711() | of_g722() | of_opus() | of_resampler()
    return {name: round(value, 3) for name, value in found.items()}


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))

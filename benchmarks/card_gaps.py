"""Holes in what a loudspeaker plays, with and without Python busy beside it.

A call hears a steady tone on a PulseAudio null sink; beside it a stream whose C callback does
nothing but play a tone of its own to another sink. Both sinks are recorded and searched for holes.
First unloaded, then with two threads of pure Python spinning and a collection of a million
objects every second: at most 2 holes a minute, none over 40 ms, and no more than the other has.

    python -m benchmarks card_gaps              20 s in all
    CARDS=long python -m benchmarks card_gaps   5 minutes of each
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
from array import array
from collections.abc import Mapping
from pathlib import Path

from benchmarks._cards import LONG, TONE_PEAK, gaps, in_a_call
from benchmarks.lateness import python_busy
from platypus.audio.device import choose
from platypus.audio.lists import list_devices
from platypus.audio.portaudio import open_stream
from tests.harness.soundserver import RATE, SCRIPT, SoundServer, soundserver

SECONDS = 300.0 if LONG else 5.0
SETTLE_S = 2.0
WITH_REFERENCE = SCRIPT + (
    "load-module module-null-sink norewinds=1 sink_name=reference rate=48000 channels=1\n"
)
TARGETS = {
    "unloaded_gaps": 0.0,
    "busy_gaps_a_minute": 2.0,
    "busy_longest_ms": 40.0,
    "busy_more_than_reference": 0.0,
}


def tone() -> bytes:
    """A second of 1 kHz, that repeats without a seam."""
    step = 2 * math.pi * 1000 / RATE
    return array("h", (round(TONE_PEAK * math.sin(step * n)) for n in range(RATE))).tobytes()


async def listen(server: SoundServer, folder: Path) -> tuple[list[float], list[float]]:
    """Holes in ms: of the call, and of the callback that does nothing."""
    reference = open_stream(choose(list_devices().outputs, "reference", None), capture=False)
    reference.overlay.play(tone(), loop=True)
    ours, other = folder / "ours", folder / "other"
    try:
        async with in_a_call("tone"):
            await asyncio.sleep(SETTLE_S)
            with server.hearing(ours), server.hearing(other, "reference.monitor"):
                await asyncio.sleep(SECONDS)
            return gaps(ours), gaps(other)
    finally:
        reference.close()


def measure(*, busy: bool) -> tuple[list[float], list[float]]:
    with (
        tempfile.TemporaryDirectory() as name,
        soundserver(Path(name), WITH_REFERENCE) as server,
        python_busy() if busy else contextlib.nullcontext(),
    ):
        return asyncio.run(listen(server, Path(name)))


def run() -> Mapping[str, float | str]:
    """For `python -m benchmarks`."""
    calm, calm_reference = measure(busy=False)
    busy, busy_reference = measure(busy=True)
    return {
        "seconds": SECONDS,
        "unloaded_gaps": float(len(calm)),
        "unloaded_reference_gaps": float(len(calm_reference)),
        "busy_gaps": float(len(busy)),
        "busy_reference_gaps": float(len(busy_reference)),
        "busy_more_than_reference": float(max(0, len(busy) - len(busy_reference))),
        "busy_gaps_a_minute": 60.0 * len(busy) / SECONDS,
        "busy_longest_ms": max(busy, default=0.0),
        "busy_reference_longest_ms": max(busy_reference, default=0.0),
    }

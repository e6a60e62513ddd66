"""Holes in what a loudspeaker plays, with and without Python busy beside it.

A call hears a steady tone on a PulseAudio null sink; beside it a stream whose C callback does
nothing but play a tone of its own to another sink. Both sinks are recorded and searched for holes.
First unloaded, then with two threads of pure Python spinning and a collection of a million
objects every second: at most 2 holes a minute, none over 40 ms, and no more than the other has.

    python -m benchmarks card_gaps              20 s in all
    CARDS=long python -m benchmarks card_gaps   5 minutes unloaded, a minute busy
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks._cards import LONG, TONE_PEAK, gaps, in_a_call
from benchmarks.lateness import python_busy
from platypus._media.lateness import DoNothingThread
from platypus.audio.device import choose
from platypus.audio.lists import list_devices
from platypus.audio.portaudio import open_stream
from tests.harness.soundserver import RATE, SCRIPT, SoundServer, soundserver

SECONDS = 300.0 if LONG else 5.0
BUSY_SECONDS = 60.0 if LONG else 5.0
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


@dataclass(frozen=True, slots=True)
class Heard:
    """Holes in ms, and how late the machine itself was: a thread of real time, one of none."""

    ours: list[float]
    reference: list[float]
    real_time_late: float
    no_priority_late: float


async def listen(server: SoundServer, folder: Path, seconds: float) -> Heard:
    reference = open_stream(choose(list_devices().outputs, "reference", None), capture=False)
    reference.overlay.play(tone(), loop=True)
    ours, other = folder / "ours", folder / "other"
    idle = DoNothingThread(10), DoNothingThread(10, scheduled=False)
    try:
        async with in_a_call("tone"):
            await asyncio.sleep(SETTLE_S)
            for thread in idle:
                thread.start()
            with server.hearing(ours), server.hearing(other, "reference.monitor"):
                await asyncio.sleep(seconds)
            late = [thread.lateness()["max_ms"] for thread in idle]
            return Heard(gaps(ours), gaps(other), late[0], late[1])
    finally:
        reference.close()
        for thread in idle:
            thread.close()


def measure(*, busy: bool) -> Heard:
    with (
        tempfile.TemporaryDirectory() as name,
        soundserver(Path(name), WITH_REFERENCE) as server,
        python_busy() if busy else contextlib.nullcontext(),
    ):
        return asyncio.run(listen(server, Path(name), BUSY_SECONDS if busy else SECONDS))


def run() -> Mapping[str, float | str]:
    """For `python -m benchmarks`."""
    calm, busy = measure(busy=False), measure(busy=True)
    return {
        "unloaded_s": SECONDS,
        "unloaded_gaps": float(len(calm.ours)),
        "unloaded_reference_gaps": float(len(calm.reference)),
        "unloaded_real_time_late_ms": calm.real_time_late,
        "unloaded_no_priority_late_ms": calm.no_priority_late,
        "busy_s": BUSY_SECONDS,
        "busy_gaps": float(len(busy.ours)),
        "busy_reference_gaps": float(len(busy.reference)),
        "busy_more_than_reference": float(max(0, len(busy.ours) - len(busy.reference))),
        "busy_gaps_a_minute": 60.0 * len(busy.ours) / BUSY_SECONDS,
        "busy_longest_ms": max(busy.ours, default=0.0),
        "busy_reference_longest_ms": max(busy.reference, default=0.0),
        "busy_real_time_late_ms": busy.real_time_late,
        "busy_no_priority_late_ms": busy.no_priority_late,
    }

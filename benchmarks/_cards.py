"""What the benchmarks of the sound card share.

They run in a short form, for CI; CARDS=long is what the promises speak of.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from platypus.call import Call
from platypus.engine import Engine
from tests.harness.soundserver import RATE

LONG = os.environ.get("CARDS") == "long"
TONE_PEAK = 8_000
WINDOW = RATE // 500  # 2 ms: two periods of the tone


@dataclass(frozen=True, slots=True)
class Desk:
    """A phone on the sound card, in a call with one that says `audio`."""

    phone: Engine
    far: Engine
    call: Call


@contextlib.asynccontextmanager
async def in_a_call(audio: str, **options: Any) -> AsyncIterator[Desk]:
    """Both phones are in this process; their media threads know nothing of it."""
    here = ("127.0.0.1", 0)
    async with (
        Engine(listen=here, audio="system", **options) as phone,
        Engine(listen=here, audio=audio, auto_answer=0) as far,
    ):
        call = phone.call(f"sip:far@{far.listen[0].partition(':')[2]}")
        await call.answered(10)
        yield Desk(phone, far, call)


def gaps(path: Path) -> list[float]:
    """Lengths in ms of the holes in a steady tone, from where it begins to where it ends."""
    samples = np.abs(np.fromfile(path, dtype=np.int16).astype(np.int32))
    whole = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW).max(axis=1)
    loud = np.flatnonzero(whole > TONE_PEAK // 2)
    if not len(loud):
        return [len(whole) * 2.0]
    steps = np.diff(loud)
    return [float(step - 1) * 2.0 for step in steps[steps > 1]]

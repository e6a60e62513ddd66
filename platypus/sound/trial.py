"""Trying the sound devices without any call: notes to hear, a microphone's level, an own voice.

Each opens what it needs through the desk, as a call would, and lets go of it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus.audio.device import Stream
    from platypus.sound.desk import Desk
    from platypus.sound.line import Line

OPEN_WITHIN_S = 3.0
STEP_S = 0.1  # between two looks at the level
POLL_S = 0.02
NOTES_HZ = (523.25, 659.25, 783.99)  # C, E, G
NOTE_MS, PAUSE_MS = 350, 50


async def play_notes(desk: Desk, line: Line) -> str:
    """Three notes on a speaker; its label once they were played. DeviceError says what is wrong."""
    from platypus.audio.tones import render

    async with opened(desk, line) as (speaker,):
        notes = tuple(part for hz in NOTES_HZ for part in ((((hz, 1.0),), NOTE_MS), ((), PAUSE_MS)))
        await _play(speaker, render(notes, speaker.rate))
        return line.device.label if line.device is not None else ""


async def hear_microphone(
    desk: Desk, seconds: float, level: Callable[[float], None]
) -> tuple[float, int, bytes]:
    """Listen to the microphone: its peak, as a fraction of full scale, its rate, and what it heard.

    `level` gets the peak ten times a second.
    """
    async with opened(desk, desk.talking) as (microphone,):
        peak, heard = 0.0, bytearray()
        microphone.read(microphone.rate)  # what came before
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(STEP_S)
            heard += microphone.read(microphone.rate)
            now = microphone.overlay.level
            peak = max(peak, now)
            level(now)
        return peak, microphone.rate, bytes(heard)


async def play_back(desk: Desk, rate: int, pcm: bytes) -> None:
    """What the microphone heard, on the speaker."""
    from platypus.audio.files import Wav
    from platypus.audio.tones import render_file

    async with opened(desk, desk.listening) as (speaker,):
        await _play(speaker, render_file(Wav(rate, pcm), speaker.rate))


@asynccontextmanager
async def opened(desk: Desk, *lines: Line) -> AsyncIterator[tuple[Stream, ...]]:
    """The lines' streams, once all are there. DeviceError where they don't come."""
    who = object()
    desk.need(who, *lines)
    try:
        until = time.monotonic() + OPEN_WITHIN_S
        while any(line.stream is None for line in lines):
            if time.monotonic() > until:
                from platypus.audio.device import NO_DEVICES

                raise DeviceError(desk.no_sound or NO_DEVICES)
            await asyncio.sleep(POLL_S)
        yield tuple(line.stream for line in lines if line.stream is not None)
    finally:
        desk.let_go(who)


async def _play(speaker: Stream, pcm: bytes) -> None:
    speaker.overlay.play(pcm)
    until = time.monotonic() + len(pcm) / 2 / speaker.rate + 1.0
    while speaker.overlay.playing and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(STEP_S)  # the device still has the last of it

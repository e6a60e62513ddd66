"""The sound server is killed and started again in a call, again and again.

Each time the sound must be back at the loudspeaker without anything being done; afterwards the
process must hold no more memory, files and threads than after the first time.

    python -m benchmarks card_restart               twice
    CARDS=long python -m benchmarks card_restart    ten times
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks._agent import resident_mb
from benchmarks._cards import LONG, Desk, in_a_call
from platypus.events import DeviceChanged
from tests.harness.soundserver import SoundServer, soundserver

BY_NAME_ONLY = True
TIMES = 10 if LONG else 2
BACK_WITHIN_S = 5.0
LOUD = 0.1  # of full scale; the tone is a quarter
TARGETS = {
    "not_back": 0.0,
    "noticed_s": 1.0,
    "files_more": 0.0,
    "threads_more": 0.0,
} | ({"memory_growth_mb": 2.0} if LONG else {})


async def until_heard(desk: Desk) -> float | None:
    """Seconds until the loudspeaker plays the tone and the microphone is open; None: too long."""
    began = time.monotonic()
    while time.monotonic() - began < BACK_WITHIN_S:
        microphone, speaker = desk.phone.sound.levels()
        if microphone is not None and speaker is not None and speaker > LOUD:
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    return None


def held() -> dict[str, float]:
    """What this process holds."""
    return {
        "memory": resident_mb(os.getpid()),
        "files": float(len(os.listdir("/proc/self/fd"))),
        "threads": float(len(os.listdir("/proc/self/task"))),
    }


async def restart(server: SoundServer) -> Mapping[str, float]:
    noticed: list[float] = []
    killed = 0.0

    def told(event: object) -> None:
        if isinstance(event, DeviceChanged) and event.output is None:
            noticed.append(time.monotonic() - killed)

    async with in_a_call("tone") as desk:
        desk.phone.subscribe(told)
        # The loop's worker threads come as they are first needed, and stay.
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.1) for _ in range(32)))
        await until_heard(desk)
        back: list[float | None] = []
        first: dict[str, float] = {}
        for _ in range(TIMES):
            killed = time.monotonic()
            server.kill()
            await asyncio.sleep(1.5)
            await asyncio.to_thread(server.start)
            back.append(await until_heard(desk))
            await asyncio.sleep(0.5)
            first = first or held()
        last = held()
        return {
            "times": float(TIMES),
            "not_back": float(back.count(None)),
            "back_after_s": max((each for each in back if each is not None), default=BACK_WITHIN_S),
            "not_noticed": float(TIMES - len(noticed)),
            "noticed_s": max(noticed, default=BACK_WITHIN_S),
            "memory_growth_mb": last["memory"] - first["memory"],
            "files_more": last["files"] - first["files"],
            "threads_more": last["threads"] - first["threads"],
        }


def run() -> Mapping[str, float | str]:
    """For `python -m benchmarks`."""
    with tempfile.TemporaryDirectory() as name, soundserver(Path(name)) as server:
        return dict(asyncio.run(restart(server)))

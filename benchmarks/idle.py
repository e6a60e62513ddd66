"""What a registered headless phone costs while nothing happens: memory, CPU, its wakings.

    python -m benchmarks idle
    SECONDS_IDLE=300 python -m benchmarks idle

Long enough for a keep-alive (RFC 5626: each 24 to 29 s). A phone that wakes a few times a minute
works on cold caches: what a waking costs, from 0.3 to 20 ms were seen, is the machine's, and how
many there are is ours. So a loop of asyncio that wakes as often and does nothing runs beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks._agent import Registrar, agent, cpu_seconds, resident_mb

TARGETS = {"resident_mb": 30.0, "idle_percent": 0.05}
SETTLE_S = 2.0
WATCH_S = float(os.environ.get("SECONDS_IDLE", "30"))


BARE = """
import asyncio, logging, json, socket, ssl

async def wake():
    while True:
        await asyncio.sleep(5)

asyncio.run(wake())
"""


def run() -> Mapping[str, float]:
    """Resident memory in MB; CPU of all threads as a share of one processor."""
    registrar = Registrar()
    with agent(registrar.port) as process, bare() as reference:
        assert registrar.registered.wait(10), "the agent did not register"
        time.sleep(SETTLE_S)
        before = spent(process), spent(reference)
        time.sleep(WATCH_S)
        ours, woken = since(before[0], process)
        alone, alone_woken = since(before[1], reference)
        return {
            "resident_mb": resident_mb(process.pid),
            "idle_percent": ours * 100,
            "asyncio_alone_percent": alone * 100,
            "wakings_a_minute": woken * 60,
            "asyncio_alone_wakings_a_minute": alone_woken * 60,
        }


def spent(process: subprocess.Popen[str]) -> tuple[float, int]:
    """CPU seconds and wakings so far."""
    return cpu_seconds(process.pid), wakings(process.pid)


def since(before: tuple[float, int], process: subprocess.Popen[str]) -> tuple[float, float]:
    """CPU seconds and wakings, of each second watched."""
    seconds, times = spent(process)
    return (seconds - before[0]) / WATCH_S, (times - before[1]) / WATCH_S


@contextlib.contextmanager
def bare() -> Iterator[subprocess.Popen[str]]:
    """A loop of asyncio, with modules that every phone needs, that does nothing every 5 s."""
    process = subprocess.Popen([sys.executable, "-c", BARE], text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wakings(pid: int) -> int:
    """How often any of its threads has gone to sleep so far."""
    tasks = Path("/proc", str(pid), "task").glob("*/status")
    found = re.findall(r"\bvoluntary_ctxt_switches:\s+(\d+)", "".join(x.read_text() for x in tasks))
    return sum(map(int, found))

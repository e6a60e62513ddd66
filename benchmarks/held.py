"""A thousand calls at once, each with its media running, and the memory of one.

    python -m benchmarks held

sipp opens them, holds them, and hangs all of them up; none may fail.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks._agent import Lines, agent, resident_mb
from tests.harness.sipp import Sipp

CALLS = 1000
RATE = 200
TARGETS = {"memory_per_call_kb": 150.0}
HELD_MS = 8_000  # from the answer: the last call comes in while the first one still talks


def run() -> Mapping[str, float]:
    """kB a call; the process with all of them open."""
    if shutil.which("sipp") is None:
        raise SystemExit("benchmarks: held needs sipp (Debian: sip-tester)")
    with agent(None, "--auto-answer", "0") as process, tempfile.TemporaryDirectory() as folder:
        lines = Lines(process)
        one(lines.address, Path(folder, "first"))
        before = resident_mb(process.pid)
        with hold(lines.address, Path(folder, "all")) as sipp:
            lines.wait(lambda said: said.confirmed > CALLS, 30)
            during = resident_mb(process.pid)
            outcome = sipp.outcome()
        lines.wait(lambda said: said.ended > CALLS, 5)
    if outcome.succeeded < CALLS or outcome.failed:
        raise SystemExit(f"benchmarks: {outcome}")
    return {
        "memory_per_call_kb": (during - before) / CALLS * 1024,
        "memory_mb": during,
        "calls": float(CALLS),
    }


def one(address: str, folder: Path) -> None:
    """The first call loads what all of them share."""
    with Sipp(folder, "uac", target=address, calls=1) as sipp:
        sipp.outcome()


def hold(address: str, folder: Path) -> Sipp:
    return Sipp(folder, "uac", target=address, calls=CALLS, rate=RATE, duration_ms=HELD_MS)

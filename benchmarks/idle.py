"""What a registered headless phone costs while nothing happens: memory, CPU, its wakings.

    python -m benchmarks idle
    SECONDS_IDLE=300 python -m benchmarks idle

Long enough for a keep-alive (RFC 5626: each 24 to 29 s). A phone that wakes a few times a minute
works on cold caches: what a waking costs, 0.3 to 3 ms were seen, is the machine's, and how many
there are is ours.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks._agent import Registrar, agent, cpu_seconds, resident_mb

TARGETS = {"resident_mb": 30.0, "idle_percent": 0.05}
SETTLE_S = 2.0
WATCH_S = float(os.environ.get("SECONDS_IDLE", "40"))


def run() -> Mapping[str, float]:
    """Resident memory in MB; CPU of all threads as a share of one processor."""
    registrar = Registrar()
    with agent(registrar.port) as process:
        assert registrar.registered.wait(10), "the agent did not register"
        time.sleep(SETTLE_S)
        spent, woken = cpu_seconds(process.pid), wakings(process.pid)
        time.sleep(WATCH_S)
        spent, woken = cpu_seconds(process.pid) - spent, wakings(process.pid) - woken
        return {
            "resident_mb": resident_mb(process.pid),
            "idle_percent": spent / WATCH_S * 100,
            "wakings_a_minute": woken / WATCH_S * 60,
        }


def wakings(pid: int) -> int:
    """How often any of its threads has gone to sleep so far."""
    tasks = Path("/proc", str(pid), "task").glob("*/status")
    found = re.findall(r"\bvoluntary_ctxt_switches:\s+(\d+)", "".join(x.read_text() for x in tasks))
    return sum(map(int, found))

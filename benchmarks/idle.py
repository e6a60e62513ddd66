"""What a registered headless phone costs while nothing happens: memory and CPU.

python -m benchmarks idle
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks._agent import Registrar, agent, cpu_seconds, resident_mb

TARGETS = {"resident_mb": 30.0, "idle_percent": 0.05}
SETTLE_S = 2.0
WATCH_S = 20.0


def run() -> Mapping[str, float]:
    """Resident memory in MB; CPU of all threads as a share of one processor."""
    registrar = Registrar()
    with agent(registrar.port) as process:
        assert registrar.registered.wait(10), "the agent did not register"
        time.sleep(SETTLE_S)
        before = cpu_seconds(process.pid)
        time.sleep(WATCH_S)
        spent = cpu_seconds(process.pid) - before
        return {"resident_mb": resident_mb(process.pid), "idle_percent": spent / WATCH_S * 100}

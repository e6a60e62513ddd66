"""CPU of a whole call taken as UAS, from INVITE to BYE, with sipp as the caller.

    python -m benchmarks calls

Measured over many calls in one process, all threads, media included: the stream is opened and
closed for each, and carries what fits into the short call. Nothing is taken off for idling.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping

from benchmarks._agent import agent, cpu_seconds

TARGETS = {"cpu_per_call_ms": 1.0}
WARM_UP = 50
CALLS = 2000
RATE = 200


def run() -> Mapping[str, float]:
    """Milliseconds of CPU a call, and how many of the calls failed."""
    sipp = shutil.which("sipp")
    if sipp is None:
        raise SystemExit("benchmarks: calls needs sipp (Debian: sip-tester)")
    with agent(None, "--auto-answer", "0") as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["listen"][0].partition(":")[2]
        call(sipp, address, WARM_UP)
        before = cpu_seconds(process.pid)
        call(sipp, address, CALLS)
        spent = cpu_seconds(process.pid) - before
    return {"cpu_per_call_ms": spent / CALLS * 1e3, "calls": float(CALLS), "calls_a_s": float(RATE)}


def call(sipp: str, address: str, count: int) -> None:
    """Makes the calls; a failed one ends the benchmark, since it would cost less."""
    arguments = [sipp, address, "-sn", "uac", "-i", "127.0.0.1", "-m", str(count), "-r", str(RATE)]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*arguments, "-nostdin"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

"""What is left in memory of calls that are over: of 10,000 against the first 1,000.

    python -m benchmarks growth

Then of 10,000 more (`further_mb`): what a rush leaves where single small objects keep a page of
Python's is there once, what grows with the calls would be there again. Each time it is measured
when the last transaction has been forgotten. Takes four minutes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks._agent import Lines, agent, resident_mb
from benchmarks.calls import make_calls

BY_NAME_ONLY = True
TARGETS = {"grown_mb": 1.0}
LINGER = 40  # seconds: 64*T1 (RFC 3261, 17.2.2), and some more


def run() -> Mapping[str, float]:
    """Resident memory after the first calls and after all of them."""
    with agent(None, "--auto-answer", "0") as process:
        address = Lines(process).address
        make_calls(address, 1_000)
        time.sleep(LINGER)
        before = resident_mb(process.pid)
        make_calls(address, 10_000)
        time.sleep(LINGER)
        after = resident_mb(process.pid)
        make_calls(address, 10_000)
        time.sleep(LINGER)
        last = resident_mb(process.pid)
    return {
        "after_1000_mb": before,
        "after_11000_mb": after,
        "after_21000_mb": last,
        "grown_mb": after - before,
        "further_mb": last - after,
    }

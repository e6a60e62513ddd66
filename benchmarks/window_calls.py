"""A hundred calls in a row, typed and hung up at the window: is one lost, does memory stay?

python -m benchmarks window_calls

Calls for some 40 s come before: the transactions of a call are kept for 32 s (RFC 3261, timers
B, F and H at 64*T1), so that only then as many go as come.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks._agent import resident_mb
from benchmarks._window import Phone, phone

TARGETS = {"lost": 0.0, "grown_mb": 2.0}
BY_NAME_ONLY = True
BEFORE_S, CALLS = 40.0, 100


def run() -> Mapping[str, float]:
    with phone() as started:
        started.registered()
        started.screen.focus()
        end = time.monotonic() + BEFORE_S
        while time.monotonic() < end:
            one_call(started)
        before = resident_mb(started.process.pid)
        done = sum(one_call(started) for _ in range(CALLS))
        after = resident_mb(started.process.pid)
    return {"calls": CALLS, "lost": CALLS - done, "grown_mb": after - before}


def one_call(started: Phone) -> bool:
    """Whether it was answered, and ended as it should."""
    started.call("600")
    try:
        started.screen.wait_for_title("In call with 600")
        started.screen.key("Escape")
        started.screen.wait_for_title(r"\(registered\)")
    except AssertionError:
        return False
    return True

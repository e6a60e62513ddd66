"""A hundred calls in a row, typed and hung up at the window: is one lost, does memory stay?

python -m benchmarks window_calls

Ten calls come before: what is made once is made by then.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks._agent import resident_mb
from benchmarks._window import Phone, phone

TARGETS = {"lost": 0.0, "grown_mb": 2.0}
BY_NAME_ONLY = True
BEFORE, CALLS = 10, 100


def run() -> Mapping[str, float]:
    with phone() as started:
        started.registered()
        started.screen.focus()
        for _ in range(BEFORE):
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

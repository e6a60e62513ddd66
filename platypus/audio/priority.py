"""Asks for priority for the threads that a sound server's library starts in this process.

PortAudio's callback waits for them, and they have none: with a busy machine they were seen to
come 120 ms late, in a process whose own threads were never later than 0.1 ms. They are known by
their names in /proc, so this is for Linux; elsewhere there are none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from platypus._media.device import ask_scheduling

THREADS = Path("/proc/self/task")
# PulseAudio's client library; PipeWire's asks by itself.
NAMES = frozenset({"threaded-ml"})


def raise_priority() -> int:
    """Call after a stream was opened; how many threads have it now."""
    if not sys.platform.startswith("linux"):
        return 0
    raised = 0
    for thread in THREADS.iterdir():
        try:
            name = (thread / "comm").read_text().strip()
        except OSError:  # it has ended
            continue
        if name in NAMES and ask_scheduling(int(thread.name)):
            raised += 1
    return raised

"""The clock the signalling runs by, and how a sleep of the machine shows on it.

A registration goes on expiring while the lid is closed, and asyncio's clock stands still
meanwhile on Linux and macOS (`time.monotonic`). So the signalling has a clock of its own that
does not: CLOCK_BOOTTIME on Linux, CLOCK_MONOTONIC on macOS, where that one counts sleep.
Windows' own counts it for both; there a sleep shows as a timer that came far too late.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Callable
from functools import partial

# Neither clock is set by anybody, and both tick alike: more than this between them is sleep.
SLEEP = 1.0
# A loop that somebody blocks for seconds is late as well. Asking the registrar once does no harm.
LATE = 10.0


def awake_and_asleep() -> Callable[[], float]:
    """Seconds that pass also while the machine sleeps; they only ever grow."""
    number = None
    if sys.platform == "linux":
        number = getattr(time, "CLOCK_BOOTTIME", None)
    elif sys.platform == "darwin":
        number = getattr(time, "CLOCK_MONOTONIC", None)
    if number is None:
        return time.monotonic
    return partial(time.clock_gettime, number)


class SleepWatch:
    """Compares the signalling's clock with the loop's, each time it is asked."""

    def __init__(self, clock: Callable[[], float], loop_clock: Callable[[], float]) -> None:
        self._clock = clock
        self._loop_clock = loop_clock
        # What the clocks differ by, and when the next question is due. Numbers that come and go
        # each few seconds would for ever lie where a rush of calls has had its memory.
        self._seen = array("d", (clock() - loop_clock(), float("inf")))

    def expect(self, seconds: float) -> None:
        """The next question should come after so long."""
        self._seen[1] = self._clock() + seconds

    def slept(self) -> float:
        """Seconds since the last question in which nothing ran; 0.0 for none worth a word."""
        now = self._clock()
        apart = now - self._loop_clock()
        jump, self._seen[0] = apart - self._seen[0], apart
        late = now - self._seen[1]
        if jump > SLEEP:
            return jump
        return late if late > LATE else 0.0

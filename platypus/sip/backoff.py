"""When a registration that failed is tried again (RFC 5626, 4.5; RFC 3261, 20.33).

Doubling, and spread so that phones don't come back in step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.outages import retry_after

if TYPE_CHECKING:
    from platypus.sip.message import Response
    from platypus.sip.stack import Stack

# RFC 5626, 4.5 doubles from 30 s to half an hour for the sake of large providers; a phone on a
# desk should be back soon after its PBX is.
FIRST_RETRY = 4.0
LONGEST_RETRY = 300.0
LONGEST_RETRY_AFTER = 3600.0


class Backoff:
    """The failures in a row of one registration."""

    __slots__ = ("_failures", "_stack")

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._failures = 0

    def reset(self) -> None:
        """It worked, or somebody wants it now."""
        self._failures = 0

    def failed(self) -> None:
        """Once more."""
        self._failures += 1

    def delay(self) -> float:
        """Seconds until the next attempt, were this one to fail now."""
        longest = min(FIRST_RETRY * 2.0 ** min(self._failures, 16), LONGEST_RETRY)
        return self._stack.uniform(longest / 2, longest)

    def delay_after(self, response: Response) -> float:
        """The same, and no sooner than the server wants."""
        return max(self.delay(), min(float(retry_after(response) or 0), LONGEST_RETRY_AFTER))

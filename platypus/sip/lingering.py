"""When transactions are over: those of a user agent have one timer between them.

After its last response a transaction only absorbs or repeats what comes again, for up to 64*T1
(timers D, I, J, K, L and M of RFC 3261 and RFC 6026): in a rush of calls thousands do at once. So
each carries the moment it is `due`, and the tables are looked through: at the very moment that the
first is due while there are few, and once a second when there are many, the last of which
are forgotten that much late. No such timer has an upper limit.

Once there are none, and none was answered for 64*T1, whoever owns the tables may rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from platypus.sip.timers import Timer, TimerQueue

NEVER = float("inf")
# Looking through so many costs less than another timer.
FEW = 64
LATE = 1.0


class Mortal(Protocol):
    """A transaction, to whoever ends it."""

    due: float

    def expire(self, now: float) -> None:
        """Its time is over."""


class Lingering:
    """Looks after the transactions in `tables`; calls `rested` when nobody asks for any."""

    def __init__(
        self, timers: TimerQueue, rested: Callable[[], None], *tables: Mapping[str, Mortal]
    ) -> None:
        self._timers = timers
        self._rested = rested
        self._tables = tables
        self._busy_until = 0.0
        self._timer: Timer | None = None
        self._at = NEVER

    def expect(self, due: float) -> None:
        """One of them is due then."""
        if due < self._at:
            if self._timer is not None:
                self._timer.stop()
            self._at = due
            self._timer = self._timers.start(due, self._look)

    def passed(self, until: float) -> None:
        """One was over at once, as over a connection: another may come up to `until`."""
        self._busy_until = until
        self.expect(until)

    def _look(self, now: float) -> None:
        self._timer, self._at = None, NEVER
        over, many, first = [], -FEW, NEVER
        for table in self._tables:
            many += len(table)
            for each in table.values():
                if each.due <= now:
                    over.append(each)
                elif each.due < first:
                    first = each.due
        self.expect(max(first, now + LATE) if many > 0 else first)
        for each in over:
            each.expire(now)
        if any(self._tables):
            return
        if now + LATE < self._busy_until:  # no second look for less
            self.expect(self._busy_until)
        else:
            self._rested()

"""Virtual time: it moves when a test says so, and never by itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Clock:
    """Now, and what is to happen later. Things due at one instant happen in order of asking."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        """Have `action` happen at `when`."""
        self._sequence += 1
        heapq.heappush(self._queue, (when, self._sequence, action))

    def next(self) -> float | None:
        """When the next thing is due."""
        return self._queue[0][0] if self._queue else None

    def run_due(self) -> bool:
        """Do one thing that is due now; False if there is none."""
        if not self._queue or self._queue[0][0] > self.now:
            return False
        heapq.heappop(self._queue)[2]()
        return True

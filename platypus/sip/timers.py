"""Timers of the signalling machine: one heap for all, in the caller's time.

Deletion is lazy: a stopped timer gives up its callback at once and stays in the
heap as an empty shell until its time comes or until shells are the majority.
No clock is read here; `now` is whatever the driver passes in.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

_FEW = 64  # below this many entries a heap full of shells costs nothing


class Timer:
    """One running timer. `callback` is None once it fired or was stopped."""

    __slots__ = ("callback", "queue", "when")

    def __init__(self, queue: TimerQueue, when: float, callback: Callable[[float], None]) -> None:
        self.queue = queue
        self.when = when
        self.callback: Callable[[float], None] | None = callback

    def stop(self) -> None:
        """Never fire. Stopping twice, or after firing, does nothing."""
        if self.callback is not None:
            self.callback = None
            self.queue.stopped()


class TimerQueue:
    """Every timer of one user agent."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = count()  # keeps timers of one instant in the order they were started
        self._shells = 0

    def __len__(self) -> int:
        """How many timers are running."""
        return len(self._heap) - self._shells

    def start(self, when: float, callback: Callable[[float], None]) -> Timer:
        """Call `callback(now)` from the first `handle_timeout` at or after `when`."""
        timer = Timer(self, when, callback)
        heapq.heappush(self._heap, (when, next(self._sequence), timer))
        return timer

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is wanted next."""
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
            self._shells -= 1
        return heap[0][0] if heap else None

    def handle_timeout(self, now: float) -> None:
        """Fire what is due, in order, including what that starts for no later than `now`."""
        while (when := self.next_timeout()) is not None and when <= now:
            timer = heapq.heappop(self._heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback(now)

    def stopped(self) -> None:
        """A timer became a shell; sweep them out when they outnumber the living."""
        self._shells += 1
        if self._shells > _FEW and self._shells * 2 > len(self._heap):
            self._heap[:] = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._shells = 0

"""Wait for something to change: a future for everybody who waits, no task, no polling."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

logger = logging.getLogger("platypus.engine")


class Change:
    """`await next()` returns after the next `notify()`. A waiter may be cancelled at any time."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    async def next(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    def notify(self) -> None:
        if not self._waiting:
            return
        for future in tuple(self._waiting):
            if not future.done():
                future.set_result(None)


def log_failure(task: asyncio.Task[Any]) -> None:
    """A done-callback: an error in a task that nobody awaits is told now, not when it is freed."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a task failed; the phone goes on", exc_info=error)

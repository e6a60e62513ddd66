"""Wait for something to change: a future for everybody who waits, no task, no polling."""

from __future__ import annotations

import asyncio


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
        for future in tuple(self._waiting):
            if not future.done():
                future.set_result(None)

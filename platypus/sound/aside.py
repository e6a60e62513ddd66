"""Work on the sound library that may never end: it waits for a sound server that hangs.

Each piece has a thread of its own that keeps nobody waiting, neither the loop's own workers nor
the end of the process. Whoever is not willing to wait on goes without the result.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def aside(work: Callable[[], T]) -> asyncio.Future[T]:
    """What `work` returns or raises, once it has. Cancelling the future does not stop it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, problem = None, None
        try:
            result = work()
        except Exception as error:
            problem = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, problem)

    future.add_done_callback(_heed)
    threading.Thread(target=run, daemon=True, name="platypus-card").start()
    return future


def _heed(future: asyncio.Future[T]) -> None:
    """An error that nobody waits for any more is none."""
    if not future.cancelled():
        future.exception()

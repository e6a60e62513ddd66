"""Work on the sound library that may never end: it waits for a sound server that hangs.

It is done in threads that keep nobody waiting, neither the loop's own workers nor the end of the
process. Whoever is not willing to wait on goes without the result. A thread that has finished
does the next piece: what the library allocates then comes from where it was freed before.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Jobs: TypeAlias = "SimpleQueue[Callable[[], None] | None]"


class Aside:
    """`do` is called from the loop; as many threads as pieces of work that hang, and one more."""

    def __init__(self) -> None:
        self._idle: list[Jobs] = []  # of the threads that wait for work
        self._closed = False

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What `work` returns or raises, once it has. Cancelling the future does not stop it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        future.add_done_callback(_heed)
        jobs = self._idle.pop() if self._idle else self._start()

        def tell(result: T | None, error: Exception | None) -> None:
            self._free(jobs)
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
            try:
                loop.call_soon_threadsafe(tell, result, problem)
            except RuntimeError:  # the loop is closed: nobody waits any more
                jobs.put(None)

        self._closed = False
        jobs.put(run)
        return future

    def close(self) -> None:
        """Let the threads end that have nothing to do, the others when they have done it."""
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)

    def _start(self) -> Jobs:
        jobs: Jobs = SimpleQueue()
        threading.Thread(target=_work, args=(jobs,), daemon=True, name="platypus-card").start()
        return jobs

    def _free(self, jobs: Jobs) -> None:
        if self._closed:
            jobs.put(None)
        else:
            self._idle.append(jobs)


def _work(jobs: Jobs) -> None:
    while (job := jobs.get()) is not None:
        job()


def _heed(future: asyncio.Future[T]) -> None:
    """An error that nobody waits for any more is none."""
    if not future.cancelled():
        future.exception()

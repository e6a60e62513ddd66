"""How events reach the embedder: callbacks at once, and iterators with a bounded queue each.

Nothing here knows what an event means. A reader that falls behind loses its own
oldest events and is told how many; nobody else notices.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TypeVar
from weakref import ref

from platypus.events import Event, EventsDropped

logger = logging.getLogger("platypus.engine")
T = TypeVar("T")

# A call makes some ten events: a reader may be a hundred calls behind.
QUEUE_LIMIT = 1024
FAULT = "%r raised; the phone goes on"


class EventStream(AsyncIterator[Event]):
    """One reader's events, from the moment it was made to the end of the engine."""

    def __init__(self) -> None:
        self._queue: deque[Event] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._dropped = 0
        self._closed = False

    def put(self, event: Event) -> None:
        if len(self._queue) >= QUEUE_LIMIT:
            self._queue.popleft()
            self._dropped += 1
        self._queue.append(event)
        self._wake()

    def close(self) -> None:
        """What is queued can still be read; then the iteration ends."""
        self._closed = True
        self._wake()

    async def __anext__(self) -> Event:
        while not self._queue:
            if self._closed:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._dropped:
            count, self._dropped = self._dropped, 0
            return EventsDropped(count)
        return self._queue.popleft()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Delivery:
    """Hands every event to each callback and each stream, in order."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Event], None]] = []
        self._streams: list[ref[EventStream]] = []  # a reader may just walk away
        self._closed = False

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return unsubscribe

    def stream(self) -> EventStream:
        stream = EventStream()
        self._streams.append(ref(stream, self._streams.remove))
        if self._closed:
            stream.close()
        return stream

    def publish(self, event: Event) -> None:
        if self._streams:
            for stream in self._living():
                stream.put(event)
        for callback in tuple(self._callbacks):
            try:  # as `guarded` does, ten times in a call
                callback(event)
            except Exception:
                logger.exception(FAULT, callback)

    def close(self) -> None:
        self._closed = True
        for stream in self._living():
            stream.close()

    def _living(self) -> list[EventStream]:
        return [stream for each in self._streams if (stream := each()) is not None]


def guarded(callback: Callable[[T], None], argument: T) -> None:
    """Call code of the embedder's: its error is logged and must not stop the phone."""
    try:
        callback(argument)
    except Exception:
        logger.exception(FAULT, callback)

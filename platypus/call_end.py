"""The end of a call is told when its recording is complete.

The media loop's writer flushes the file and sets the sizes in its header; whoever
opens it on `CallEnded` finds a whole WAV. Without a recording nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platypus.media.session import MediaSession

# Two frames and a write are enough; a disk that hangs must not keep the end from anybody.
FILE_WAIT = 0.3


class Ends:
    """Ends that wait for a file. `done` is called after each that had to."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._timers: dict[MediaSession, asyncio.TimerHandle] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._timers)

    def tell(
        self, stream: MediaSession, loop: asyncio.AbstractEventLoop, tell: Callable[[], None]
    ) -> None:
        """Call `tell` at once, or when the recordings of the closed `stream` are complete."""
        if not stream.writing:
            tell()
            return

        def written() -> None:
            self._timers.pop(stream).cancel()
            tell()
            self._done()

        stream.on_written = written
        self._timers[stream] = loop.call_later(FILE_WAIT, stream.stop_waiting)

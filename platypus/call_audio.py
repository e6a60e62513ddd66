"""Reading and writing a call's sound from Python.

Both meet the media loop at a ring of samples, so that a slow reader or writer
never holds it up. There is nothing to be woken by: a waiting reader looks again
after half a frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from platypus.errors import StateError

if TYPE_CHECKING:
    from platypus._media.ring import Ring
    from platypus.media.session import MediaSession

RATE = 8000
FRAME = 160  # samples of 20 ms
READ_SLACK = RATE  # a second: a garbage collection over a million objects takes 0.09
WRITE_SLACK = RATE // 5  # 200 ms of audio wait at most; more would be delay in a conversation
POLL = 0.01


class CallAudio:
    """The two rings of one call, made when first used."""

    def __init__(self, stream: MediaSession) -> None:
        self._stream = stream
        self._heard: Ring | None = None
        self._said: Ring | None = None

    def frames(self) -> AsyncIterator[bytes]:
        if self._heard is None:
            from platypus._media.endpoint import RingSink
            from platypus._media.ring import Ring

            self._heard = Ring(READ_SLACK)
            self._stream.set_sink(RingSink(self._heard, RATE))
        return self._read(self._heard)

    async def write(self, pcm: bytes | bytearray | memoryview) -> None:
        if self._said is None:
            from platypus._media.endpoint import RingSource
            from platypus._media.ring import Ring

            self._said = Ring(WRITE_SLACK)
            self._stream.set_source(RingSource(self._said, RATE))
        rest = memoryview(pcm).cast("B")
        if len(rest) % 2:
            raise ValueError("samples are 16 bits wide: an even number of bytes is needed")
        while True:
            rest = rest[2 * self._said.write(rest) :]
            if not rest:
                return
            if self._stream.closed:
                raise StateError("the call has ended; not everything was sent")
            await asyncio.sleep(POLL)

    async def _read(self, ring: Ring) -> AsyncIterator[bytes]:
        while True:
            while ring.available >= FRAME:
                yield ring.read(FRAME)
            if self._stream.closed:
                return
            await asyncio.sleep(POLL)

"""Reading and writing a call's sound from Python.

Both meet the media loop at a ring of samples, so that a slow reader or writer
never holds it up. There is nothing to be woken by: whoever waits looks again
after half a frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from platypus.errors import StateError

if TYPE_CHECKING:
    from platypus.call_media import CallMedia
    from platypus.media.endpoints import PcmReader, PcmWriter

POLL = 0.01


class CallAudio:
    """The two rings of one call, made when first used and when another rate is asked for."""

    def __init__(self, media: CallMedia) -> None:
        self._media = media
        self._reader: PcmReader | None = None
        self._writer: PcmWriter | None = None

    def frames(self, rate: int) -> AsyncIterator[bytes]:
        if self._reader is None or self._reader.rate != rate:
            from platypus.media.endpoints import PcmReader

            self._reader = PcmReader(rate)
        if self._media.stream.sink is not self._reader.sink:
            self._media.set_sink(self._reader.sink)
        return self._read(self._reader)

    async def write(self, pcm: bytes | bytearray | memoryview, rate: int) -> None:
        if self._writer is None or self._writer.rate != rate:
            from platypus.media.endpoints import PcmWriter

            self._writer = PcmWriter(rate)
        if self._media.stream.source is not self._writer.source:
            self._media.set_source(self._writer.source)
        rest = memoryview(pcm).cast("B")
        if len(rest) % 2:
            raise ValueError("samples are 16 bits wide: an even number of bytes is needed")
        writer = self._writer
        while rest := rest[2 * writer.write(rest) :]:
            await asyncio.sleep(POLL)
            if self._media.stream.closed:
                raise StateError("the call has ended; not everything was sent")

    async def _read(self, reader: PcmReader) -> AsyncIterator[bytes]:
        while True:
            closed = self._media.stream.closed  # what came before that is still to be read
            for frame in reader.frames():
                yield frame
            if closed:
                return
            await asyncio.sleep(POLL)

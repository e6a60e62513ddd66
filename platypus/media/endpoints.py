"""Sources and sinks for whoever stands above: samples in memory, and rings for Python.

A ring is where Python meets the media loop: neither ever waits for the other. What
does not fit is dropped and counted; what is missing is silence.
"""

from __future__ import annotations

from collections.abc import Iterator

from platypus._media.endpoint import BufferSource, RingSink, RingSource, Sink, Source
from platypus._media.ring import Ring

__all__ = ["BufferSource", "PcmReader", "PcmWriter", "Sink", "Source"]

RATE = 8000
FRAME = 160  # samples of 20 ms
READ_SLACK = RATE  # a second: a garbage collection over a million objects takes 0.09
WRITE_SLACK = RATE // 5  # 200 ms of audio wait at most; more would be delay in a conversation


class PcmReader:
    """What a stream plays, in frames: int16, mono, 160 samples at 8 kHz."""

    def __init__(self) -> None:
        self._ring = Ring(READ_SLACK)
        self.sink: Sink = RingSink(self._ring, RATE)

    def frames(self) -> Iterator[bytes]:
        """The whole frames that have come by now."""
        while self._ring.available >= FRAME:
            yield self._ring.read(FRAME)


class PcmWriter:
    """What a stream says: int16, mono, 8 kHz."""

    def __init__(self) -> None:
        self._ring = Ring(WRITE_SLACK)
        self.source: Source = RingSource(self._ring, RATE)

    def write(self, pcm: bytes | memoryview) -> int:
        """How many samples there was room for."""
        return self._ring.write(pcm)

    @property
    def waiting(self) -> int:
        """Samples that were not sent yet."""
        return self._ring.available

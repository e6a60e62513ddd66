"""Sources and sinks for whoever stands above: samples in memory, and rings for Python.

A ring is where Python meets the media loop: neither ever waits for the other. What
does not fit is dropped and counted; what is missing is silence.
"""

from __future__ import annotations

from collections.abc import Iterator

from platypus._media.endpoint import BufferSource, RingSink, RingSource, Sink, Source
from platypus._media.ring import Ring

__all__ = ["BufferSource", "PcmReader", "PcmWriter", "Sink", "Source"]

RATES = (8000, 16000, 24000, 32000, 48000)
READ_SLACK_S = 1  # a garbage collection over a million objects takes 0.09
WRITE_SLACK_MS = 200  # of audio wait at most; more would be delay in a conversation


class PcmReader:
    """What a stream plays, in frames of 20 ms: int16, mono, `rate` samples a second."""

    def __init__(self, rate: int) -> None:
        self.rate = _checked(rate)
        self._frame = rate // 50
        self._ring = Ring(READ_SLACK_S * rate)
        self.sink: Sink = RingSink(self._ring, rate)

    def frames(self) -> Iterator[bytes]:
        """The whole frames that have come by now."""
        while self._ring.available >= self._frame:
            yield self._ring.read(self._frame)


class PcmWriter:
    """What a stream says: int16, mono, `rate` samples a second."""

    def __init__(self, rate: int) -> None:
        self.rate = _checked(rate)
        self._ring = Ring(rate * WRITE_SLACK_MS // 1000)
        self.source: Source = RingSource(self._ring, rate)

    def write(self, pcm: bytes | memoryview) -> int:
        """How many samples there was room for."""
        return self._ring.write(pcm)

    @property
    def waiting(self) -> int:
        """Samples that were not sent yet."""
        return self._ring.available


def _checked(rate: int) -> int:
    if rate not in RATES:
        raise ValueError(f"a rate is {', '.join(map(str, RATES))} samples a second, not {rate}")
    return rate

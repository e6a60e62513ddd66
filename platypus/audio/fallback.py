"""PyAudio's own stream, where PortAudio's functions can't be reached from C.

Its callback is Python and waits for the GIL: milliseconds when other threads are busy. So its
buffers are deeper, and calls have that much more delay. The same rings and the same ends as the
native stream.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from platypus._media.endpoint import RingSink, RingSource
from platypus._media.ring import Ring

if TYPE_CHECKING:
    from platypus.audio.device import Device

PERIOD_MS = 20
# What the rings hold beside a callback's samples: callbacks were seen 50 ms late.
DEPTH = 3
RING_MS = 400
PA_INT16 = 8
PA_CONTINUE = 0


class FallbackStream:
    """One direction, mono int16, started at once. Raises OSError or ValueError as PyAudio does."""

    def __init__(self, pyaudio: Any, device: Device, rate: int, *, capture: bool) -> None:
        self.rate = rate
        self.period = rate * PERIOD_MS // 1000
        self._ring = Ring(rate * RING_MS // 1000)
        depth = DEPTH * self.period
        self.source = RingSource(self._ring, rate, card_period=depth) if capture else None
        self.sink = None if capture else RingSink(self._ring, rate, card_period=depth)
        self._callbacks = self._flagged = 0
        self._last: float | None = None
        self._stream = pyaudio.open(
            rate=rate,
            channels=1,
            format=PA_INT16,
            input=capture,
            output=not capture,
            input_device_index=device.number if capture else None,
            output_device_index=None if capture else device.number,
            frames_per_buffer=self.period,
            stream_callback=self._move,
        )

    def _move(
        self, captured: bytes | None, frames: int, _times: object, flags: int
    ) -> tuple[bytes | None, int]:
        # An exception here, or too few bytes, would end the stream without a word.
        self._last = time.monotonic()
        self._callbacks += 1
        self._flagged += bool(flags)
        if captured is not None:
            self._ring.write(captured)
            return None, PA_CONTINUE
        return self._ring.read(frames).ljust(2 * frames, b"\0"), PA_CONTINUE

    @property
    def active(self) -> bool:
        return self._stream is not None and bool(self._stream.is_active())

    @property
    def silent_ms(self) -> float | None:
        return None if self._last is None else (time.monotonic() - self._last) * 1000

    def statistics(self) -> dict[str, int]:
        capture = self.source is not None
        return {
            "callbacks": self._callbacks,
            "flagged": self._flagged,
            "captured": self._ring.available if capture else 0,
            "capture_overruns": self._ring.overruns if capture else 0,
            "playing": 0 if capture else self._ring.available,
            "playout_underruns": 0 if capture else self._ring.underruns,
        }

    def close(self) -> None:
        """Idempotent."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

"""PyAudio's own stream, where PortAudio's functions can't be reached from C.

Its callback is Python and waits for the GIL: milliseconds when other threads are busy. So its
buffers are deeper, and calls have that much more delay. The same rings and the same ends as the
native stream.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from platypus._media.endpoint import RingSink, RingSource
from platypus._media.overlay import Overlay
from platypus._media.ring import Ring

if TYPE_CHECKING:
    from platypus.audio.device import SoundDevice

PERIOD_MS = 20
# What the rings hold beside a callback's samples: callbacks were seen 50 ms late.
DEPTH = 3
RING_MS = 400
PA_INT16 = 8
PA_CONTINUE = 0


class FallbackStream:
    """One direction, mono int16, started at once. Raises OSError or ValueError as PyAudio does."""

    def __init__(self, pyaudio: Any, device: SoundDevice, rate: int, *, capture: bool) -> None:
        self.rate = rate
        self.period = rate * PERIOD_MS // 1000
        self.overlay = Overlay(rate)
        self._ring = Ring(rate * RING_MS // 1000)
        depth = DEPTH * self.period
        self._end: RingSource | RingSink
        if capture:
            self._end = RingSource(self._ring, rate, card_period=depth)
        else:
            self._end = RingSink(self._ring, rate, card_period=depth)
        self._callbacks = self._flagged = self._gaps = 0
        self._played_whole = False
        self._longest = 0.0
        self._last = time.monotonic()
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
        self._tell_time(flags)
        if captured is not None:
            said = bytearray(captured)
            self.overlay.apply(said)
            self._ring.write(said)
            return None, PA_CONTINUE
        heard = bytearray(self._ring.read(frames))
        whole = len(heard) == 2 * frames
        self._gaps += self._played_whole and not whole
        self._played_whole = whole
        heard.extend(bytes(2 * frames - len(heard)))
        self.overlay.apply(heard)
        return bytes(heard), PA_CONTINUE

    def _tell_time(self, flags: int) -> None:
        now = time.monotonic()
        if self._callbacks:
            self._longest = max(self._longest, now - self._last)
        self._last = now
        self._end.called(int(now * 1e6))
        self._callbacks += 1
        self._flagged += bool(flags)

    @property
    def source(self) -> RingSource | None:
        return self._end if isinstance(self._end, RingSource) else None

    @property
    def sink(self) -> RingSink | None:
        return self._end if isinstance(self._end, RingSink) else None

    @property
    def active(self) -> bool:
        return self._stream is not None and bool(self._stream.is_active())

    @property
    def called(self) -> bool:
        return self._callbacks > 0

    @property
    def silent_ms(self) -> float:
        return (time.monotonic() - self._last) * 1000

    def read(self, samples: int) -> bytes:
        return self._ring.read(min(samples, self._ring.available))

    def statistics(self) -> dict[str, int]:
        capture = self.source is not None
        return {
            "callbacks": self._callbacks,
            "flagged": self._flagged,
            "gaps": self._gaps,
            "longest_us": round(self._longest * 1e6),
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

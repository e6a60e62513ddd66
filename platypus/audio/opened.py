"""A stream of PortAudio, with whose callback ever, and what becomes of one that will not close."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from platypus._media.device import NativeStream
from platypus.audio.fallback import FallbackStream

if TYPE_CHECKING:
    from platypus._media.endpoint import RingSink, RingSource
    from platypus._media.overlay import Overlay

AnyStream: TypeAlias = NativeStream | FallbackStream
CLOSE_S = 1.0
PROMPT_S = 0.1  # where nothing is wrong it takes a few milliseconds


class PortAudioStream:
    """A device, open and running: one user of PortAudio until it is closed."""

    def __init__(self, stream: AnyStream, release: Callable[[], None]) -> None:
        self._stream, self._release = stream, release
        self._closed = False

    @property
    def source(self) -> RingSource | None:
        return self._stream.source

    @property
    def sink(self) -> RingSink | None:
        return self._stream.sink

    @property
    def overlay(self) -> Overlay:
        return self._stream.overlay

    @property
    def rate(self) -> int:
        return self._stream.rate

    @property
    def native(self) -> bool:
        """Whether its callback is in C."""
        return isinstance(self._stream, NativeStream)

    @property
    def active(self) -> bool:
        return not self._closed and self._stream.active

    @property
    def called(self) -> bool:
        return self._stream.called

    @property
    def silent_ms(self) -> float | None:
        return self._stream.silent_ms

    def read(self, samples: int) -> bytes:
        return self._stream.read(samples)

    def statistics(self) -> dict[str, int]:
        return self._stream.statistics()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        closing = threading.Thread(target=self._close, daemon=True, name="platypus-card-close")
        closing.start()
        closing.join(PROMPT_S)
        if closing.is_alive() and isinstance(self._stream, NativeStream):
            self._stream.end_thread()
        # A sound server that hangs keeps its stream, our memory and PortAudio with it.
        closing.join(CLOSE_S - 2 * PROMPT_S)

    def _close(self) -> None:
        try:
            self._stream.close()
        except OSError:
            return  # PortAudio may still use it: its user stays counted
        self._release()

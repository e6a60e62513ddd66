"""The sound card: a callback in C between PortAudio's thread and two PCM rings."""

from collections.abc import Mapping

from platypus._media.endpoint import RingSink, RingSource
from platypus._media.overlay import Overlay

def quiet_handler() -> int:
    """The address of a C function that does nothing, for error handlers of C libraries."""

def ask_scheduling(thread: int) -> bool:
    """For another thread of this process, by the system's number; whether it got any."""

class NativeStream:
    """A stream of mono int16 at `rate`, with `period` samples a callback."""

    def __init__(
        self,
        functions: Mapping[str, int],
        *,
        capture: tuple[int, float] | None,
        playout: tuple[int, float] | None,
        rate: int,
        period: int,
        name: bytes | None = None,
    ) -> None:
        """`functions`: the addresses of Pa_OpenStream, Pa_StartStream, Pa_AbortStream,
        Pa_CloseStream and Pa_IsStreamActive. `capture` and `playout` are a device's number and
        the latency to ask for in seconds. With `name` the device is ALSA's of that name
        (`pulse:SINK`) whatever its number. OSError with PortAudio's number when it can't.
        """

    @property
    def source(self) -> RingSource | None: ...
    @property
    def sink(self) -> RingSink | None: ...
    @property
    def overlay(self) -> Overlay:
        """Of what is played, or of what is captured where nothing is."""

    @property
    def said(self) -> Overlay | None:
        """Over what is captured."""

    @property
    def heard(self) -> Overlay | None:
        """Over what is played."""

    @property
    def rate(self) -> int: ...
    @property
    def period(self) -> int: ...
    def start(self) -> None: ...
    def close(self) -> None:
        """Stop and close it; blocks as long as PortAudio does. Idempotent."""

    def end_thread(self) -> bool:
        """While `close` waits in another thread: end PortAudio's where it goes round for ever.

        Whether it did; takes a few times 10 ms to know.
        """

    @property
    def active(self) -> bool:
        """PortAudio says so, and its thread does not go round for ever: true for a card that is
        suspended, too. Watch `silent_ms`."""

    @property
    def silent_ms(self) -> float | None:
        """Since the last callback, or the start; None before that."""

    @property
    def called(self) -> bool:
        """Whether a callback has come."""

    def read(self, samples: int) -> bytes:
        """Up to so many of the captured samples; only while no leg has the source."""

    def statistics(self) -> dict[str, int]:
        """`callbacks`, `flagged` (after a loss), `gaps` (the playout ring ran dry), `longest_us`
        (between two callbacks), `captured` and `playing` (samples that wait),
        `capture_overruns` and `playout_underruns` (samples lost)."""

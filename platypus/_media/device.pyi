"""The sound card: a callback in C between PortAudio's thread and two PCM rings."""

from collections.abc import Mapping

from platypus._media.endpoint import RingSink, RingSource

def quiet_handler() -> int:
    """The address of a C function that does nothing, for error handlers of C libraries."""

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
    ) -> None:
        """`functions`: the addresses of Pa_OpenStream, Pa_StartStream, Pa_AbortStream,
        Pa_CloseStream and Pa_IsStreamActive. `capture` and `playout` are a device's number and
        the latency to ask for in seconds. OSError with PortAudio's number when it can't.
        """

    @property
    def source(self) -> RingSource | None: ...
    @property
    def sink(self) -> RingSink | None: ...
    @property
    def rate(self) -> int: ...
    @property
    def period(self) -> int: ...
    def start(self) -> None: ...
    def close(self) -> None:
        """Stop and close it; blocks as long as PortAudio does. Idempotent."""

    @property
    def active(self) -> bool:
        """PortAudio says so: true for a card that is suspended, too. Watch `silent_ms`."""

    @property
    def silent_ms(self) -> float | None:
        """Since the last callback; None before the first."""

    def statistics(self) -> dict[str, int]:
        """`callbacks`, `flagged` (after a loss), `captured` and `playing` (samples that wait),
        `capture_overruns` and `playout_underruns` (samples lost)."""

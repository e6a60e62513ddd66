"""Where a leg's audio comes from, and where it goes."""

from collections.abc import Sequence

from platypus._media.canceller import Canceller
from platypus._media.ring import Ring

class Source:
    """Something a leg hears from. Drives one leg at a time."""

    @property
    def rate(self) -> int:
        """Its sampling rate; 0 when it takes the leg's. The leg resamples."""

class Sink:
    """Something that takes what a leg plays. Serves one leg at a time."""

    @property
    def rate(self) -> int: ...

class SilenceSource(Source):
    def __init__(self) -> None: ...

class ToneSource(Source):
    """A sum of sines, with an optional cadence that repeats."""

    def __init__(
        self,
        tones: Sequence[tuple[float, float]],
        cadence_ms: Sequence[int] = (),
    ) -> None:
        """`tones` are up to 4 (frequency in Hz, amplitude 0 to 32767).

        `cadence_ms` alternates on and off, at most 8 entries; empty means steady.
        """

class BufferSource(Source):
    """Samples held in memory (a WAV file): played from the first when the leg takes it.

    After the last sample there is silence and the leg tells "source-ended"; with `loop` it
    begins again, without a gap. At the leg's own rate every sample arrives bit by bit.
    """

    def __init__(
        self, pcm: bytes | bytearray | memoryview, rate: int, *, loop: bool = False
    ) -> None:
        """`pcm` is int16, mono, native byte order. It is not copied and must not change."""

class RingSource(Source):
    """Frames that somebody else writes: Python, or a sound card. Silence when it runs dry."""

    def __init__(self, ring: Ring, rate: int, *, card_period: int = 0) -> None:
        """`card_period` (samples a device callback) marks a sound card.

        Its leg is then served every 10 ms, and the card's drift against the media clock is
        taken up by holding the ring's level.
        """

    def called(self, now_us: int) -> None:
        """The card's callback has come: for one that is Python's, or simulated.

        `now_us` is CLOCK_MONOTONIC. With it the ring's level can be told between callbacks.
        """

    def cancel_echo(self, canceller: Canceller) -> None:
        """Clean what is captured of what its leg plays. Once, before it is given to a leg."""

class EchoSource(Source):
    """What the leg itself plays, sent back."""

    def __init__(self) -> None: ...

class RingSink(Sink):
    """Frames for somebody else to read. What does not fit is dropped and counted."""

    def __init__(self, ring: Ring, rate: int, *, card_period: int = 0) -> None:
        """`card_period` as for RingSource; the ring is held at one period plus 5 ms."""

    def called(self, now_us: int) -> None: ...

class NullSink(Sink):
    def __init__(self) -> None: ...

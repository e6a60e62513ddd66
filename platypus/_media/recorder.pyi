"""Recordings of a leg: what it plays (mono), or both sides (stereo: left sent, right played)."""

from array import array

class Writer:
    def close(self) -> None: ...

class Recording:
    def __init__(
        self, writer: Writer, fd: int, leg_rate: int, rate: int, *, stereo: bool = False
    ) -> None: ...
    def feed(self, frame: array[int]) -> None:
        """Up to 20 ms of int16 samples at the leg's rate."""

    def feed_both(self, sent: array[int], played: array[int]) -> None:
        """Up to 20 ms of each side, as many samples of one as of the other."""

    def finish(self) -> None: ...
    @property
    def done(self) -> bool:
        """The file is complete and closed."""

    @property
    def failed(self) -> bool:
        """The file took no more: a full disk, or a closed pipe."""

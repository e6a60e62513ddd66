"""The recording of what a leg plays: mono 16-bit WAV, frame by frame as it plays."""

from array import array

class Writer:
    def close(self) -> None: ...

class Recording:
    def __init__(self, writer: Writer, fd: int, leg_rate: int, rate: int) -> None: ...
    def feed(self, frame: array[int]) -> None:
        """Up to 20 ms of int16 samples at the leg's rate."""

    def finish(self) -> None: ...
    @property
    def done(self) -> bool:
        """The file is complete and closed."""

    @property
    def failed(self) -> bool:
        """The file took no more: a full disk, or a closed pipe."""

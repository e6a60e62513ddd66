"""A sink as one leg plays to it."""

from array import array

from platypus._media.endpoint import Sink

class Outlet:
    """An outlet from Python, for tests and measurements in virtual time."""

    def __init__(self, sink: Sink, rate: int) -> None: ...
    def push(self, samples: array[int], now_ns: int) -> None:
        """Play these int16 samples, at this time."""

    @property
    def overruns(self) -> int:
        """Samples that were dropped."""

"""A sound card is a slave behind a ring: its clock's drift is taken up by resampling."""

from array import array

class Drift:
    def __init__(self, rate: int, target: float) -> None:
        """`target` is the level to hold, in samples."""

    def measure(self, level: float, seconds: float) -> float:
        """The level now, `seconds` after the last; how many samples to take for one given."""

    def skip(self, samples: array[int]) -> int:
        """Leave some out, in place, if the level is far too high: how many are left."""

    def resample(self, ratio: float, samples: array[int]) -> bytes:
        """int16 samples in and out, taking `ratio` samples for one given."""

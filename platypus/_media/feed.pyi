"""A source as one leg hears it."""

from platypus._media.endpoint import Source

class Feed:
    """A feed from Python, for tests and measurements in virtual time."""

    def __init__(self, source: Source, rate: int) -> None: ...
    def pull(self, samples: int, now_ns: int) -> bytes:
        """The next samples, at this time."""

    @property
    def underruns(self) -> int:
        """How often, or how many samples, there was not enough."""

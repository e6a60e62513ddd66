"""What a card's callback does to its samples: a gain, a tune on top, and how loud it was."""

class Overlay:
    """Of one direction of one card: Python asks, the card's thread does."""

    def __init__(self, rate: int) -> None: ...
    def play(self, pcm: bytes, *, loop: bool = False) -> bool:
        """Play these int16 samples over everything, instead of what plays.

        False when the card has not taken up the last three yet: it stands still.
        """

    def stop(self) -> bool:
        """Let what plays fade at once."""

    @property
    def playing(self) -> bool:
        """Whether a tune is heard, or about to be."""

    @property
    def gain(self) -> float:
        """1 is as it is, 0 silence, at most 8; of a tune as well."""

    @gain.setter
    def gain(self, value: float) -> None: ...
    @property
    def level(self) -> float:
        """The peak of the last 100 ms as a fraction of full scale."""

    def apply(self, pcm: bytearray) -> None:
        """Shape these samples in place: for a card whose callback is Python's."""

from collections.abc import Sequence
from typing import Self

from typing_extensions import disjoint_base

FULL_SCALE_DBM0: float
DTMF_ROWS: tuple[float, ...]
DTMF_COLUMNS: tuple[float, ...]
DTMF_KEYS: str

def amplitude_of(dbm0: float) -> float: ...
def dtmf_frequencies(key: str) -> tuple[float, float]: ...

@disjoint_base
class Tone:
    def __new__(
        cls, tones: Sequence[tuple[float, float]], rate: int, *, cadence_ms: Sequence[int] = ()
    ) -> Self: ...
    @staticmethod
    def dtmf(key: str, rate: int, *, dbm0: float = -9.0) -> Tone: ...
    @staticmethod
    def reference(rate: int) -> Tone: ...
    def read(self, samples: int) -> bytes: ...

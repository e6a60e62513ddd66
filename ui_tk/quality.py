"""What a call sounded like in the last minute, and in which words that is said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields
from typing import Literal

from ui_tk.messages import QualityMeasured

Tone = Literal["good", "busy", "bad", "plain"]

POINTS = 60  # of a graph
INTERVAL_S = 0.5  # between two points

# ITU-T G.107, table B.1 and what G.711 can reach: from satisfied to nearly all dissatisfied.
GOOD_MOS, FAIR_MOS = 4.0, 3.1


def _row() -> deque[float | None]:
    return deque(maxlen=POINTS)


@dataclass(slots=True)
class Quality:
    """The figures of one call, the newest last."""

    mos: deque[float | None] = field(default_factory=_row)
    delay_ms: deque[float | None] = field(default_factory=_row)
    loss_heard: deque[float | None] = field(default_factory=_row)
    loss_sent: deque[float | None] = field(default_factory=_row)
    jitter_heard_ms: deque[float | None] = field(default_factory=_row)
    jitter_sent_ms: deque[float | None] = field(default_factory=_row)
    version: int = 0  # counts, so that who draws sees that there is more

    def add(self, measured: QualityMeasured) -> None:
        for each in fields(measured):
            if each.name != "call":
                getattr(self, each.name).append(getattr(measured, each.name))
        self.version += 1

    @property
    def tone(self) -> Tone:
        return mos_tone(last(self.mos))


def last(row: deque[float | None]) -> float | None:
    return row[-1] if row else None


def mos_tone(mos: float | None) -> Tone:
    if mos is None:
        return "plain"
    return "good" if mos >= GOOD_MOS else "busy" if mos >= FAIR_MOS else "bad"


def figure(value: float | None, unit: str = "", digits: int = 0) -> str:
    """`12 ms`; a dash for what was not measured."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash, not a minus
    text = f"{value:.{digits}f}"
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text

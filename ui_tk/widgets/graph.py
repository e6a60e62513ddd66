"""A small moving graph: what one figure did in the last minute, for both directions.

Drawn as steps, a pixel-exact shape that needs no anti-aliasing: the far side's values as
an area, ours as a line over it. A value that was not measured leaves a gap, never a guess.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Sequence
from dataclasses import dataclass

from ui_tk.theme import Theme

WIDTH, HEIGHT = 112, 40
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Scale:
    """What stands at the foot and the top of a graph; the top grows with the values."""

    low: float
    high: float

    def share(self, value: float) -> float:
        return max(0.0, min(1.0, (value - self.low) / (self.high - self.low)))

    def for_values(self, *rows: Values) -> Scale:
        most = max((value for row in rows for value in row if value is not None), default=self.high)
        return Scale(self.low, max(self.high, most))


class Graph:
    """One graph on somebody's canvas, `move`d to its place and `show`n its values."""

    def __init__(self, canvas: tk.Canvas, theme: Theme, scale: Scale, points: int) -> None:
        self._canvas, self._theme, self._scale, self._points = canvas, theme, scale, points
        p = theme.palette
        self._left, self._top = 0, 0
        self._width, self._height = theme.px(WIDTH), theme.px(HEIGHT)
        self._base = canvas.create_line(0, 0, 0, 0, fill=p.border)
        self._area = canvas.create_polygon(0, 0, 0, 0, fill=p.accent, outline="")
        self._line = canvas.create_line(0, 0, 0, 0, fill=p.good_text, width=theme.px(1.5))
        self._values: tuple[tuple[float | None, ...], tuple[float | None, ...]] = ((), ())

    @property
    def items(self) -> tuple[int, int, int]:
        return (self._base, self._area, self._line)

    def move(self, left: int, top: int, width: int, height: int) -> None:
        self._left, self._top, self._width, self._height = left, top, width, height
        foot = top + height
        self._canvas.coords(self._base, left, foot, left + width, foot)
        self._draw()

    def show(self, area: Values, line: Values) -> None:
        """The newest value last; at most as many as there are points are drawn."""
        values = tuple(area[-self._points :]), tuple(line[-self._points :])
        if values != self._values:
            self._values = values
            self._draw()

    def _draw(self) -> None:
        area, line = self._values
        scale = self._scale.for_values(area, line)
        foot = self._top + self._height
        points = [coordinate for x, y in self._steps(area, scale) for coordinate in (x, y)]
        if points:
            points = [points[0], foot, *points, points[-2], foot]
        self._canvas.coords(self._area, *(points or (0, 0, 0, 0)))
        over = [coordinate for x, y in self._steps(line, scale) for coordinate in (x, y)]
        self._canvas.coords(self._line, *(over or (-9, -9, -9, -9)))

    def _steps(self, values: Values, scale: Scale) -> list[tuple[float, float]]:
        if all(value is None for value in values):
            return []
        step = self._width / self._points
        start = self._left + self._width - len(values) * step
        foot = self._top + self._height
        found: list[tuple[float, float]] = []
        for at, value in enumerate(values):
            if value is None:
                if not found:
                    continue
                y = float(foot)
            else:
                y = foot - max(1, round(scale.share(value) * self._height))
            found += [(start + at * step, y), (start + (at + 1) * step, y)]
        return found

"""How loud it is, on somebody's canvas: logarithmic as the ear."""

from __future__ import annotations

import tkinter as tk
from math import log10

from ui_tk.theme import Theme

HEIGHT = 5


class Meter:
    """Full at full scale, empty 60 dB below; red where the next step would clip."""

    def __init__(self, canvas: tk.Canvas, theme: Theme) -> None:
        p = theme.palette
        self._canvas, self._good, self._bad = canvas, p.good_text, p.bad_text
        self._ground = canvas.create_rectangle(0, 0, 0, 0, fill=p.key_down, width=0)
        self._bar = canvas.create_rectangle(0, 0, 0, 0, fill=p.good_text, width=0)
        self._left = self._top = self._width = 0
        self._height = theme.px(HEIGHT)
        self._shown = -1

    def move(self, left: int, top: int, width: int) -> None:
        self._left, self._top, self._width, self._shown = left, top, width, -1
        self._canvas.coords(self._ground, left, top, left + width, top + self._height)

    def show(self, level: float | None) -> None:
        length = round(self._width * loudness(level))
        if length == self._shown:
            return
        self._shown = length
        left, top = self._left, self._top
        self._canvas.coords(self._bar, left, top, left + length, top + self._height)
        self._canvas.itemconfigure(self._bar, fill=self._bad if (level or 0) > 0.98 else self._good)


def loudness(level: float | None) -> float:
    """Where a peak from 0 to 1 stands on a scale of 60 dB, from 0 to 1."""
    if level is None or level <= 0.001:
        return 0.0
    return min(1.0, 1 + log10(level) / 3)

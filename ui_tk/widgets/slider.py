"""A slider for a share in per cent: a track, a knob, and the number beside it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui_tk.shapes import rounded_png
from ui_tk.theme import Theme

HEIGHT, TRACK, KNOB, NUMBER = 34, 6, 18, 56
STEP = 5


class Slider(tk.Canvas):
    """From 0 to `most`. Left and Right move it by five, Home and End to its ends."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        value: int,
        most: int,
        changed: Callable[[int], object],
        let_go: Callable[[], object] = lambda: None,
    ) -> None:
        p, px = theme.palette, theme.px
        super().__init__(
            parent, height=px(HEIGHT), width=1, background=p.panel, highlightthickness=0,
            borderwidth=0, takefocus=True, cursor="hand2",
        )  # fmt: skip
        self._theme, self.value, self._most = theme, max(0, min(most, value)), most
        self._changed, self._let_go = changed, let_go
        self._focused = False
        self._track, self._done = self.create_image(0, 0), self.create_image(0, 0)
        self._knob = self.create_image(0, 0)
        self._number = self.create_text(0, 0, anchor="e", fill=p.dim, font=theme.font(12))
        self.bind("<Configure>", lambda _: self._draw())
        for event in ("<Button-1>", "<B1-Motion>"):
            self.bind(event, lambda e: self._to(self._value_at(e.x)))
        self.bind("<ButtonRelease-1>", lambda _: self._let_go())
        self.bind("<FocusIn>", lambda _: self._focus(True))
        self.bind("<FocusOut>", lambda _: self._focus(False))
        keys = {"<Left>": -STEP, "<Down>": -STEP, "<Right>": STEP, "<Up>": STEP}
        for key, by in {**keys, "<Home>": -most, "<End>": most}.items():
            self.bind(key, lambda _, by=by: self._step(by))  # type: ignore[misc]

    def _step(self, by: int) -> str:
        self._to(self.value + by)
        self._let_go()
        return "break"

    def _to(self, value: int) -> None:
        self.focus_set()
        value = max(0, min(self._most, value))
        if value != self.value:
            self.value = value
            self._draw()
            self._changed(value)

    def _focus(self, on: bool) -> None:
        self._focused = on
        self._draw()

    @property
    def _long(self) -> int:
        """How far the knob travels, in screen pixels."""
        return max(1, self.winfo_width() - self._theme.px(NUMBER + KNOB))

    def _value_at(self, x: int) -> int:
        return round((x - self._theme.px(KNOB) / 2) / self._long * self._most)

    def _draw(self) -> None:
        theme, p, px = self._theme, self._theme.palette, self._theme.px
        middle, half = px(HEIGHT) // 2, px(KNOB) // 2
        at = half + round(self._long * self.value / self._most)
        whole = theme.shape(self._long + 2 * half, px(TRACK), px(TRACK) // 2, p.key_down)
        self.itemconfigure(self._track, image=whole)
        self.coords(self._track, half + self._long / 2, middle)
        done = tk.PhotoImage(master=self, data=rounded_png(at, px(TRACK), px(TRACK) // 2, p.accent))
        self._image = done  # Tk keeps no image that nobody holds; the theme would keep them all
        self.itemconfigure(self._done, image=done)
        self.coords(self._done, at / 2, middle)
        outline = p.focus if self._focused else p.panel
        knob = theme.shape(px(KNOB), px(KNOB), half, p.accent, outline)
        self.itemconfigure(self._knob, image=knob)
        self.coords(self._knob, at, middle)
        self.itemconfigure(self._number, text=f"{self.value}\N{NO-BREAK SPACE}%")
        self.coords(self._number, self.winfo_width() - px(2), middle)

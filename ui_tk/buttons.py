"""Buttons drawn on a canvas: round or pill-shaped, with an icon, a text, or both.

They work from the keyboard like any button: Tab reaches them and shows a ring,
Space and Return press them.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass

from ui_tk.theme import Theme

FLASH_MS = 110  # how long a key pressed on the keyboard looks pressed


@dataclass(frozen=True, slots=True)
class Colours:
    """What a button looks like at rest, under the pointer, and pressed."""

    rest: str
    over: str
    down: str


@dataclass(frozen=True, slots=True)
class Look:
    """What buttons have in common; sizes in design pixels. The ends are fully rounded."""

    width: float
    height: float
    colours: Colours
    ground: str
    text_size: float = 14
    icon_size: float = 20
    focusable: bool = True


class Button(tk.Canvas):
    """Shows `text`, `icon` or both, with `below` in small letters; a press runs `command`."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        command: Callable[[], None],
        look: Look,
        *,
        text: str = "",
        below: str = "",
        icon: str = "",
    ) -> None:
        self._theme, self._command, self._colours = theme, command, look.colours
        self._width, self._height = theme.px(look.width), theme.px(look.height)
        self._over = self._down = self._enabled = False
        super().__init__(
            parent,
            width=self._width,
            height=self._height,
            background=look.ground,
            highlightthickness=0,
            borderwidth=0,
            takefocus=look.focusable,
            cursor="hand2",
        )
        middle = self._width / 2, self._height / 2
        self._shape = self.create_image(*middle)
        self._icon = self.create_image(*middle)
        self._text = self.create_text(*middle, fill=theme.palette.text)
        self._below = self.create_text(
            middle[0], middle[1] + theme.px(20), fill=theme.palette.dim, font=theme.font(9, "bold")
        )
        self.itemconfigure(self._text, font=theme.font(look.text_size))
        self._icon_size = look.icon_size
        self.show(text=text, icon=icon, below=below)
        self.set_enabled(True)
        self._listen()

    def show(
        self, *, text: str = "", icon: str = "", below: str = "", colours: Colours | None = None
    ) -> None:
        """What stands on it. An icon beside a text stands to its left."""
        if colours is not None:
            self._colours = colours
        self.itemconfigure(self._text, text=text)
        self.itemconfigure(self._below, text=below)
        image = self._theme.icon(icon, self._icon_size) if icon else ""
        self.itemconfigure(self._icon, image=image)
        middle, half = self._width / 2, self._height / 2
        lift = self._theme.px(6) if below else 0
        shift = self._theme.px(self._icon_size * 0.7) if text and icon else 0
        self.coords(self._text, middle + shift * 0.7, half - lift)
        box = self.bbox(self._text) if text and icon else None
        left = (box[0] - self._theme.px(self._icon_size * 0.65)) if box else middle
        self.coords(self._icon, left, half)
        self._draw()

    def set_enabled(self, on: bool) -> None:
        if on != self._enabled:
            self._enabled = on
            self.itemconfigure(
                self._text, fill=self._theme.palette.text if on else self._theme.palette.dim
            )
            self.configure(cursor="hand2" if on else "arrow")
            self._draw()

    def flash(self) -> None:
        """Look pressed for a moment."""
        self._set(down=True)
        self.after(FLASH_MS, self._release)

    def _press(self) -> None:
        self.flash()
        if self._enabled:
            self._command()

    def _listen(self) -> None:
        self.bind("<Enter>", lambda _: self._set(over=True))
        self.bind("<Leave>", lambda _: self._set(over=False, down=False))
        self.bind("<ButtonPress-1>", lambda _: self._set(down=True))
        self.bind("<ButtonRelease-1>", self._on_release)
        self.bind("<FocusIn>", lambda _: self._draw())
        self.bind("<FocusOut>", lambda _: self._draw())
        for key in ("<space>", "<Return>", "<KP_Enter>"):
            self.bind(key, self._on_key)

    def _on_key(self, _: tk.Event[tk.Misc]) -> str:
        self._press()
        return "break"  # the window's own meaning of Return must not follow

    def _on_release(self, _: tk.Event[tk.Misc]) -> None:
        pressed = self._down and self._over
        self._set(down=False)
        if pressed and self._enabled:
            self._command()

    def _release(self) -> None:
        if self.winfo_exists():
            self._set(down=False)

    def _set(self, *, over: bool | None = None, down: bool | None = None) -> None:
        self._over = self._over if over is None else over
        self._down = self._down if down is None else down
        self._draw()

    def _draw(self) -> None:
        colours = self._colours
        colour = colours.down if self._down else colours.over if self._over else colours.rest
        if not self._enabled:
            colour = self._theme.palette.key
        focused = self.winfo_ismapped() and self.focus_get() is self
        outline = self._theme.palette.focus if focused else None
        radius = min(self._width, self._height) // 2
        image = self._theme.shape(self._width, self._height, radius, colour, outline)
        self.itemconfigure(self._shape, image=image)


def plain(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.key, p.key_over, p.key_down)


def good(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.good, p.good_over, p.good)


def bad(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.bad, p.bad_over, p.bad)


def lit(theme: Theme) -> Colours:
    """A switch that is on."""
    p = theme.palette
    return Colours(p.key_down, p.key_over, p.key)

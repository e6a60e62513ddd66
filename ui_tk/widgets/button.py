"""Buttons drawn on a canvas: round or pill-shaped, with an icon, a text, or both.

They work from the keyboard like any button: Tab reaches them and shows a ring,
Space and Return press them.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass

from ui_tk.theme import Theme
from ui_tk.widgets.label import has_focus

FLASH_MS = 110  # how long a key pressed on the keyboard looks pressed
PADDING = 16  # beside the text of a button that is as wide as its text


@dataclass(frozen=True, slots=True)
class Colours:
    """What a button looks like at rest, under the pointer, and pressed; and what stands on it."""

    rest: str
    over: str
    down: str
    ink: str


@dataclass(frozen=True, slots=True)
class Look:
    """What buttons have in common; sizes in design pixels. A width of 0 fits the text."""

    width: float
    height: float
    colours: Colours
    ground: str
    text_size: float = 14
    icon_size: float = 20
    focusable: bool = True
    radius: float | None = None  # None: fully rounded ends
    left: bool = False  # what stands on it begins at the left, as in a list


class Button(tk.Canvas):
    """Shows `text`, `icon` or both, with `below` in small letters; a press runs `command`."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        command: Callable[[], object],
        look: Look,
        *,
        text: str = "",
        below: str = "",
        icon: str = "",
    ) -> None:
        self._theme, self._command, self._colours, self._look = theme, command, look.colours, look
        self._width, self._height = theme.px(look.width), theme.px(look.height)
        self._over = self._down = self._enabled = False
        self._face: tuple[str, str, str] = ("", "", "")
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
        self._shape = self.create_image(0, 0)
        self._icon = self.create_image(0, 0)
        self._text = self.create_text(0, 0, font=theme.font(look.text_size))
        self._below = self.create_text(0, 0, font=theme.font(9, "bold"), fill=theme.palette.dim)
        self._enabled = True
        self.show(text=text, icon=icon, below=below)
        self._listen()

    def show(
        self, *, text: str = "", icon: str = "", below: str = "", colours: Colours | None = None
    ) -> None:
        """What stands on it. An icon beside a text stands to its left."""
        look = self._look
        if colours is not None:
            self._colours = colours
        self._face = (text, icon, below)
        if not look.width:
            wide = self._theme.measure(text, look.text_size) + 2 * self._theme.px(PADDING)
            self._width = wide + (self._theme.px(look.icon_size + 8) if icon else 0)
            self.configure(width=self._width)
        self._place()
        self._draw()

    def set_enabled(self, on: bool) -> None:
        if on != self._enabled:
            self._enabled = on
            self.configure(cursor="hand2" if on else "arrow")
            self._draw()

    @property
    def enabled(self) -> bool:
        return self._enabled

    def flash(self) -> None:
        """Look pressed for a moment."""
        self._set(down=True)
        self.after(FLASH_MS, self._release)

    def press(self) -> None:
        self.flash()
        if self._enabled:
            self._command()

    def _place(self) -> None:
        text, icon, below = self._face
        theme, size = self._theme, self._look.icon_size
        middle, half = self._width / 2, self._height / 2
        self.coords(self._shape, middle, half)
        self.itemconfigure(self._text, text=text)
        self.itemconfigure(self._below, text=below)
        lift = theme.px(7) if below else 0
        if self._look.left:
            self._place_left(half)
            return
        shift = theme.px(size + 8) / 2 if text and icon else 0
        self.coords(self._text, middle + shift, half - lift)
        self.coords(self._below, middle, half + theme.px(17))
        wide = theme.measure(text, self._look.text_size) if text and icon else 0
        self.coords(self._icon, middle - (wide + theme.px(8)) / 2 if wide else middle, half)

    def _place_left(self, half: float) -> None:
        px, size = self._theme.px, self._look.icon_size
        self.coords(self._icon, px(14 + size / 2), half)
        self.itemconfigure(self._text, anchor="w")
        self.coords(self._text, px(14 + size + 12), half)

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
        self.press()
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
        colours, theme = self._colours, self._theme
        colour = colours.down if self._down else colours.over if self._over else colours.rest
        ink = colours.ink
        if not self._enabled:
            colour, ink = theme.palette.key, theme.palette.dim
        focused = bool(self.winfo_ismapped()) and has_focus(self)
        outline = theme.palette.focus if focused else None
        most = min(self._width, self._height) // 2
        radius = most if self._look.radius is None else min(most, theme.px(self._look.radius))
        image = theme.shape(self._width, self._height, radius, colour, outline)
        self.itemconfigure(self._shape, image=image)
        self.itemconfigure(self._text, fill=ink)
        icon = self._face[1]
        self.itemconfigure(
            self._icon, image=theme.icon(icon, self._look.icon_size, ink) if icon else ""
        )


def plain(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.key, p.key_over, p.key_down, p.text)


def good(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.good, p.good_over, p.good, p.on_colour)


def bad(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.bad, p.bad_over, p.bad, p.on_colour)


def accent(theme: Theme) -> Colours:
    p = theme.palette
    return Colours(p.accent, p.accent_over, p.accent, p.on_colour)


def lit(theme: Theme) -> Colours:
    """A switch that is on."""
    return accent(theme)


def ghost(theme: Theme, ground: str, ink: str | None = None) -> Colours:
    """Nothing but its icon until the pointer is over it."""
    p = theme.palette
    return Colours(ground, p.key_over, p.key_down, ink or p.dim)

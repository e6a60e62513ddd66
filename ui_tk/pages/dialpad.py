"""The twelve keys. Each types a digit, or sends a tone in a call; holding 0 types a plus."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui_tk.theme import Theme
from ui_tk.widgets.button import Button, Look, plain

# ITU-T E.161: where the letters are.
KEYS = (
    ("1", ""), ("2", "ABC"), ("3", "DEF"),
    ("4", "GHI"), ("5", "JKL"), ("6", "MNO"),
    ("7", "PQRS"), ("8", "TUV"), ("9", "WXYZ"),
    ("*", ""), ("0", "+"), ("#", ""),
)  # fmt: skip
KEY_SIZE = 68
GAP_X, GAP_Y = 12, 4
HOLD_MS = 500


class Dialpad(tk.Frame):
    """`on_key` gets the digit, or "+"."""

    def __init__(self, parent: tk.Misc, theme: Theme, on_key: Callable[[str], None]) -> None:
        ground = theme.palette.window
        super().__init__(parent, background=ground)
        self._on_key = on_key
        self._buttons: dict[str, Button] = {}
        self._plus: str | None = None
        look = Look(
            KEY_SIZE,
            KEY_SIZE,
            plain(theme),
            ground,
            text_size=25,
            focusable=False,  # a digit is typed, not reached with Tab
        )
        for place, (key, letters) in enumerate(KEYS):
            button = Button(
                self,
                theme,
                lambda key=key: self._pressed(key),  # type: ignore[misc]
                look,
                text=key,
                below=letters,
            )
            button.grid(
                row=place // 3, column=place % 3, padx=theme.px(GAP_X), pady=theme.px(GAP_Y)
            )
            self._buttons[key] = button
        zero = self._buttons["0"]
        zero.bind("<ButtonPress-1>", self._hold, add=True)
        zero.bind("<Leave>", lambda _: self._let_go(), add=True)

    def flash(self, key: str) -> None:
        """Let the key look pressed: it was typed."""
        if key in self._buttons:
            self._buttons[key].flash()

    def _pressed(self, key: str) -> None:
        held = key == "0" and self._plus == "typed"
        self._let_go()
        if not held:
            self._on_key(key)

    def _hold(self, _: tk.Event[tk.Misc]) -> None:
        self._let_go()
        self._plus = self.after(HOLD_MS, self._type_plus)

    def _type_plus(self) -> None:
        self._plus = "typed"
        self._on_key("+")

    def _let_go(self) -> None:
        if self._plus not in (None, "typed"):
            self.after_cancel(self._plus)
        self._plus = None

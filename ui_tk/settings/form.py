"""What most sections are: fields that are kept when they are left, each with its own check."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace

from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.fields import Choice, Field, Switch
from ui_tk.widgets.label import label, wrapping

Keep = Callable[[str], str]


class Form:
    """Rows below each other in `frame`. `change` takes over what was changed at once."""

    def __init__(self, frame: tk.Frame, theme: Theme, host: Host) -> None:
        self.frame, self.theme, self.host = frame, theme, host
        self._fields: list[Callable[[], None]] = []

    def change(self, **what: object) -> None:
        config = replace(self.host.config, **what)  # type: ignore[arg-type]
        if config != self.host.config:
            self.host.apply(config)

    def leave(self) -> None:
        """What was typed last counts as well."""
        for keep in self._fields:
            keep()

    def heading(self, text: str) -> None:
        made = label(self.frame, self.theme, 15, text=text, weight="bold")
        made.pack(fill="x", pady=(self.theme.px(14), self.theme.px(6)))

    def note(self, text: str) -> tk.Label:
        made = wrapping(label(self.frame, self.theme, 12, text=text, colour=self.theme.palette.dim))
        made.pack(fill="x", pady=(0, self.theme.px(8)))
        return made

    def field(self, name: str, value: str, keep: Keep, *, hint: str = "") -> Field:
        """`keep(text)` takes the text over and gives "", or says what is wrong with it."""
        field = Field(self.frame, self.theme, name, value, hint=hint)
        field.pack(fill="x", pady=(0, self.theme.px(6)))
        shown = [value]

        def left(_: object = None) -> None:
            text = field.value
            if text != shown[0]:
                shown[0] = text
                field.say(keep(text))

        for event in ("<FocusOut>", "<Return>"):
            field.entry.bind(event, left)
        self._fields.append(left)
        return field

    def choice(
        self, name: str, options: list[tuple[str, str]], value: str, keep: Callable[[str], object]
    ) -> Choice:
        made = Choice(self.frame, self.theme, name, options, value, keep)
        made.pack(fill="x", pady=(0, self.theme.px(10)))
        return made

    def switch(
        self, name: str, on: bool, keep: Callable[[bool], object], *, hint: str = ""
    ) -> Switch:
        made = Switch(self.frame, self.theme, name, on, keep, hint=hint)
        made.pack(fill="x", pady=(0, self.theme.px(8)))
        return made


def port_range(text: str) -> tuple[int, int] | None:
    """`10000-10999`; None for "". Raises ValueError, a sentence."""
    if not text:
        return None
    low, dash, high = text.partition("-")
    if not (dash and low.strip().isdigit() and high.strip().isdigit()):
        raise ValueError(tr("Two ports, as in 10000-10999."))
    found = int(low), int(high)
    if not 1 <= found[0] < found[1] <= 65_535:
        raise ValueError(tr("From 1 to 65535, the lower one first."))
    return found


def listen_address(text: str) -> tuple[str, int]:
    """`0.0.0.0:5060`. Raises ValueError, a sentence."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) <= 65_535):
        raise ValueError(tr("An address and a port, as in 0.0.0.0:5060; port 0 picks a free one."))
    return host.strip("[]"), int(port)

"""Of Settings, Calls: the keys that work whatever window is in front."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace

from ui_tk.settings.host import Host
from ui_tk.system.hotkeys import HotkeyError, parse, why_none
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.fields import Field, Switch
from ui_tk.widgets.label import label, wrapping

LOOK_MS = 500  # the engine's thread answers what became of a key


class HotkeyRows:
    """`keep_on_leaving(field, keep)` has a field taken over when it is left."""

    def __init__(
        self,
        frame: tk.Frame,
        theme: Theme,
        host: Host,
        keep_on_leaving: Callable[[Field, Callable[[], None]], None],
    ) -> None:
        self._frame, self._theme, self._host = frame, theme, host
        now = host.config.hotkeys
        hint = tr("as in Ctrl+Alt+A; empty: none")
        self._fields = {
            "answer": Field(frame, theme, tr("Answer, or hang up"), now.answer, hint=hint),
            "mute": Field(frame, theme, tr("Mute"), now.mute, hint=hint),
        }
        for name, field in self._fields.items():
            keep_on_leaving(field, lambda name=name: self.keep(name))  # type: ignore[misc]
        Switch(frame, theme, tr("Buttons of a headset"), now.headset,
               lambda on: self._change(headset=on),
               hint=tr("Where the system makes them keys for telephones."),
               ).pack(fill="x")  # fmt: skip
        self._said = wrapping(label(frame, theme, 12, colour=theme.palette.dim))
        self._said.pack(fill="x", pady=(theme.px(2), 0))
        self._look()

    def leave(self) -> None:
        for name in self._fields:
            self.keep(name)

    def keep(self, name: str) -> None:
        field = self._fields[name]
        try:
            if field.value:
                parse(field.value)
        except HotkeyError as error:
            field.say(str(error))
            return
        field.say("")
        self._change(**{name: field.value})

    def _change(self, **what: object) -> None:
        config = self._host.config
        hotkeys = replace(config.hotkeys, **what)  # type: ignore[arg-type]
        if hotkeys != config.hotkeys:
            self._host.apply(replace(config, hotkeys=hotkeys))

    def _look(self) -> None:
        if self._frame.winfo_exists():
            problem = self._host.model.hotkeys_problem
            tone = "bad" if problem else "plain"
            self._said.configure(text=problem or why_none(), foreground=self._theme.tone(tone))
            self._frame.after(LOOK_MS, self._look)

"""Settings, Codecs: which of them, and in which order they are preferred."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace

from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.fields import Switch
from ui_tk.widgets.label import label, wrapping

CODECS = {
    "opus": "Opus, full band; needs libopus",
    "g722": "G.722, wide band",
    "pcma": "G.711 A-law, as telephones outside America",
    "pcmu": "G.711 mu-law, as telephones in America",
}
USUAL = ("pcmu", "pcma", "g722", "opus")  # the order where nothing was chosen


class _Section:
    """Ctrl+Up and Ctrl+Down move the codec that has the keyboard."""

    def __init__(self, frame: tk.Frame, theme: Theme, host: Host) -> None:
        self._frame, self._theme, self._host = frame, theme, host
        chosen = list(host.config.codecs or USUAL)
        self._order = [*chosen, *(each for each in CODECS if each not in chosen)]
        self._on = set(chosen)
        self._rows = tk.Frame(frame, background=theme.palette.panel)
        self._rows.pack(fill="x")
        note = tr("The first that both sides have is used.")
        self._note = wrapping(label(frame, theme, 12, text=note, colour=theme.palette.dim))
        self._note.pack(fill="x", pady=(theme.px(10), 0))
        silence = Switch(
            frame, theme, tr("Do not send silence"), host.config.suppress_silence, self._silence,
            hint=tr("Where the other side has comfort noise, or with Opus."),
        )  # fmt: skip
        silence.pack(fill="x", pady=(theme.px(10), 0))
        self._build()

    def _silence(self, on: bool) -> None:
        self._host.apply(replace(self._host.config, suppress_silence=on))

    def _build(self, focus: str = "") -> None:
        for child in self._rows.winfo_children():
            child.destroy()
        theme = self._theme
        look = Look(34, 34, button.plain(theme), theme.palette.panel, icon_size=16)
        for at, name in enumerate(self._order):
            row = tk.Frame(self._rows, background=theme.palette.panel)
            row.pack(fill="x", pady=theme.px(3))
            switch = Switch(
                row, theme, name.upper(), name in self._on,
                lambda on, name=name: self._turn(name, on),  # type: ignore[misc]
                hint=tr(CODECS.get(name, "")),
            )  # fmt: skip
            for icon, by in (("down", 1), ("up", -1)):
                made = Button(row, theme, lambda name=name, by=by: self._move(name, by),  # type: ignore[misc]
                              look, icon=icon)  # fmt: skip
                made.set_enabled(0 <= at + by < len(self._order))
                made.pack(side="right", padx=(theme.px(8), 0))
            switch.pack(side="left", fill="x", expand=True)
            for key, by in (("<Control-Up>", -1), ("<Control-Down>", 1)):
                switch.bind(key, lambda _, name=name, by=by: self._move(name, by))  # type: ignore[misc]
            if name == focus:
                switch.focus_set()

    def _turn(self, name: str, on: bool) -> None:
        if on:
            self._on.add(name)
        elif len(self._on) > 1:
            self._on.discard(name)
        else:
            self._note.configure(
                text=tr("One codec at least is needed."), foreground=self._theme.palette.bad_text
            )
            self._build(name)
            return
        self._keep()

    def _move(self, name: str, by: int) -> None:
        at = self._order.index(name)
        if 0 <= at + by < len(self._order):
            self._order.insert(at + by, self._order.pop(at))
            self._build(name)
            self._keep()

    def _keep(self) -> None:
        codecs = tuple(name for name in self._order if name in self._on)
        if codecs != self._host.config.codecs:
            self._host.apply(replace(self._host.config, codecs=codecs))


def build(frame: tk.Frame, theme: Theme, host: Host) -> None:
    _Section(frame, theme, host)

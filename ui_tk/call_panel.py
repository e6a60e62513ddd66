"""The right half of the window: who calls, the call in front, and the calls of the past."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable
from math import log10
from tkinter import ttk

from ui_tk import buttons, words
from ui_tk.buttons import Button, Look
from ui_tk.model import Line, Model, Recent
from ui_tk.theme import Theme

ARROWS = {"outgoing": "↗", "incoming": "↙", "missed": "✕", "failed": "✕"}
METER_WIDTH, METER_HEIGHT = 250, 6


class IncomingBanner(tk.Frame):
    """Somebody calls: answer or refuse."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, answer: Callable[[], None], refuse: Callable[[], None]
    ) -> None:
        ground = theme.palette.key
        super().__init__(parent, background=ground, padx=theme.px(18), pady=theme.px(14))
        self._what = label(self, theme, 12, ground=ground, colour=theme.palette.busy)
        self._who = label(self, theme, 20, ground=ground)
        self._from = label(self, theme, 12, ground=ground, colour=theme.palette.dim)
        self._what.configure(text="Incoming call")
        for each in (self._what, self._who, self._from):
            each.pack(anchor="w", fill="x")
        row = tk.Frame(self, background=ground)
        row.pack(anchor="w", pady=(theme.px(12), 0))
        green = Look(134, 44, buttons.good(theme), ground)
        red = Look(134, 44, buttons.bad(theme), ground)
        self._answer = Button(row, theme, answer, green, text="Answer", icon="call")
        refuse_button = Button(row, theme, refuse, red, text="Refuse", icon="hangup")
        self._answer.pack(side="left", padx=(0, theme.px(12)))
        refuse_button.pack(side="left")

    def show(self, line: Line) -> None:
        self._who.configure(text=line.party)
        self._from.configure(text=words.short(line.call.remote))

    def take_focus(self) -> None:
        self._answer.focus_set()


class CallCard(tk.Frame):
    """The call in front: who, since when, how loud, and what can be done about it."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, mute: Callable[[], None], hold: Callable[[], None]
    ) -> None:
        self._theme = theme
        p = theme.palette
        super().__init__(parent, background=p.panel, padx=theme.px(18))
        self._who = label(self, theme, 24)
        self._state = label(self, theme, 14, colour=p.good_over)
        self._digits = label(self, theme, 14, colour=p.dim)
        self._who.pack(anchor="w", fill="x", pady=(theme.px(14), 0))
        self._state.pack(anchor="w", fill="x")
        self._digits.pack(anchor="w", fill="x")
        self._sent = Meter(self, theme, "Microphone")
        self._heard = Meter(self, theme, "Other side")
        self._sent.pack(anchor="w", pady=(theme.px(6), 0))
        self._heard.pack(anchor="w", pady=(theme.px(6), 0))
        row = tk.Frame(self, background=p.panel)
        row.pack(anchor="w", pady=(theme.px(14), 0))
        look = Look(120, 44, buttons.plain(theme), p.panel)
        self._mute = Button(row, theme, mute, look, icon="microphone", text="Mute")
        self._hold = Button(row, theme, hold, look, icon="pause", text="Hold")
        self._mute.pack(side="left", padx=(0, theme.px(10)))
        self._hold.pack(side="left")
        self._shown: tuple[bool, bool] | None = None

    def show(self, model: Model, line: Line, now: float) -> None:
        call, p = line.call, self._theme.palette
        self._who.configure(text=line.party)
        quiet = call.state != "confirmed" or call.hold != "none" or call.muted
        self._state.configure(
            text=model.call_state(line, now), foreground=p.busy if quiet else p.good_over
        )
        self._digits.configure(text=f"Keys sent: {line.digits}" if line.digits else "")
        self.show_levels(line)
        self._hold.set_enabled(call.state == "confirmed")
        if (call.muted, line.held_here) != self._shown:
            self._shown = (call.muted, line.held_here)
            self._switch(self._mute, call.muted, ("microphone", "Mute"), ("muted", "Unmute"))
            self._switch(self._hold, line.held_here, ("pause", "Hold"), ("play", "Resume"))

    def show_levels(self, line: Line) -> None:
        self._sent.show(line.sent)
        self._heard.show(line.heard)

    def _switch(
        self, button: Button, on: bool, off_face: tuple[str, str], on_face: tuple[str, str]
    ) -> None:
        icon, text = on_face if on else off_face
        colours = buttons.lit(self._theme) if on else buttons.plain(self._theme)
        button.show(icon=icon, text=text, colours=colours)


class OtherCalls(tk.Frame):
    """The calls behind the one in front; a click brings one forward."""

    def __init__(self, parent: tk.Misc, theme: Theme, select: Callable[[str], None]) -> None:
        super().__init__(parent, background=theme.palette.panel, padx=theme.px(18))
        self._theme, self._select = theme, select
        self._shown: tuple[tuple[str, str, str], ...] = ()

    def show(self, model: Model) -> None:
        rows = tuple(
            (key, line.party, line.call.hold)
            for key, line in model.lines.items()
            if key != model.selected and not line.rings_here
        )
        if rows == self._shown:
            return
        self._shown = rows
        for child in self.winfo_children():
            child.destroy()
        look = Look(250, 36, buttons.plain(self._theme), self._theme.palette.panel, text_size=13)
        for key, party, hold in rows:
            text = f"{party[:18]}  ·  {'held' if hold != 'none' else 'waiting'}"
            Button(
                self,
                self._theme,
                lambda key=key: self._select(key),  # type: ignore[misc]
                look,
                text=text,
            ).pack(anchor="w", pady=(self._theme.px(8), 0))


class RecentCalls(tk.Frame):
    """The calls of this session; a double click or Return calls again."""

    def __init__(self, parent: tk.Misc, theme: Theme, call: Callable[[str], None]) -> None:
        p = theme.palette
        super().__init__(parent, background=p.panel, padx=theme.px(18))
        self._call = call
        self._shown: Recent | None = None
        heading = label(self, theme, 16, weight="bold")
        heading.configure(text="Recent calls")
        heading.pack(anchor="w", pady=(theme.px(14), theme.px(6)))
        self._empty = label(self, theme, 13, colour=p.dim)
        self._empty.configure(text="None yet.")
        self._empty.pack(anchor="w")
        self._table = ttk.Treeview(self, columns=("when", "time"), selectmode="browse")
        self._table.heading("#0", text="Who", anchor="w")
        self._table.heading("when", text="When", anchor="w")
        self._table.heading("time", text="Time", anchor="e")
        self._table.column("#0", width=theme.px(170), stretch=True)
        self._table.column("when", width=theme.px(66), stretch=False, anchor="w")
        self._table.column("time", width=theme.px(60), stretch=False, anchor="e")
        self._table.tag_configure("bad", foreground=p.bad_text)
        for event in ("<Double-1>", "<Return>", "<KP_Enter>"):
            self._table.bind(event, self._again)

    def show(self, model: Model, now: float) -> None:
        newest = model.recent[0] if model.recent else None
        if newest is self._shown or newest is None:
            return
        if self._shown is None:
            self._empty.pack_forget()
            self._table.pack(fill="both", expand=True)
        self._shown = newest
        self._table.delete(*self._table.get_children())
        for row in model.recent:
            clock = time.strftime("%H:%M", time.localtime(time.time() - now + row.at))
            length = "–" if row.seconds is None else words.duration(row.seconds)  # noqa: RUF001
            tags = ("bad",) if row.kind in ("missed", "failed") else ()
            text = f"{ARROWS[row.kind]}  {row.party}"
            remote = words.short(row.remote)
            self._table.insert("", "end", text=text, values=(clock, length, remote), tags=tags)

    def _again(self, _: tk.Event[tk.Misc]) -> str:
        selected = self._table.selection()
        if selected:
            self._call(str(self._table.item(selected[0], "values")[2]))
        return "break"


class Meter(tk.Frame):
    """A level, logarithmic as the ear: full at full scale, empty 60 dB below."""

    def __init__(self, parent: tk.Misc, theme: Theme, name: str) -> None:
        p = theme.palette
        super().__init__(parent, background=p.panel)
        caption = label(self, theme, 11, colour=p.dim)
        caption.configure(text=name)
        caption.pack(anchor="w")
        self._width, height = theme.px(METER_WIDTH), theme.px(METER_HEIGHT)
        self._bar = tk.Canvas(
            self, width=self._width, height=height, background=p.key, highlightthickness=0
        )
        self._bar.pack(anchor="w", pady=(theme.px(2), 0))
        self._level = self._bar.create_rectangle(0, 0, 0, height, fill=p.good_over, width=0)
        self._height = height

    def show(self, level: float | None) -> None:
        self._bar.coords(self._level, 0, 0, self._width * loudness(level), self._height)


def loudness(level: float | None) -> float:
    """Where a peak from 0 to 1 stands on a scale of 60 dB, from 0 to 1."""
    if level is None or level <= 0.001:
        return 0.0
    return min(1.0, 1 + log10(level) / 3)


def label(
    parent: tk.Misc,
    theme: Theme,
    size: float,
    *,
    ground: str | None = None,
    colour: str | None = None,
    weight: str = "normal",
) -> tk.Label:
    p = theme.palette
    return tk.Label(
        parent,
        background=ground or p.panel,
        foreground=colour or p.text,
        font=theme.font(size, weight),
        anchor="w",
        justify="left",
        borderwidth=0,
        padx=0,
        pady=theme.px(1),
    )

"""Somebody calls: a window of its own, above all others, with answer, refuse and divert."""

from __future__ import annotations

import tkinter as tk

from ui_tk import words
from ui_tk.lines import Line
from ui_tk.model import Model
from ui_tk.pages.hands import Hands
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label

WIDTH, HEIGHT = 372, 196
AWAY = 24  # from the corner of the screen


class Incoming:
    """One window for the phone's whole life, shown while it rings."""

    def __init__(self, root: tk.Tk, theme: Theme, hands: Hands) -> None:
        p = theme.palette
        self._theme, self._hands = theme, hands
        self._top = tk.Toplevel(root, class_="Platypus", background=p.card_front)
        self._top.withdraw()
        self._top.resizable(False, False)
        self._top.protocol("WM_DELETE_WINDOW", hands.refuse)
        self._line: Line | None = None
        self._texts: tuple[str, ...] = ()
        self._build()
        self._bind()

    @property
    def window(self) -> tk.Toplevel:
        return self._top

    def show(self, model: Model) -> None:
        line = model.ringing
        if line is None:
            self._hide()
            return
        number = words.number_of(line.call.remote, model.host)
        parts = [number if number != line.party else ""]
        if line.call.diverted_from:
            parts.append(tr("for {who}", who=words.party(line.call.diverted_from)))
        if len(model.accounts) > 1 and line.call.account:
            parts.append(tr("to {account}", account=words.short(line.call.account)))
        texts = (line.party, "  ·  ".join(each for each in parts if each))
        if texts != self._texts:
            self._texts = texts
            room = self._theme.px(WIDTH - 40)
            self._who.configure(text=self._theme.fit(texts[0], 22, room, "bold"))
            self._from.configure(text=self._theme.fit(texts[1], 12, room))
            self._top.title(tr("{who} calls", who=line.party) + " - Platypus")
        if self._line is None or self._line.key != line.key:
            self._line = line
            self._appear()

    def _hide(self) -> None:
        if self._line is not None:
            self._line, self._texts = None, ()
            self._top.withdraw()

    def _appear(self) -> None:
        top, px = self._top, self._theme.px
        x = top.winfo_screenwidth() - px(WIDTH + AWAY)
        top.geometry(f"{px(WIDTH)}x{px(HEIGHT)}+{max(0, x)}+{px(AWAY)}")
        top.deiconify()
        top.attributes("-topmost", True)
        top.lift()
        top.focus_force()
        self._answer.focus_set()

    def _build(self) -> None:
        theme, p = self._theme, self._theme.palette
        ground = p.card_front
        inside = tk.Frame(self._top, background=ground)
        inside.pack(fill="both", expand=True, padx=theme.px(20), pady=theme.px(16))
        label(inside, theme, 12, text=tr("Incoming call"), ground=ground, colour=p.busy).pack(
            anchor="w"
        )
        self._who = label(inside, theme, 22, ground=ground, weight="bold")
        self._who.pack(anchor="w", pady=(theme.px(4), 0))
        self._from = label(inside, theme, 12, ground=ground, colour=p.dim)
        self._from.pack(anchor="w")
        row = tk.Frame(inside, background=ground)
        row.pack(side="bottom", fill="x")
        hands = self._hands
        wanted = (
            ("call", tr("Answer"), hands.answer, button.good(theme)),
            ("hangup", tr("Refuse"), hands.refuse, button.bad(theme)),
            ("divert", tr("Divert"), hands.divert, button.plain(theme)),
        )
        made = []
        for at, (icon, text, command, colours) in enumerate(wanted):
            look = Look(104, 44, colours, ground, icon_size=16, text_size=12)
            made.append(Button(row, theme, command, look, icon=icon, text=text))
            made[-1].grid(row=0, column=at, sticky="w" if not at else "e")
            row.columnconfigure(at, weight=1)
        self._answer = made[0]

    def _bind(self) -> None:
        for key in ("<Return>", "<KP_Enter>", "<Control-Return>"):
            self._top.bind(key, lambda _: self._hands.answer())
        self._top.bind("<Escape>", lambda _: self._hands.refuse())
        self._top.bind("<Control-f>", lambda _: self._hands.divert())

"""The card of a call behind the one in front: who, its state, how good; a click takes it up."""

from __future__ import annotations

import tkinter as tk

from ui_tk import words
from ui_tk.lines import Line
from ui_tk.model import Model
from ui_tk.pages.hands import Hands
from ui_tk.quality import POINTS, figure, last
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.graph import Graph, Scale
from ui_tk.widgets.surface import Surface

HEIGHT, MARGIN = 56, 16
GRAPH_WIDTH = 70


class SmallCard(Surface):
    """Shows whichever line it is given: cards are used again."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        p = theme.palette
        super().__init__(parent, theme, height=theme.px(HEIGHT), ground=p.panel, colour=p.card)
        self._hands = hands
        self._line: Line | None = None
        self._width, self._version = 0, -1
        self._texts: tuple[str, ...] = ()
        font, small = theme.font(14), theme.font(11)
        self._who = self.create_text(0, 0, anchor="w", fill=p.text, font=font)
        self._state = self.create_text(0, 0, anchor="w", fill=p.dim, font=small)
        self._mos = self.create_text(0, 0, anchor="e", fill=p.dim, font=theme.font(12, "bold"))
        self._lock = self.create_image(0, 0)
        self._graph = Graph(self, theme, Scale(1.0, 4.5), POINTS)
        look = Look(36, 36, button.plain(theme), p.card, icon_size=16)
        self._take = Button(self, theme, self._pick, look, icon="play")
        red = Look(36, 36, button.bad(theme), p.card, icon_size=16)
        self._end = Button(self, theme, self._hang_up, red, icon="hangup")
        self._items = [
            self.create_window(0, 0, anchor="e", window=each) for each in (self._end, self._take)
        ]
        self.configure(cursor="hand2")
        self.bind("<ButtonRelease-1>", lambda _: self._pick())

    def show(self, model: Model, line: Line, now: float) -> None:
        theme, p = self._theme, self._theme.palette
        if line is not self._line:
            self._line, self._version = line, -1
        joins = model.picking is not None and model.picking.why == "transfer" and line.answered
        state = tr("Transfer to this call") if joins else line.state(now)
        number = words.number_of(line.call.remote, model.host)
        room = self._width - theme.px(MARGIN * 3 + GRAPH_WIDTH + 84 + 60)
        texts = (
            theme.fit(line.party, 14, room),
            theme.fit(f"{number}  ·  {state}", 11, room),
            "attended" if joins else "play",
            "padlock" if line.call.secure else "",
        )
        if texts != self._texts:
            self._texts = texts
            self.itemconfigure(self._who, text=texts[0])
            self.itemconfigure(self._state, text=texts[1], fill=p.busy if joins else p.dim)
            colours = button.accent(theme) if joins else button.plain(theme)
            self._take.show(icon=texts[2], colours=colours)
            lock = theme.icon("padlock", 12, p.good_text) if texts[3] else ""
            self.itemconfigure(self._lock, image=lock)
        quality = line.quality
        if quality.version != self._version:
            self._version = quality.version
            mos = last(quality.mos)
            self.itemconfigure(self._mos, text=figure(mos, digits=1), fill=theme.tone(quality.tone))
            self._graph.show(tuple(quality.mos), ())

    def resized(self, width: int, height: int) -> None:
        px, self._width = self._theme.px, width
        self._texts, self._version = (), -1
        right = width - px(MARGIN - 4)
        self.coords(self._items[0], right, height // 2)
        self.coords(self._items[1], right - px(44), height // 2)
        start = right - px(92 + GRAPH_WIDTH)
        self._graph.move(start, px(14), px(GRAPH_WIDTH), px(28))
        self.coords(self._mos, start - px(10), height // 2)
        self.coords(self._lock, start - px(48), height // 2)
        self.coords(self._who, px(MARGIN), px(19))
        self.coords(self._state, px(MARGIN), px(39))

    def _pick(self) -> None:
        if self._line is not None:
            self._hands.pick(self._line.key)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._hands.hang_up(self._line.key)

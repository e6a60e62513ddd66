"""All calls as cards, the one in front first. Cards are used again and never thrown away:
a hundred calls leave no more behind than the most there were at once."""

from __future__ import annotations

import tkinter as tk

from ui_tk.model import Model
from ui_tk.pages.front_card import FrontCard
from ui_tk.pages.hands import Hands
from ui_tk.pages.small_card import SmallCard
from ui_tk.theme import Theme
from ui_tk.widgets.scroll import Scroll

MOST_SHARE = 0.72  # of the page's height; more calls than fit are scrolled to


class Cards(tk.Frame):
    """Takes no room while there is no call."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        super().__init__(parent, background=theme.palette.panel)
        self._theme, self._hands = theme, hands
        self._scroll = Scroll(self, theme)
        self._front = FrontCard(self._scroll.inside, theme, hands)
        self._small: list[SmallCard] = []
        self._placed: tuple[int, bool] = (0, False)
        self._height = 0

    def show(self, model: Model, now: float) -> None:
        lines = model.lines.shown
        front = lines[0] if lines and lines[0].key == model.lines.selected else None
        rest = lines[1:] if front is not None else lines
        self._place(len(rest), front is not None)
        if front is not None:
            self._front.show(model, front, now)
        for card, line in zip(self._small, rest, strict=False):
            card.show(model, line, now)
        self._fit()

    def show_levels(self, model: Model) -> None:
        if model.active is not None:
            self._front.show_levels(model.active)

    def _place(self, small: int, front: bool) -> None:
        if (small, front) == self._placed:
            return
        self._placed = (small, front)
        px, inside = self._theme.px, self._scroll.inside
        while len(self._small) < small:
            self._small.append(SmallCard(inside, self._theme, self._hands))
        for card in (self._front, *self._small):
            card.pack_forget()
        padding = {"padx": px(14), "pady": (px(10), 0)}
        if front:
            self._front.pack(fill="x", **padding)  # type: ignore[arg-type]
        for card in self._small[:small]:
            card.pack(fill="x", **padding)  # type: ignore[arg-type]
        if small or front:
            self._scroll.pack(fill="both", expand=True)
        else:
            self._scroll.pack_forget()
            self.configure(height=1)

    def _fit(self) -> None:
        """As high as the cards, and never the whole page."""
        if self._placed == (0, False):
            return
        most = int(self.master.winfo_height() * MOST_SHARE)
        cards = [card for card in (self._front, *self._small) if card.winfo_manager()]
        wanted = sum(int(card["height"]) + self._theme.px(10) for card in cards)
        height = min(wanted + self._theme.px(4), max(most, self._theme.px(260)))
        if height != self._height:
            self._height = height
            self._scroll.set_height(height)

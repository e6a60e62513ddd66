"""The narrow column at the left: pages, voicemail lamp, do not disturb, settings."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from typing import Literal

from ui_tk.model import Model
from ui_tk.pages.hands import Hands
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label

WIDTH = 64
Side = Literal["top", "bottom"]
PAGE_ICONS = (("history", "clock"), ("contacts", "person"), ("team", "team"))


class Rail(tk.Frame):
    """Icons with a small word below each; a number where something waits."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        p = theme.palette
        super().__init__(parent, background=p.rail, width=theme.px(WIDTH))
        self.pack_propagate(False)
        self._theme = theme
        self._buttons: dict[str, Button] = {}
        self._badges: dict[str, tk.Label] = {}
        self._faces: dict[str, object] = {}
        names = {"history": tr("Calls"), "contacts": tr("Contacts"), "team": tr("Team")}
        for page, icon in PAGE_ICONS:
            self._add(page, icon, names[page], lambda page=page: hands.show_page(page), "top")  # type: ignore[misc]
        self._add("settings", "gear", tr("Settings"), hands.settings, "bottom")
        self._add("dnd", "moon", tr("Quiet"), hands.dnd, "bottom")
        self._add("divert", "divert", tr("Divert"), lambda: hands.settings("calls"), "bottom")
        self._add("voicemail", "voicemail", tr("Voicemail"), hands.voicemail, "bottom")

    def show(self, model: Model) -> None:
        p = self._theme.palette
        for page, icon in PAGE_ICONS:
            on = model.page == page
            self._face(page, icon, p.accent if on else p.rail, p.on_colour if on else p.dim)
        self._badge("history", model.unseen)
        rules = model.rules
        self._face("dnd", "moon", p.bad if rules.dnd else p.rail,
                   p.on_colour if rules.dnd else p.dim)  # fmt: skip
        self._face("divert", "divert", p.accent if rules.forwards else p.rail,
                   p.on_colour if rules.forwards else p.dim)  # fmt: skip
        waiting = model.messages_waiting
        self._face("voicemail", "voicemail", p.rail, p.busy if waiting else p.dim)
        self._badge("voicemail", waiting)
        self._face("settings", "gear", p.rail, p.dim)

    def _add(
        self, name: str, icon: str, text: str, command: Callable[[], object], side: Side
    ) -> None:
        theme, p = self._theme, self._theme.palette
        box = tk.Frame(self, background=p.rail)
        box.pack(side=side, pady=theme.px(6), fill="x")
        look = Look(44, 40, button.ghost(theme, p.rail), p.rail, icon_size=20, radius=12)
        self._buttons[name] = Button(box, theme, command, look, icon=icon)
        self._buttons[name].pack()
        size = 9 if theme.measure(text, 9) <= theme.px(WIDTH - 2) else 8
        caption = label(box, theme, size, text=text, ground=p.rail, colour=p.dim)
        caption.configure(anchor="center")
        caption.pack(fill="x")
        self._badges[name] = tk.Label(
            box, background=p.bad, foreground=p.on_colour, font=theme.font(9, "bold"),
            borderwidth=0, padx=theme.px(4), pady=0,
        )  # fmt: skip

    def _face(self, name: str, icon: str, ground: str, ink: str) -> None:
        if self._faces.get(name) != (ground, ink):
            self._faces[name] = (ground, ink)
            p = self._theme.palette
            over = p.key_over if ground == p.rail else ground
            colours = button.Colours(ground, over, over, ink)
            self._buttons[name].show(icon=icon, colours=colours)

    def _badge(self, name: str, count: int) -> None:
        if self._faces.get(f"{name} badge") == count:
            return
        self._faces[f"{name} badge"] = count
        badge = self._badges[name]
        if count:
            badge.configure(text=str(count) if count < 100 else "99+")
            badge.place(relx=0.62, y=self._theme.px(1))
        else:
            badge.place_forget()

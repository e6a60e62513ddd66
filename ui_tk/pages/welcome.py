"""Above the pages while there is no account: what this phone does now, and a way to make one."""

from __future__ import annotations

import tkinter as tk

from ui_tk.pages.hands import Hands
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label, wrapping


class Welcome(tk.Frame):
    """Packed and taken away by whoever knows whether it is wanted."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        p, px = theme.palette, theme.px
        super().__init__(parent, background=p.panel)
        inside = tk.Frame(self, background=p.card)
        inside.pack(fill="x", padx=px(16), pady=(px(14), 0))
        look = Look(0, 38, button.accent(theme), p.card, text_size=13, icon_size=16)
        made = Button(inside, theme, hands.set_up_account, look, icon="person",
                      text=tr("Set up an account"))  # fmt: skip
        made.pack(side="right", padx=px(14), pady=px(14))
        words = tk.Frame(inside, background=p.card)
        words.pack(side="left", fill="x", expand=True, padx=(px(14), 0), pady=px(10))
        title = label(words, theme, 14, text=tr("Welcome"), ground=p.card, weight="bold")
        title.pack(anchor="w")
        text = tr("So far this phone reaches its own small exchange only.")
        note = wrapping(label(words, theme, 12, text=text, ground=p.card, colour=p.dim))
        note.pack(anchor="w", fill="x")

"""All keys of the window, from the same list that binds them."""

from __future__ import annotations

import tkinter as tk

from ui_tk.actions import ACTIONS, shown
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.dialog import Dialog
from ui_tk.widgets.label import label


def open_keys(root: tk.Tk, theme: Theme) -> None:
    dialog = Dialog(root, theme, tr("All keys"), width=520)
    half = (len(ACTIONS) + 1) // 2
    for at, action in enumerate(ACTIONS):
        row, column = at % half, 2 * (at // half)
        key = label(dialog.body, theme, 12, text=shown(action.keys[0]), weight="bold")
        key.grid(row=row, column=column, sticky="w", padx=(0, theme.px(12)), pady=theme.px(3))
        text = label(dialog.body, theme, 12, text=tr(action.text), colour=theme.palette.dim)
        text.grid(row=row, column=column + 1, sticky="w", padx=(0, theme.px(24)))
    dialog.add_button(tr("Close"), dialog.destroy)
    dialog.appear()

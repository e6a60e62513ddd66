"""A window of its own beside the phone's: a heading, what it is about, buttons below."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label


class Dialog(tk.Toplevel):
    """Escape closes it, Return presses its first button. `body` is where the content goes."""

    def __init__(self, root: tk.Misc, theme: Theme, title: str, *, width: int = 420) -> None:
        p = theme.palette
        super().__init__(root, class_="Platypus", background=p.panel)
        self.withdraw()
        self.theme = theme
        self.title(f"{title} - Platypus")
        self.minsize(theme.px(width), 1)
        self._room = theme.px(width - 44)
        inside = tk.Frame(self, background=p.panel)
        inside.pack(fill="both", expand=True, padx=theme.px(22), pady=theme.px(18))
        label(inside, theme, 17, text=title, weight="bold").pack(anchor="w", fill="x")
        self.body = tk.Frame(inside, background=p.panel)
        self.body.pack(fill="both", expand=True, pady=(theme.px(12), 0))
        self._row = tk.Frame(inside, background=p.panel)
        self._row.pack(fill="x", pady=(theme.px(16), 0))
        self._first: Callable[[], object] | None = None
        self.bind("<Escape>", lambda _: self.destroy())
        self.bind("<Return>", lambda _: self._press_first())
        self.bind("<KP_Enter>", lambda _: self._press_first())

    def add_button(
        self, text: str, command: Callable[[], object], *, kind: str = "plain", icon: str = ""
    ) -> Button:
        """From the right to the left; the first is the one for Return."""
        theme = self.theme
        colours = {"good": button.good, "bad": button.bad, "accent": button.accent}.get(
            kind, button.plain
        )(theme)
        look = Look(0, 38, colours, theme.palette.panel, text_size=13, icon_size=16)
        made = Button(self._row, theme, command, look, text=text, icon=icon)
        made.pack(side="right", padx=(theme.px(8), 0))
        if self._first is None:
            self._first = command
        return made

    def note(self, text: str, *, size: int = 12, colour: str | None = None) -> tk.Label:
        """Words as wide as the window; they must not make it wider."""
        ink = colour or self.theme.palette.dim
        made = label(self.body, self.theme, size, text=text, colour=ink)
        made.configure(wraplength=self._room)
        made.pack(fill="x", pady=(0, self.theme.px(8)))
        return made

    def appear(self, focus: tk.Misc | None = None) -> None:
        self.update_idletasks()
        master = self.master.winfo_toplevel()
        width = max(self.winfo_reqwidth(), self.minsize()[0])
        x = master.winfo_rootx() + (master.winfo_width() - width) // 2
        y = master.winfo_rooty() + self.theme.px(60)
        self.geometry(f"+{max(0, x)}+{max(0, y)}")
        self.deiconify()
        self.lift()
        self.focus_force()
        if focus is not None:
            focus.focus_set()

    def _press_first(self) -> None:
        if self._first is not None:
            self._first()

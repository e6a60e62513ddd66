"""A place for widgets that may need more room than there is."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from ui_tk.theme import Theme


class Scroll(tk.Frame):
    """`inside` is where the widgets go; the bar is there only while it is needed."""

    def __init__(self, parent: tk.Misc, theme: Theme, *, ground: str | None = None) -> None:
        colour = ground or theme.palette.panel
        super().__init__(parent, background=colour)
        self._canvas = tk.Canvas(
            self, background=colour, highlightthickness=0, borderwidth=0, width=1, height=1
        )
        self._bar = ttk.Scrollbar(self, command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._on_view)
        self._canvas.pack(side="left", fill="both", expand=True)
        self.inside = tk.Frame(self._canvas, background=colour)
        self._window = self._canvas.create_window(0, 0, anchor="nw", window=self.inside)
        self._shown = False
        self._step = theme.px(48)
        self.inside.bind("<Configure>", self._on_inside)
        self._canvas.bind("<Configure>", self._on_canvas)
        self.bind("<Enter>", lambda _: self._listen(True))
        self.bind("<Leave>", lambda _: self._listen(False))

    def reveal_inside(self, widget: tk.Misc) -> None:
        """`reveal`, where it is one of those inside."""
        if str(widget).startswith(f"{self.inside}."):
            self.reveal(widget)

    def reveal(self, widget: tk.Misc) -> None:
        """Scroll so that `widget`, which got the keyboard, is seen."""
        top = widget.winfo_rooty() - self.inside.winfo_rooty()
        bottom, height = top + widget.winfo_height(), self._canvas.winfo_height()
        whole = max(1, self.inside.winfo_height())
        seen = self._canvas.canvasy(0)
        if top < seen:
            self._canvas.yview_moveto(top / whole)
        elif bottom > seen + height:
            self._canvas.yview_moveto((bottom - height) / whole)

    @property
    def wanted(self) -> int:
        """How high everything inside is."""
        return self.inside.winfo_reqheight()

    def set_height(self, height: int) -> None:
        self._canvas.configure(height=height)

    def _on_inside(self, event: tk.Event[tk.Misc]) -> None:
        self._canvas.configure(scrollregion=(0, 0, event.width, event.height))

    def _on_canvas(self, event: tk.Event[tk.Misc]) -> None:
        self._canvas.itemconfigure(self._window, width=event.width)

    def _on_view(self, first: float | str, last: float | str) -> None:
        needed = float(first) > 0 or float(last) < 1
        if needed != self._shown:
            self._shown = needed
            if needed:
                self._bar.pack(side="right", fill="y", before=self._canvas)
            else:
                self._bar.pack_forget()
        self._bar.set(float(first), float(last))

    def _listen(self, on: bool) -> None:
        root = self.winfo_toplevel()
        for name, by in (("<Button-4>", -1), ("<Button-5>", 1)):
            if on:
                root.bind(name, lambda _, by=by: self._scroll(by))  # type: ignore[misc]
            else:
                root.unbind(name)
        if on:
            root.bind("<MouseWheel>", lambda e: self._scroll(-1 if e.delta > 0 else 1))
        else:
            root.unbind("<MouseWheel>")

    def _scroll(self, by: int) -> None:
        if self._shown:
            self._canvas.yview_moveto(
                (self._canvas.canvasy(0) + by * self._step) / max(1, self.inside.winfo_height())
            )

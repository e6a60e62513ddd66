"""A line of text, and the small things that stand beside one."""

from __future__ import annotations

import tkinter as tk

from ui_tk.theme import Theme


def label(
    parent: tk.Misc,
    theme: Theme,
    size: float,
    *,
    text: str = "",
    ground: str | None = None,
    colour: str | None = None,
    weight: str = "normal",
) -> tk.Label:
    p = theme.palette
    return tk.Label(
        parent,
        text=text,
        background=ground or p.panel,
        foreground=colour or p.text,
        font=theme.font(size, weight),
        anchor="w",
        justify="left",
        borderwidth=0,
        padx=0,
        pady=theme.px(1),
    )


def wrapping(widget: tk.Label, *, margin: int = 0) -> tk.Label:
    """Let a label break its lines where its place ends."""
    widget.bind("<Configure>", lambda e: widget.configure(wraplength=max(50, e.width - margin)))
    return widget


def has_focus(widget: tk.Misc) -> bool:
    """By name: `focus_get` fails while the focus is in a window of Tk's own, as a file dialog."""
    return str(widget.tk.call("focus")) == str(widget)


def place_row(widget: tk.Widget, on: bool, *, before: tk.Widget, padx: int = 0) -> None:
    """Show a row in its place, or take it away."""
    shown = bool(widget.winfo_manager())
    if on and not shown:
        widget.pack(fill="x", before=before, padx=padx)
    elif shown and not on:
        widget.pack_forget()

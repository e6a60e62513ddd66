"""What a form is made of: entries, switches, choices, each with its label above or beside it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from ui_tk.theme import Theme
from ui_tk.widgets.label import label, wrapping


class Field(tk.Frame):
    """An entry with its name above it, and a line below that says what is wrong or meant."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        name: str,
        value: str = "",
        *,
        hint: str = "",
        secret: bool = False,
        changed: Callable[[str], object] | None = None,
    ) -> None:
        p = theme.palette
        super().__init__(parent, background=p.panel)
        self._theme, self._hint = theme, hint
        label(self, theme, 12, text=name, colour=p.dim).pack(anchor="w", fill="x")
        self._variable = tk.StringVar(self, value)
        self.entry = tk.Entry(
            self,
            textvariable=self._variable,
            show="•" if secret else "",
            font=theme.font(14),
            background=p.key,
            foreground=p.text,
            insertbackground=p.text,
            selectbackground=p.accent,
            selectforeground=p.on_colour,
            relief="flat",
            borderwidth=theme.px(6),
            highlightthickness=theme.px(2),
            highlightbackground=p.key,
            highlightcolor=p.focus,
        )
        self.entry.pack(fill="x", pady=(theme.px(2), 0))
        self._below = wrapping(label(self, theme, 11, text=hint, colour=p.dim))
        self._below.pack(anchor="w", fill="x")
        if changed is not None:
            self._variable.trace_add("write", lambda *_: changed(self._variable.get()))

    @property
    def value(self) -> str:
        return self._variable.get().strip()

    @property
    def secret(self) -> str:
        """As it was typed: a password may begin or end with a space."""
        return self._variable.get()

    def set(self, value: str) -> None:
        self._variable.set(value)

    def tell(self, text: str) -> None:
        """What is going on with it."""
        self._below.configure(text=text, foreground=self._theme.palette.dim)

    def say(self, problem: str) -> None:
        """What is wrong with it; "" is nothing."""
        p = self._theme.palette
        self._below.configure(
            text=problem or self._hint, foreground=p.bad_text if problem else p.dim
        )


class Switch(tk.Canvas):
    """On or off, with its name at the left. Space and Return turn it."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        name: str,
        on: bool,
        changed: Callable[[bool], object] | None = None,
        *,
        hint: str = "",
    ) -> None:
        p, px = theme.palette, theme.px
        height = px(48 if hint else 34)
        super().__init__(
            parent, height=height, width=1, background=p.panel, highlightthickness=0,
            borderwidth=0, takefocus=True, cursor="hand2",
        )  # fmt: skip
        self._theme, self.on, self._changed, self._high = theme, on, changed, height
        self._focused = False
        middle = height // 2 - (px(9) if hint else 0)
        self.create_text(0, middle, text=name, anchor="w", fill=p.text, font=theme.font(14))
        if hint:
            self.create_text(
                0, middle + px(19), text=hint, anchor="w", fill=p.dim, font=theme.font(11)
            )
        self._track = self.create_image(0, 0, anchor="e")
        self._knob = self.create_image(0, 0)
        self.bind("<Configure>", lambda _: self._draw())
        self.bind("<ButtonRelease-1>", lambda _: self._turn())
        self.bind("<FocusIn>", lambda _: self._focus(True))
        self.bind("<FocusOut>", lambda _: self._focus(False))
        for key in ("<space>", "<Return>", "<KP_Enter>"):
            self.bind(key, lambda _: self._turn())

    def set(self, on: bool) -> None:
        if on != self.on:
            self.on = on
            self._draw()

    def _turn(self) -> str:
        self.on = not self.on
        self.focus_set()
        self._draw()
        if self._changed is not None:
            self._changed(self.on)
        return "break"

    def _focus(self, on: bool) -> None:
        self._focused = on
        self._draw()

    def _draw(self) -> None:
        p, px = self._theme.palette, self._theme.px
        right, middle = self.winfo_width() - px(2), self._high // 2
        outline = p.focus if self._focused else None
        colour = p.accent if self.on else p.key_down
        self.itemconfigure(
            self._track, image=self._theme.shape(px(42), px(24), px(12), colour, outline)
        )
        self.coords(self._track, right, middle)
        self.itemconfigure(self._knob, image=self._theme.shape(px(16), px(16), px(8), p.on_colour))
        self.coords(self._knob, right - px(12 if self.on else 30), middle)


class Choice(tk.Frame):
    """One of several, as a list that opens. `options` are (value, what is read)."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        name: str,
        options: Sequence[tuple[str, str]],
        value: str,
        changed: Callable[[str], object] | None = None,
    ) -> None:
        p = theme.palette
        super().__init__(parent, background=p.panel)
        self._offers, self._changed = list(options), changed
        label(self, theme, 12, text=name, colour=p.dim).pack(anchor="w", fill="x")
        self._box = ttk.Combobox(self, state="readonly", font=theme.font(13))
        self._box.pack(fill="x", pady=(theme.px(2), 0))
        self._box.bind("<<ComboboxSelected>>", self._on_selected)
        self.offer(options, value)

    @property
    def value(self) -> str:
        at = self._box.current()
        return self._offers[at][0] if at >= 0 else ""

    def offer(self, options: Sequence[tuple[str, str]], value: str) -> None:
        self._offers = list(options)
        self._box.configure(values=[text for _, text in self._offers])
        values = [each for each, _ in self._offers]
        if value in values:
            self._box.current(values.index(value))
        elif self._offers:
            self._box.current(0)

    def _on_selected(self, _: object) -> None:
        self._box.selection_clear()
        if self._changed is not None:
            self._changed(self.value)

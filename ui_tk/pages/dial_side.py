"""The left half: the account and its true state, the number, the keys and the call button."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from ui_tk import words
from ui_tk.model import Model
from ui_tk.pages.dialpad import Dialpad
from ui_tk.pages.hands import Hands
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label

WIDTH = 336
NUMBER_SIZES = ((13, 28), (19, 21), (28, 15), (10_000, 12))  # up to that many letters, that size
DOT = 12
BELOW_LINES = 3
ACCOUNT_ROOM = 216  # of the letters in the list of accounts


class DialSide(tk.Frame):
    """Owns the entry. `number` is its variable; who listens to it decides what a change means."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        p = theme.palette
        super().__init__(parent, background=p.window, width=theme.px(WIDTH))
        self.pack_propagate(False)
        self._theme, self._hands = theme, hands
        self.number = tk.StringVar(self)
        self._faces: dict[str, object] = {}
        self._build_account()
        self._build_number()
        self._below = label(self, theme, 12, ground=p.window, colour=p.dim)
        self._below.configure(
            anchor="n", justify="center", height=BELOW_LINES, wraplength=theme.px(WIDTH - 32)
        )
        self._below.pack(fill="x", padx=theme.px(16), pady=(theme.px(6), theme.px(4)))
        self.dialpad = Dialpad(self, theme, hands.press_key)
        self.dialpad.pack()
        self._build_call_row()

    def show(self, model: Model) -> None:
        self._show_account(model)
        if self.number.get() != model.number:
            self.number.set(model.number)
            self.entry.icursor("end")
        self._show_placeholder(not model.number)
        if self._faces.get("below") != model.below:
            self._faces["below"] = model.below
            text, tone = model.below
            self._below.configure(text=self._whole_lines(text), foreground=self._theme.tone(tone))
        self._show_call_button(model)

    def _show_placeholder(self, on: bool) -> None:
        if self._faces.get("placeholder") == on:
            return
        self._faces["placeholder"] = on
        if on:
            self._placeholder.place(relx=0.5, rely=0.5, anchor="center")
        else:
            self._placeholder.place_forget()
        # Behind the placeholder only the ends of the insertion mark would be seen.
        p = self._theme.palette
        self.entry.configure(insertbackground=p.window if on else p.text)

    def _whole_lines(self, text: str) -> str:
        """As much of it as there is room for; lines are never quite full."""
        room = self._theme.px(WIDTH - 32) * (BELOW_LINES - 0.25)
        return self._theme.fit(text, 12, round(room))

    def size_number(self) -> None:
        """Long numbers get smaller letters."""
        size = next(size for most, size in NUMBER_SIZES if len(self.number.get()) <= most)
        if self._faces.get("size") != size:
            self._faces["size"] = size
            self.entry.configure(font=self._theme.font(size))

    def _build_account(self) -> None:
        theme, p = self._theme, self._theme.palette
        row = tk.Frame(self, background=p.window)
        row.pack(fill="x", padx=theme.px(16), pady=(theme.px(16), 0))
        size = theme.px(DOT)
        self._dot = tk.Label(row, background=p.window, borderwidth=0, width=size, height=size)
        self._dot.pack(side="left", padx=(0, theme.px(9)))
        look = Look(32, 32, button.ghost(theme, p.window), p.window, icon_size=16)
        add = Button(row, theme, lambda: self._hands.settings("accounts"), look, icon="plus")
        add.pack(side="right", padx=(theme.px(6), 0))
        self._accounts = ttk.Combobox(row, state="readonly", font=theme.font(12), width=1)
        self._accounts.pack(side="left", fill="x", expand=True)
        self._accounts.bind("<<ComboboxSelected>>", self._on_account)

    def _build_number(self) -> None:
        theme, p = self._theme, self._theme.palette
        holder = tk.Frame(self, background=p.window, height=theme.px(44))
        holder.pack(fill="x", padx=theme.px(16), pady=(theme.px(16), 0))
        holder.pack_propagate(False)
        self.entry = tk.Entry(
            holder,
            textvariable=self.number,
            justify="center",
            background=p.window,
            foreground=p.text,
            insertbackground=p.text,
            insertwidth=theme.px(2),
            selectbackground=p.accent,
            selectforeground=p.on_colour,
            relief="flat",
            highlightthickness=0,
            borderwidth=0,
        )
        self.entry.pack(fill="both", expand=True)
        self._placeholder = label(
            self.entry, theme, 16, text=tr("Name, number or address"), ground=p.window,
            colour=p.dim,
        )  # fmt: skip
        self._placeholder.configure(cursor="xterm")
        self._placeholder.bind("<Button-1>", lambda _: self.entry.focus_set())
        line = tk.Frame(self, background=p.border, height=theme.px(1))
        line.pack(fill="x", padx=theme.px(40))

    def _build_call_row(self) -> None:
        theme, ground = self._theme, self._theme.palette.window
        row = tk.Frame(self, background=ground)
        row.pack(pady=(theme.px(12), theme.px(14)))
        tk.Frame(row, background=ground, width=theme.px(44 + 14)).pack(side="left")
        pill = Look(160, 54, button.good(theme), ground, icon_size=30)
        self._call = Button(row, theme, self._on_call, pill, icon="call")
        self._call.pack(side="left")
        small = Look(44, 44, button.ghost(theme, ground), ground, focusable=False)
        self._erase = Button(row, theme, self._hands.erase, small, icon="backspace")
        self._erase.pack(side="left", padx=(theme.px(14), 0))

    def _on_account(self, _: object) -> None:
        self._hands.choose_account(self._addresses[self._accounts.current()])
        self._accounts.selection_clear()

    def _on_call(self) -> None:
        if self._faces.get("call") == ("hangup", True):
            self._hands.hang_up()
        else:
            self._hands.enter()

    def _show_account(self, model: Model) -> None:
        self._addresses = list(model.accounts)
        states = tuple((each.address, each.state) for each in model.accounts.values())
        place = self._addresses.index(model.account) if model.account in model.accounts else -1
        face = (states, place, model.account_tone)
        if self._faces.get("account") == face:
            return
        self._faces["account"] = face
        lines = [self._account_line(*each) for each in states]
        self._accounts.configure(values=lines)
        self._accounts.set(lines[place] if place >= 0 else tr("no account"))
        p, size = self._theme.palette, self._theme.px(DOT)
        colours = {"good": p.good_over, "busy": p.busy, "bad": p.bad, "plain": p.dim}
        image = self._theme.shape(size, size, size // 2, colours[model.account_tone])
        self._dot.configure(image=image)

    def _account_line(self, address: str, state: str) -> str:
        """A long address gets shorter; the state is read to its end."""
        theme = self._theme
        rest = words.account_line("", state)
        room = theme.px(ACCOUNT_ROOM) - theme.measure(rest, 12)
        return theme.fit(words.short(address), 12, room) + rest

    def _show_call_button(self, model: Model) -> None:
        ends = model.active is not None and not model.number and model.picking is None
        icon = "hangup" if ends else "call"
        if model.picking is not None:
            icon = model.picking.why
        face = (icon, model.running)
        if self._faces.get("call") == face:
            return
        self._faces["call"] = face
        good = button.accent if model.picking is not None else button.good
        self._call.show(icon=icon, colours=button.bad(self._theme) if ends else good(self._theme))
        self._call.set_enabled(model.running)

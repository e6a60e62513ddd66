"""The one window: account, number, dialpad and call button; beside them the calls.

It draws what the model says and hands the model's commands on. All of Tk happens on
the thread that made it; the engine's thread never gets here.
"""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Iterable
from tkinter import ttk

from ui_tk import buttons, words
from ui_tk.buttons import Button, Look
from ui_tk.call_panel import CallCard, IncomingBanner, OtherCalls, RecentCalls, label
from ui_tk.dialpad import Dialpad
from ui_tk.messages import Command, LevelsMeasured, Message
from ui_tk.model import KEYS, Model
from ui_tk.theme import Theme

TICK_MS = 250  # the clock of a call; nothing ticks while there is none
RING_MS = 3_000  # the bell, until a ringtone is played
NUMBER_SIZES = ((14, 28), (20, 21), (30, 15), (10_000, 12))  # up to that many letters, that size
WIDTH, HEIGHT, LEFT = 740, 600, 372


class Window:
    """Owns every widget. `send` takes the commands; `on_close` is called once at the end."""

    def __init__(
        self,
        root: tk.Tk,
        theme: Theme,
        model: Model,
        send: Callable[[Command], None],
        on_close: Callable[[], None],
    ) -> None:
        self._root, self._theme, self._model, self._send = root, theme, model, send
        self._number = tk.StringVar(root)
        self._ticking: str | None = None
        self._bell: str | None = None
        self._ringing = self._talking = False
        root.title("Platypus")
        root.minsize(theme.px(WIDTH), theme.px(HEIGHT))
        root.geometry(f"{theme.px(WIDTH)}x{theme.px(HEIGHT)}")
        root.columnconfigure(0, minsize=theme.px(LEFT))
        root.columnconfigure(1, weight=1)
        root.rowconfigure(0, weight=1)
        self._build_left()
        self._build_right()
        self._bind(on_close)
        self._entry.focus_set()
        self.refresh()

    def receive(self, messages: Iterable[Message]) -> None:
        """Take what the bridge brought, and draw once."""
        now, levels_only = time.monotonic(), True
        for message in messages:
            self._model.receive(message, now)
            levels_only = levels_only and isinstance(message, LevelsMeasured)
        if not levels_only:
            self.refresh()
        elif self._model.active is not None:
            self._card.show_levels(self._model.active)

    def say_fault(self, error: BaseException) -> None:
        """A fault of the window itself: said, and the phone goes on."""
        self._model.say(f"A fault in the window: {error}", "bad")
        self.refresh()

    def refresh(self) -> None:
        """Draw what the model says."""
        model, now = self._model, time.monotonic()
        self._root.title(model.title)
        self._show_account()
        if self._number.get() != model.number:
            self._number.set(model.number)
            self._entry.icursor("end")
        if model.number:
            self._placeholder.place_forget()
        else:
            self._placeholder.place(relx=0.5, rely=0.5, anchor="center")
        text, tone = model.below
        self._below.configure(text=text, foreground=self._theme.tone(tone))
        self._show_call_button()
        self._show_calls(now)
        self._recent.show(model, now)
        codec = model.active.call.codec if model.active is not None else None
        shown = (codec.upper() if codec else None, model.device)
        self._status.configure(
            text="  ·  ".join(each for each in shown if each),
            foreground=self._theme.tone("plain" if model.has_sound else "busy"),
        )
        self._attend()

    def _build_left(self) -> None:
        theme, p = self._theme, self._theme.palette
        left = tk.Frame(self._root, background=p.window)
        left.grid(row=0, column=0, sticky="nsew")
        row = tk.Frame(left, background=p.window)
        row.pack(fill="x", padx=theme.px(16), pady=(theme.px(14), 0))
        size = theme.px(12)
        self._dot = tk.Label(row, background=p.window, borderwidth=0, width=size, height=size)
        self._dot.pack(side="left", padx=(0, theme.px(9)))
        self._accounts = ttk.Combobox(row, state="readonly", font=theme.font(13))
        self._accounts.pack(side="left", fill="x", expand=True)
        self._accounts.bind("<<ComboboxSelected>>", self._on_account)
        holder = tk.Frame(left, background=p.window, height=theme.px(44))
        holder.pack(fill="x", padx=theme.px(16), pady=(theme.px(18), 0))
        holder.pack_propagate(False)
        self._entry = tk.Entry(
            holder,
            textvariable=self._number,
            justify="center",
            background=p.window,
            foreground=p.text,
            insertbackground=p.text,
            selectbackground=p.key_down,
            selectforeground=p.text,
            relief="flat",
            highlightthickness=0,
            borderwidth=0,
        )
        self._entry.pack(fill="both", expand=True)
        self._placeholder = label(self._entry, theme, 16, ground=p.window, colour=p.dim)
        self._placeholder.configure(text="Number or address", cursor="xterm")
        self._placeholder.bind("<Button-1>", lambda _: self._entry.focus_set())
        line = tk.Frame(left, background=p.border, height=theme.px(1))
        line.pack(fill="x", padx=theme.px(52))
        self._below = label(left, theme, 12, ground=p.window, colour=p.dim)
        self._below.configure(
            anchor="n", justify="center", height=2, wraplength=theme.px(LEFT - 32)
        )
        self._below.pack(fill="x", padx=theme.px(16), pady=(theme.px(6), theme.px(2)))
        self._dialpad = Dialpad(left, theme, self._on_pad)
        self._dialpad.pack()
        self._build_call_row(left)

    def _build_call_row(self, left: tk.Frame) -> None:
        theme, ground = self._theme, self._theme.palette.window
        row = tk.Frame(left, background=ground)
        row.pack(pady=(theme.px(12), theme.px(14)))
        tk.Frame(row, background=ground, width=theme.px(44 + 14)).pack(side="left")
        pill = Look(168, 54, buttons.good(theme), ground, icon_size=30)
        self._call = Button(row, theme, self._on_call, pill, icon="call")
        self._call.pack(side="left")
        small = Look(44, 44, buttons.plain(theme), ground, focusable=False)
        self._erase = Button(row, theme, self._on_erase, small, icon="backspace")
        self._erase.pack(side="left", padx=(theme.px(14), 0))

    def _build_right(self) -> None:
        theme, p = self._theme, self._theme.palette
        right = tk.Frame(self._root, background=p.panel)
        right.grid(row=0, column=1, sticky="nsew")
        self._banner = IncomingBanner(
            right,
            theme,
            lambda: self._do(self._model.answer()),
            lambda: self._do(self._model.refuse()),
        )
        self._card = CallCard(
            right,
            theme,
            lambda: self._do(self._model.toggle_mute()),
            lambda: self._do(self._model.toggle_hold()),
        )
        self._others = OtherCalls(right, theme, lambda call: self._do(self._model.select(call)))
        self._recent = RecentCalls(right, theme, self._call_again)
        self._status = label(right, theme, 11, colour=p.dim)
        self._status.pack(side="bottom", fill="x", padx=theme.px(18), pady=theme.px(10))
        self._status.bind("<Configure>", lambda e: self._status.configure(wraplength=e.width))
        for row in (self._banner, self._card, self._others):
            row.pack(fill="x")
        self._recent.pack(fill="both", expand=True)

    def _bind(self, on_close: Callable[[], None]) -> None:
        root = self._root
        root.protocol("WM_DELETE_WINDOW", on_close)
        root.bind("<Key>", self._on_key)
        root.bind("<Return>", lambda _: self._do(self._model.enter()))
        root.bind("<KP_Enter>", lambda _: self._do(self._model.enter()))
        root.bind("<Escape>", lambda _: self._do(self._model.escape()))
        root.bind("<Control-m>", lambda _: self._do(self._model.toggle_mute()))
        root.bind("<Control-h>", lambda _: self._do(self._model.toggle_hold()))
        root.bind("<Control-q>", lambda _: on_close())
        root.bind("<Control-l>", lambda _: self._entry.focus_set())
        self._entry.bind("<<Paste>>", self._on_paste)
        root.bind("<<Paste>>", self._on_paste)
        # Tk would delete a letter (Ctrl-H) in the entry before the window sees the key.
        self._entry.bind("<Control-h>", self._on_hold_key)
        self._entry.bind("<Control-a>", self._on_select_all)
        self._number.trace_add("write", lambda *_: self._on_typed())

    def _do(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._send(command)
        self.refresh()

    def _on_key(self, event: tk.Event[tk.Misc]) -> None:
        # With Control or Alt (Mod1) it is a shortcut, not a digit.
        if event.widget is self._entry or int(event.state) & 0xC:
            return
        if event.char and event.char in KEYS + "+":
            self._dialpad.flash(event.char)
            self._do(self._model.type(event.char))
        elif event.keysym == "BackSpace":
            self._on_erase()

    def _on_pad(self, key: str) -> None:
        self._do(self._model.type(key, into_number=self._root.focus_get() is self._entry))

    def _on_typed(self) -> None:
        text = self._number.get()
        size = next(size for most, size in NUMBER_SIZES if len(text) <= most)
        self._entry.configure(font=self._theme.font(size))
        if text != self._model.number:
            self._model.set_number(text)
            self.refresh()

    def _on_paste(self, _: tk.Event[tk.Misc]) -> str:
        try:
            text = self._root.clipboard_get()
        except tk.TclError:
            return "break"  # nothing there, or nothing that is text
        if self._entry.selection_present():
            self._entry.delete("sel.first", "sel.last")
        self._entry.insert("insert", words.tidy_number(text))
        self._entry.focus_set()
        return "break"

    def _on_hold_key(self, _: tk.Event[tk.Misc]) -> str:
        self._do(self._model.toggle_hold())
        return "break"

    def _on_select_all(self, _: tk.Event[tk.Misc]) -> str:
        self._entry.selection_range(0, "end")
        return "break"

    def _on_account(self, _: object) -> None:
        self._model.account = list(self._model.accounts)[self._accounts.current()]
        self._accounts.selection_clear()
        self.refresh()

    def _on_call(self) -> None:
        model = self._model
        ends = model.active is not None and not model.number
        self._do(model.hang_up() if ends else model.enter())

    def _on_erase(self) -> None:
        self._model.set_number(self._model.number[:-1])
        self.refresh()

    def _call_again(self, remote: str) -> None:
        self._model.set_number(remote)
        self._do(self._model.enter())

    def _show_account(self) -> None:
        model = self._model
        lines = [words.account_line(each.address, each.state) for each in model.accounts.values()]
        self._accounts.configure(values=lines)
        place = list(model.accounts).index(model.account) if model.account is not None else -1
        self._accounts.set(lines[place] if place >= 0 else "no account")
        p, size = self._theme.palette, self._theme.px(12)
        colours = {"good": p.good_over, "busy": p.busy, "bad": p.bad, "plain": p.dim}
        self._dot.configure(
            image=self._theme.shape(size, size, size // 2, colours[model.account_tone])
        )

    def _show_call_button(self) -> None:
        model = self._model
        ends = model.active is not None and not model.number
        if ends:
            self._call.show(icon="hangup", colours=buttons.bad(self._theme))
        else:
            self._call.show(icon="call", colours=buttons.good(self._theme))
        self._call.set_enabled(model.running)

    def _show_calls(self, now: float) -> None:
        model, line = self._model, self._model.active
        place(self._card, line is not None, before=self._others)
        if line is not None:
            self._card.show(model, line, now)
        below: tk.Widget = self._card if line is not None else self._others
        place(self._banner, model.ringing is not None, before=below)
        if model.ringing is not None:
            self._banner.show(model.ringing)
        self._others.show(model)

    def _attend(self) -> None:
        """What begins and ends with a call: the focus, the clock, the bell."""
        ringing, talking = self._model.ringing is not None, self._model.active is not None
        if ringing and not self._ringing:
            self._come_to_front()
        elif self._ringing and not ringing:
            self._root.attributes("-topmost", False)
            self._stop_bell()
        if talking and not self._talking:
            self._root.focus_set()  # from now on a digit is a tone
        elif not talking and not ringing and (self._talking or self._ringing):
            self._entry.focus_set()
        self._ringing, self._talking = ringing, talking
        if talking and self._ticking is None:
            self._ticking = self._root.after(TICK_MS, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        if self._model.active is not None:
            self._card.show(self._model, self._model.active, time.monotonic())
            self._ticking = self._root.after(TICK_MS, self._tick)

    def _come_to_front(self) -> None:
        root = self._root
        root.deiconify()
        root.lift()
        root.attributes("-topmost", True)
        root.focus_force()
        self._banner.take_focus()
        self._ring()

    def _ring(self) -> None:
        self._root.bell()
        self._bell = self._root.after(RING_MS, self._ring)

    def _stop_bell(self) -> None:
        if self._bell is not None:
            self._root.after_cancel(self._bell)
            self._bell = None


def place(widget: tk.Widget, on: bool, *, before: tk.Widget) -> None:
    """Show a row in its place, or take it away."""
    shown = bool(widget.winfo_manager())
    if on and not shown:
        widget.pack(fill="x", before=before)
    elif shown and not on:
        widget.pack_forget()

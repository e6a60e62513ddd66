"""The one window: rail, dial side, and at the right the calls above a page.

It draws what the model says; what keys and buttons do stands in `deeds`. All of Tk
happens on the thread that made it; the engine's thread never gets here.
"""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ui_tk.deeds import Deeds
from ui_tk.keyboard import Keyboard
from ui_tk.messages import (
    Command,
    LevelsMeasured,
    Message,
    QualityMeasured,
    ShowTray,
    SipMessage,
)
from ui_tk.model import Model
from ui_tk.pages.cards import Cards
from ui_tk.pages.dial_side import WIDTH as DIAL_WIDTH
from ui_tk.pages.dial_side import DialSide
from ui_tk.pages.lists import ContactsPage, FoundPage, HistoryPage, TeamPage
from ui_tk.pages.rail import WIDTH as RAIL_WIDTH
from ui_tk.pages.rail import Rail
from ui_tk.theme import Theme
from ui_tk.tray import Face, face_of
from ui_tk.widgets.label import label

if TYPE_CHECKING:
    from platypus.contacts import Contact
    from ui_tk.pages.incoming import Incoming
    from ui_tk.pages.welcome import Welcome

TICK_MS = 250  # the clock of a call; nothing ticks while there is none
RING_MS = 3_000  # the bell, until a ringtone is played
WIDTH, HEIGHT, LEAST_WIDTH = 920, 620, 860


class Dialogs(Protocol):
    """The windows that are seldom opened, and loaded only then."""

    def open_settings(self, section: str) -> None: ...
    def open_keys(self) -> None: ...
    def open_contact(self, contact: Contact | None, number: str) -> None: ...
    def open_import(self) -> None: ...
    def open_assistant(self) -> None: ...


class Window:
    """Owns every widget. `send` takes the commands; `on_close` is called once at the end,

    `on_dismiss` for the window's own close button.
    """

    def __init__(
        self,
        root: tk.Tk,
        theme: Theme,
        model: Model,
        send: Callable[[Command], None],
        on_close: Callable[[], None],
        *,
        on_dismiss: Callable[[], None],
        dialogs: Dialogs,
        records: Path,
        seen: Callable[[], object] = lambda: None,
    ) -> None:
        self._root, self._theme, self._model = root, theme, model
        self._send, self._on_close, self._dialogs = send, on_close, dialogs
        self.deeds = Deeds(model, send, self, records=records, seen=seen)
        self._incoming: Incoming | None = None
        self._welcome: Welcome | None = None
        self._ticking: str | None = None
        self._bell: str | None = None
        self._ringing = self._talking = False
        self._title = ""
        self._page: tk.Widget | None = None
        self._build()
        self._face: Face | None = None  # that the tray shows
        root.protocol("WM_DELETE_WINDOW", on_dismiss)
        Keyboard(root, self._side.entry, self.deeds, self._side.dialpad.flash)
        self._side.entry.bind("<Down>", lambda _: self._to_found())
        self._side.number.trace_add("write", lambda *_: self._on_typed())
        self._side.size_number()
        self._side.entry.focus_set()
        self.refresh()

    @property
    def size(self) -> tuple[int, int]:
        """As it opens, in screen pixels."""
        return self._theme.px(WIDTH), self._theme.px(HEIGHT)

    def receive(self, messages: Iterable[Message]) -> None:
        """Take what the bridge brought, and draw once."""
        now, measured_only = time.monotonic(), True
        self._model.wall = time.time() - now
        for message in messages:
            self._model.receive(message, now)
            if not isinstance(message, LevelsMeasured | QualityMeasured | SipMessage):
                measured_only = False
        if measured_only:
            self._cards.show_levels(self._model)
            return
        page = self._model.wanted_page()
        if page is not None:
            self.come_forward()
            self.deeds.show_page(page)
        self.refresh()
        for deed in self._model.wanted_deeds():
            self.deeds.asked(deed)

    def say_fault(self, error: BaseException) -> None:
        """A fault of the window itself: said, and the phone goes on."""
        self._model.say(f"A fault in the window: {error}", "bad")
        self.refresh()

    def refresh(self) -> None:
        """Draw what the model says."""
        model, now = self._model, time.monotonic()
        if model.title != self._title:
            self._title = model.title
            self._root.title(self._title)
        self._rail.show(model)
        self._side.show(model)
        self._cards.show(model, now)
        self._show_welcome()
        self._show_page(now)
        status = model.active.call.codec if model.active is not None else None
        shown = (status.upper() if status else None, model.device)
        self._status.configure(
            text="  ·  ".join(each for each in shown if each),
            foreground=self._theme.tone("plain" if model.has_sound else "busy"),
        )
        self._attend()
        self._show_tray()

    def focus_number(self) -> None:
        self.come_forward()
        self._side.entry.focus_set()

    def focus_page(self) -> None:
        page = self._pages[self._model.page]
        if page.list.rows:
            page.list.take_focus()

    def open_settings(self, section: str) -> None:
        self._dialogs.open_settings(section)

    def open_keys(self) -> None:
        self._dialogs.open_keys()

    def open_contact(self, contact: Contact | None, number: str) -> None:
        self._dialogs.open_contact(contact, number)

    def open_import(self) -> None:
        self._dialogs.open_import()

    def open_assistant(self) -> None:
        self._dialogs.open_assistant()

    def quit(self) -> None:
        self._on_close()

    def come_forward(self) -> None:
        self._root.deiconify()
        self._root.lift()
        self._root.focus_force()

    def close(self) -> None:
        """Nothing of this window ticks or rings any more."""
        self._stop_bell()
        if self._ticking is not None:
            self._root.after_cancel(self._ticking)
            self._ticking = None

    def _build(self) -> None:
        root, theme, p = self._root, self._theme, self._theme.palette
        root.minsize(theme.px(LEAST_WIDTH), theme.px(HEIGHT))
        self._frame = tk.Frame(root, background=p.window)
        self._frame.pack(fill="both", expand=True)
        self._rail = Rail(self._frame, theme, self.deeds)
        self._rail.pack(side="left", fill="y")
        self._side = DialSide(self._frame, theme, self.deeds)
        self._side.pack(side="left", fill="y")
        right = tk.Frame(self._frame, background=p.panel)
        right.pack(side="left", fill="both", expand=True)
        self._status = label(right, theme, 11, colour=p.dim)
        self._status.pack(side="bottom", fill="x", padx=theme.px(18), pady=theme.px(8))
        self._status.configure(wraplength=theme.px(WIDTH - DIAL_WIDTH - RAIL_WIDTH - 40))
        self._cards = Cards(right, theme, self.deeds)
        self._cards.pack(fill="x")
        self._pages = {
            "history": HistoryPage(right, theme, self.deeds),
            "contacts": ContactsPage(right, theme, self.deeds),
            "team": TeamPage(right, theme, self.deeds),
        }
        self._found = FoundPage(right, theme, self.deeds, self.focus_number)

    def _show_welcome(self) -> None:
        wanted = self._model.demo and not self._model.lines.all
        if wanted and self._welcome is None:
            from ui_tk.pages.welcome import Welcome

            self._welcome = Welcome(self._cards.master, self._theme, self.deeds)
            self._welcome.pack(fill="x", after=self._cards)
        elif not wanted and self._welcome is not None:
            self._welcome.destroy()
            self._welcome = None

    def _show_page(self, now: float) -> None:
        model = self._model
        page: tk.Widget
        if model.number.strip():
            self._found.show(model.hits(), model.host)
            page = self._found
        else:
            page = self._pages[model.page]
            if isinstance(page, HistoryPage):
                page.show(model, now + (model.wall or time.time() - now))
            elif isinstance(page, ContactsPage | TeamPage):
                page.show(model)
        if page is not self._page:
            if self._page is not None:
                self._page.pack_forget()
            page.pack(fill="both", expand=True)
            self._page = page

    def _to_found(self) -> str:
        if self._page is self._found and self._found.list.rows:
            self._found.list.take_focus()
        else:
            self.focus_page()
        return "break"

    def _on_typed(self) -> None:
        self._side.size_number()
        text = self._side.number.get()
        if text != self._model.number:
            self._model.set_number(text)
            self.refresh()

    def _attend(self) -> None:
        """What begins and ends with a call: the focus, the clock, the bell, the window on top."""
        model = self._model
        ringing, talking = model.ringing is not None, model.active is not None
        diverting = model.picking is not None and model.picking.why == "divert"
        if ringing or self._ringing:
            self._show_incoming()
        if ringing and not self._ringing:
            self._ring()
        elif self._ringing and not ringing:
            self._stop_bell()
        if talking and not self._talking and not diverting:
            self._root.focus_set()  # from now on a digit is a tone
        elif self._ringing and not ringing and talking:
            if self._root.state() == "withdrawn":  # in the tray: a call wants its buttons
                self._root.deiconify()
            self._root.focus_force()
        elif not talking and not ringing and (self._talking or self._ringing):
            self._side.entry.focus_force()
        self._ringing, self._talking = ringing, talking
        if model.lines.all and self._ticking is None:
            self._ticking = self._root.after(TICK_MS, self._tick)

    def _show_tray(self) -> None:
        face = face_of(self._model) if self._model.tray else None
        if face is not None and face != self._face:
            self._send(ShowTray(face))
        self._face = face

    def _show_incoming(self) -> None:
        if self._incoming is None:
            from ui_tk.pages.incoming import Incoming

            self._incoming = Incoming(self._root, self._theme, self.deeds)
        self._incoming.show(self._model)

    def _tick(self) -> None:
        self._ticking = None
        if self._model.lines.all:
            self._cards.show(self._model, time.monotonic())
            self._ticking = self._root.after(TICK_MS, self._tick)

    def _ring(self) -> None:
        self._root.bell()
        self._bell = self._root.after(RING_MS, self._ring)

    def _stop_bell(self) -> None:
        if self._bell is not None:
            self._root.after_cancel(self._bell)
            self._bell = None

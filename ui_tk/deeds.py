"""What every key and button does: asks the model, sends the commands, lets the view draw.

No tkinter here: the view is whoever can do the few things of `View`. The names are those
of `actions` and `pages.hands`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ui_tk.messages import Command
from ui_tk.model import LIVE_STATES, PAGES, Model
from ui_tk.texts import tr

if TYPE_CHECKING:
    from platypus.contacts import Contact


class View(Protocol):
    """What a deed needs of the window."""

    def refresh(self) -> None: ...
    def come_forward(self) -> None: ...
    def focus_number(self) -> None: ...
    def focus_page(self) -> None: ...
    def open_settings(self, section: str) -> None: ...
    def open_keys(self) -> None: ...
    def open_contact(self, contact: Contact | None, number: str) -> None: ...
    def open_import(self) -> None: ...
    def open_assistant(self) -> None: ...
    def quit(self) -> None: ...


# What may be asked for from outside the window: by the tray's menu and by global hotkeys.
OUTSIDE = ("answer", "refuse", "hang_up", "answer_or_end", "mute", "dnd", "come_forward", "quit")


class Deeds:
    """`send` takes the commands; `records` is where recordings go."""

    def __init__(
        self,
        model: Model,
        send: Callable[[Command], None],
        view: View,
        *,
        records: Path,
        seen: Callable[[], object] = lambda: None,
    ) -> None:
        self._model, self._send, self._view, self._records = model, send, view, records
        self._seen = seen

    def do(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._send(command)
        self._view.refresh()

    def enter(self) -> None:
        self.do(self._model.enter())

    def answer(self) -> None:
        self.do(self._model.answer())

    def refuse(self) -> None:
        self.do(self._model.lines.refuse())

    def asked(self, name: str) -> None:
        """A deed by its name, from outside the window."""
        if name in OUTSIDE:
            getattr(self, name)()

    def answer_or_end(self) -> None:
        """The one button of a headset: takes the call that rings, else ends the one in front."""
        if self._model.ringing is not None:
            self.answer()
        else:
            self.hang_up()

    def come_forward(self) -> None:
        self._view.come_forward()

    def escape(self) -> None:
        self.do(self._model.escape())

    def divert(self) -> None:
        self._begin("divert")

    def transfer(self) -> None:
        if self._model.picking is not None:
            self.escape()
        else:
            self._begin("transfer")

    def _begin(self, why: str) -> None:
        self._model.begin_picking("divert" if why == "divert" else "transfer")
        self._view.refresh()
        if self._model.picking is not None:
            self._view.focus_number()

    def hang_up(self, call: str | None = None) -> None:
        self.do(self._model.lines.hang_up(call))

    def mute(self) -> None:
        self.do(self._model.lines.toggle_mute())

    def hold(self) -> None:
        self.do(self._model.lines.toggle_hold())

    def conference(self) -> None:
        active = self._model.active
        if active is not None and active.call.conference:
            self.split()
        else:
            self.do(self._model.lines.conference())

    def split(self) -> None:
        self.do(self._model.lines.split())

    def record(self) -> None:
        line = self._model.active
        name = re.sub(r"[^\w@.+-]+", "_", line.party)[:60] if line is not None else ""
        file = self._records / time.strftime(f"%Y-%m-%d %H.%M.%S {name}.wav")
        commands = self._model.lines.toggle_record(str(file))
        if commands:
            self._records.mkdir(parents=True, exist_ok=True)
        if line is not None and line.call.recording:
            self._model.say(tr("Recorded in {folder}", folder=self._records), "good")
        self.do(commands)

    def accept_transfer(self) -> None:
        self._answer_transfer(accept=True)

    def refuse_transfer(self) -> None:
        self._answer_transfer(accept=False)

    def _answer_transfer(self, *, accept: bool) -> None:
        asked = next((line for line in self._model.lines.shown if line.asked), None)
        if asked is not None:
            self.do(self._model.answer_transfer(asked.key, accept=accept))

    def redial(self) -> None:
        self.do(self._model.redial())

    def voicemail(self) -> None:
        self.do(self._model.call_voicemail())

    def pick_up(self) -> None:
        """The first lamp that rings."""
        for contact in self._model.watched:
            if self._model.lamp_of(contact) in LIVE_STATES:
                self.do(self._model.press_lamp(contact))
                return
        self._model.say(tr("No colleague's phone rings."))
        self._view.refresh()

    def press_lamp(self, contact: Contact) -> None:
        self.do(self._model.press_lamp(contact))

    def dnd(self) -> None:
        self.do(self._model.toggle_dnd())

    def account(self) -> None:
        addresses = list(self._model.accounts)
        if addresses:
            at = addresses.index(self._model.account) if self._model.account in addresses else -1
            self.choose_account(addresses[(at + 1) % len(addresses)])

    def choose_account(self, address: str) -> None:
        self._model.account = address
        self._view.refresh()

    def pick(self, call: str) -> None:
        self.do(self._model.pick_call(call))

    def pick_number(self, number: int) -> None:
        """The call whose card is that one from the top, counted from 1."""
        lines = self._model.lines.shown
        if number <= len(lines):
            self.pick(lines[number - 1].key)

    def press_key(self, key: str) -> None:
        self.do(self._model.type(key))

    def erase(self) -> None:
        self._model.set_number(self._model.number[:-1])
        self._view.refresh()

    def dial(self, number: str) -> None:
        self.do(self._model.dial(number))

    def number(self) -> None:
        self._view.focus_number()

    def history(self) -> None:
        self.show_page("history")

    def contacts(self) -> None:
        self.show_page("contacts")

    def team(self) -> None:
        self.show_page("team")

    def show_page(self, page: str) -> None:
        """One of the pages, or `phone`, `settings`, `keys`."""
        if page == "settings":
            self.settings()
        elif page == "keys":
            self.keys()
        elif page == "phone":
            self.number()
        elif page in PAGES:
            self._model.page = page
            if self._model.number and self._model.picking is None:
                self._model.set_number("")
            if page == "history" and self._model.mark_seen():
                self._seen()
            self._view.refresh()
            self._view.focus_page()

    def settings(self, section: str = "") -> None:
        self._view.open_settings(section)

    def set_up_account(self) -> None:
        self._view.open_assistant()

    def keys(self) -> None:
        self._view.open_keys()

    def import_contacts(self) -> None:
        self._view.open_import()

    def edit_contact(self, contact: Contact | None, number: str = "") -> None:
        self._view.open_contact(contact, number)

    def quit(self) -> None:
        self._view.quit()

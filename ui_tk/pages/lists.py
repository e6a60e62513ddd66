"""The pages below the calls: the history, the contacts, the team's lamps, and what was found."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, cast

from ui_tk import words
from ui_tk.finding import Hit
from ui_tk.model import LIVE_STATES, Model
from ui_tk.pages.hands import Hands
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets import button
from ui_tk.widgets.button import Button, Look
from ui_tk.widgets.label import label
from ui_tk.widgets.rows import Row, RowList

if TYPE_CHECKING:
    from platypus.contacts import Contact
    from platypus.history import CallRecord

KINDS = {
    "outgoing": ("outgoing", "good"),
    "failed": ("outgoing", "bad"),
    "incoming": ("incoming", "plain"),
    "elsewhere": ("incoming", "plain"),
    "missed": ("missed", "bad"),
    "refused": ("incoming", "busy"),
}
LAMP_TONES = {"terminated": "good", "confirmed": "bad", **dict.fromkeys(LIVE_STATES, "busy")}


class Page(tk.Frame):
    """A heading, buttons beside it, and a list."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        heading: str,
        rows: Callable[[tk.Frame], RowList],
    ) -> None:
        p = theme.palette
        super().__init__(parent, background=p.panel)
        self._theme = theme
        self.head = tk.Frame(self, background=p.panel)
        self.head.pack(fill="x", padx=theme.px(16), pady=(theme.px(14), theme.px(6)))
        self._heading = label(self.head, theme, 17, text=heading, weight="bold")
        self._heading.pack(side="left")
        self.list = rows(self)
        self.list.pack(fill="both", expand=True, padx=(theme.px(4), 0))

    def add_button(self, icon: str, command: Callable[[], object], text: str = "") -> Button:
        theme = self._theme
        colours = button.plain(theme) if text else button.ghost(theme, theme.palette.panel)
        look = Look(0 if text else 32, 32, colours, theme.palette.panel,
                    icon_size=16, text_size=12)  # fmt: skip
        made = Button(self.head, theme, command, look, icon=icon, text=text)
        made.pack(side="right", padx=(theme.px(6), 0))
        return made


class HistoryPage(Page):
    """Calls of the past; Return or a double click calls again."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        super().__init__(parent, theme, tr("Calls"), self._make)
        self._hands = hands
        self._shown: tuple[object, ...] = ()
        self.add_button("person", self._keep)

    def show(self, model: Model, wall: float) -> None:
        today = time.localtime(wall)[:3]
        shown = (tuple(model.recent), today, model.host)
        if shown != self._shown:
            self._shown = shown
            calls = enumerate(model.recent)
            self.list.show([history_row(at, each, model, wall) for at, each in calls])
            self._recent = list(model.recent)

    def _make(self, parent: tk.Frame) -> RowList:
        empty = tr("No calls yet. Type a number and press Return.")
        return RowList(parent, self._theme, self._again, empty=empty)

    def _again(self, key: Hashable) -> None:
        at = [row.key for row in self.list.rows].index(key)
        self._hands.dial(words.short(self._recent[at].uri))

    def _keep(self) -> None:
        """Make a contact of the chosen call."""
        keys = [row.key for row in self.list.rows]
        if self.list.selected in keys:
            self._hands.edit_contact(
                None, words.short(self._recent[keys.index(self.list.selected)].uri)
            )


def history_row(at: int, call: CallRecord, model: Model, wall: float) -> Row:
    icon, tone = KINDS[call.kind]
    name = model.name_of(call.uri)
    number = words.number_of(call.uri, model.host)
    parts = [number if words.party(call.uri, name or call.name) != number else ""]
    if call.duration_s is not None:
        parts.append(words.duration(call.duration_s))
    elif call.kind == "failed":
        parts.append(words.why_ended(call.code, call.reason).rstrip("."))
    else:
        said = {"missed": tr("missed"), "refused": tr("refused"),
                "elsewhere": tr("answered on another phone")}  # fmt: skip
        parts.append(said.get(call.kind, tr("cancelled")))
    return Row(
        (call.began, call.uri, len(model.recent) - at),
        words.party(call.uri, name or call.name),
        "  ·  ".join(each for each in parts if each),
        when(call.began, wall),
        icon,
        tone,
    )


def when(then: float, now: float) -> str:
    """The time of day, or yesterday, a weekday, a date: as short as it is clear."""
    day, today = time.localtime(then), time.localtime(now)
    clock = time.strftime("%H:%M", day)
    if day[:3] == today[:3]:
        return clock
    if time.localtime(now - 86_400)[:3] == day[:3]:
        return tr("yesterday") + " " + clock
    days = (tr("Mon"), tr("Tue"), tr("Wed"), tr("Thu"), tr("Fri"), tr("Sat"), tr("Sun"))
    if 0 <= now - then < 6 * 86_400:
        return f"{days[day.tm_wday]} {clock}"
    return time.strftime("%Y-%m-%d", day)


class ContactsPage(Page):
    """The address book; Return calls, the pencil changes."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        super().__init__(parent, theme, tr("Contacts"), self._make)
        self._hands = hands
        self._contacts: tuple[Contact, ...] | None = None
        self.add_button("import", hands.import_contacts, tr("Import…"))
        self.add_button("plus", lambda: hands.edit_contact(None), tr("New"))
        self.add_button("edit", self._edit)

    def show(self, model: Model) -> None:
        contacts = model.book.contacts if model.book is not None else ()
        if contacts is self._contacts or contacts == self._contacts:
            return
        self._contacts = contacts
        self.list.show(
            [
                Row(
                    (at, number.value),
                    contact.name,
                    "  ·  ".join(
                        each for each in (number.value, number.label, contact.organisation) if each
                    ),
                    icon="person",
                    badge="team" if contact.watch else "",
                )
                for at, contact in enumerate(contacts)
                for number in contact.numbers or ()
            ]
        )

    def _make(self, parent: tk.Frame) -> RowList:
        empty = tr("No contacts yet. Import a vCard or CSV file, or make a new one.")
        return RowList(parent, self._theme, self._call, empty=empty)

    def _call(self, key: Hashable) -> None:
        self._hands.dial(cast("tuple[int, str]", key)[1])

    def _edit(self) -> None:
        key = cast("tuple[int, str] | None", self.list.selected)
        if key is not None and self._contacts is not None:
            self._hands.edit_contact(self._contacts[key[0]])


class TeamPage(Page):
    """Busy lamps: who is free, in a call, or rings; a lamp that rings is picked up."""

    def __init__(self, parent: tk.Misc, theme: Theme, hands: Hands) -> None:
        super().__init__(parent, theme, tr("Team"), self._make)
        self._hands = hands
        self._contacts: list[Contact] = []

    def show(self, model: Model) -> None:
        self._contacts = model.watched
        rows = []
        for at, contact in enumerate(self._contacts):
            state = model.lamp_of(contact)
            rings = state in LIVE_STATES
            rows.append(
                Row(
                    at,
                    contact.name,
                    contact.numbers[0].value if contact.numbers else "",
                    tr("Return takes the call") if rings else words.lamp(state),
                    "pickup" if rings else "person",
                    LAMP_TONES.get(state, "plain"),
                )
            )
        self.list.show(rows)

    def _make(self, parent: tk.Frame) -> RowList:
        empty = tr("Nobody is watched. Open a contact and switch its lamp on.")
        return RowList(parent, self._theme, self._press, empty=empty)

    def _press(self, key: Hashable) -> None:
        self._hands.press_lamp(self._contacts[cast(int, key)])


class FoundPage(Page):
    """Who could be meant by what is typed; Down goes there, Return calls."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, hands: Hands, leave: Callable[[], object]
    ) -> None:
        self._leave = leave
        super().__init__(parent, theme, tr("Found"), self._make)
        self._hands = hands
        self._hits: list[Hit] = []

    def show(self, hits: list[Hit], host: str) -> None:
        if hits == self._hits:
            return
        self._hits = hits
        self.list.show(
            [
                Row(
                    at,
                    hit.name,
                    "  ·  ".join(
                        each for each in (words.number_of(hit.number, host), hit.label) if each
                    ),
                    icon="person" if hit.kind == "contact" else KINDS[hit.kind][0],
                )
                for at, hit in enumerate(hits)
            ]
        )

    def _make(self, parent: tk.Frame) -> RowList:
        empty = tr("Nobody found. Return calls what is typed.")
        return RowList(parent, self._theme, self._call, on_leave=self._leave, empty=empty)

    def _call(self, key: Hashable) -> None:
        self._hands.dial(self._hits[cast(int, key)].number)

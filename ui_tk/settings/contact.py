"""One contact: made, changed, given a lamp, taken away; and contacts from a file."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING

from platypus import ConfigError
from ui_tk.messages import Redraw, Watch
from ui_tk.settings.host import Host
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.dialog import Dialog
from ui_tk.widgets.fields import Field, Switch

if TYPE_CHECKING:
    from platypus.contacts import Contact

NUMBERS = 3  # fields for numbers; more come from imports, and stay


class ContactDialog(Dialog):
    """What is changed is written when Save is pressed, and not before."""

    def __init__(
        self, root: tk.Tk, theme: Theme, host: Host, contact: Contact | None, number: str
    ) -> None:
        super().__init__(root, theme, tr("Contact") if contact else tr("New contact"))
        self._host, self._contact = host, contact
        self._name = Field(self.body, theme, tr("Name"), contact.name if contact else "")
        self._name.pack(fill="x")
        values = [each.value for each in contact.numbers] if contact else [number]
        self._numbers = []
        for at in range(max(NUMBERS, len(values))):
            value = values[at] if at < len(values) else ""
            field = Field(self.body, theme, tr("Number or address {count}", count=at + 1), value)
            field.pack(fill="x")
            self._numbers.append(field)
        self._watch = Switch(
            self.body, theme, tr("Busy lamp"), bool(contact and contact.watch),
            hint=tr("Shows under Team whether the first number is free."),
        )  # fmt: skip
        self._watch.pack(fill="x", pady=(theme.px(8), 0))
        self.add_button(tr("Save"), self._save, kind="accent")
        self.add_button(tr("Cancel"), self.destroy)
        if contact is not None:
            self.add_button(tr("Delete"), self._delete, kind="bad", icon="trash")
        self.appear(self._name.entry)

    def _save(self) -> None:
        from platypus.contacts import Contact, Number

        name = self._name.value
        if not name:
            self._name.say(tr("A contact needs a name."))
            return
        labels = {each.value: each.label for each in (self._contact or Contact("")).numbers}
        values = dict.fromkeys(field.value for field in self._numbers if field.value)
        if not values:
            self._numbers[0].say(tr("A contact needs a number or an address."))
            return
        numbers = tuple(Number(value, labels.get(value, "")) for value in values)
        old = self._contact
        new = Contact(
            name, numbers, old.organisation if old else "", bool(old and old.favourite),
            self._watch.on,
        )  # fmt: skip
        self._change(old, new)

    def _delete(self) -> None:
        self._change(self._contact, None)

    def _change(self, old: Contact | None, new: Contact | None) -> None:
        host, book = self._host, self._host.model.book
        self.destroy()
        if book is None:
            return
        for contact, on in ((old, False), (new, True)):
            if contact is not None and contact.watch and contact.numbers:
                host.send(Watch(contact.numbers[0].value, on))

        def write() -> None:
            if old is None and new is not None:
                book.add(new)
            elif old is not None and new is not None:
                book.replace(old, new)
            elif old is not None:
                book.remove(old)

        changed_later(host, write)


def import_contacts(root: tk.Tk, host: Host) -> None:
    """Ask for a vCard or CSV file and take over what is in it."""
    kinds = (("vCard, CSV", "*.vcf *.vcard *.csv"), (tr("All files"), "*"))
    name = filedialog.askopenfilename(parent=root, title=tr("Import contacts"), filetypes=kinds)
    book = host.model.book
    if not name or book is None:
        return
    from platypus.contacts import from_csv, from_vcard

    path = Path(name)
    try:
        found, skipped = (from_csv if path.suffix.lower() == ".csv" else from_vcard)(path)
    except ConfigError as error:
        host.model.say(f"{error}.", "bad")
        host.window.refresh()
        return
    text = tr("{count} contacts taken over.", count=len(found))
    if skipped:
        text += " " + tr("{count} had no number.", count=skipped)
    host.model.say(text, "good")
    host.model.page = "contacts"
    changed_later(host, lambda: book.add(*found))


def changed_later(host: Host, write: Callable[[], object]) -> None:
    """Write off the window's thread, then draw what came of it."""

    def task() -> None:
        try:
            write()
        finally:
            host.post(Redraw())

    host.keeper.do(task)

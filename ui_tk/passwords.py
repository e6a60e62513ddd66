"""Passwords for the accounts: from the keychain, else asked for; off the window's thread.

The keychain may ask the user, or hang with its daemon: it is spoken to on a thread of its
own, and the window is there meanwhile. What it does not know is asked for in a window, and
kept only where the user wants it kept.
"""

from __future__ import annotations

import threading
import tkinter as tk
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from platypus import CredentialsError
from ui_tk import words
from ui_tk.messages import AccountSettings
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.dialog import Dialog
from ui_tk.widgets.fields import Field, Switch
from ui_tk.widgets.label import label, wrapping

if TYPE_CHECKING:
    from platypus.credentials import CredentialStore

Found = dict[str, str | None]


class Passwords:
    """`later(work)` runs `work` on the window's thread, whatever thread asks for it."""

    def __init__(self, later: Callable[[Callable[[], None]], None]) -> None:
        self._later = later
        self._store: CredentialStore | None = None
        self.problem = ""  # why there is no keychain, in a sentence

    def find(self, accounts: Sequence[AccountSettings], done: Callable[[Found], None]) -> None:
        """Look for the password of each account that registers; `done` on the window's thread."""
        wanted = [each.address for each in accounts if each.register and each.password is None]
        if not wanted:
            done({})
            return

        def look() -> None:
            found: Found = {}
            for address in wanted:
                try:
                    found[address] = self._opened().get(address)
                except CredentialsError as error:
                    self.problem = str(error)
                    found[address] = None
            self._later(lambda: done(found))

        threading.Thread(target=look, name="platypus passwords", daemon=True).start()

    def keep(self, address: str, password: str, failed: Callable[[str], None]) -> None:
        """Put it in the keychain. `failed(sentence)` where that can't be done."""
        self._work(lambda store: store.set(address, password), failed)

    def forget(self, address: str, failed: Callable[[str], None]) -> None:
        self._work(lambda store: store.delete(address), failed)

    def _work(self, work: Callable[[CredentialStore], None], failed: Callable[[str], None]) -> None:
        def run() -> None:
            try:
                work(self._opened())
                if self.problem:
                    self._later(lambda: failed(self.problem))
            except CredentialsError as problem:
                text = str(problem)
                self._later(lambda: failed(text))

        threading.Thread(target=run, name="platypus passwords", daemon=True).start()

    def _opened(self) -> CredentialStore:
        if self._store is None:
            from platypus.credentials import open_store

            self._store, self.problem = open_store()
        return self._store


class Ask(Dialog):
    """Asks for one password. `done(password, keep)`; None where the user does not say."""

    def __init__(
        self,
        root: tk.Misc,
        theme: Theme,
        address: str,
        problem: str,
        done: Callable[[str | None, bool], None],
    ) -> None:
        super().__init__(root, theme, tr("Password"))
        self._done: Callable[[str | None, bool], None] | None = done
        name = tr("Password for {account}:", account=words.short(address))
        self._field = Field(self.body, theme, name, secret=True)
        self._field.pack(fill="x")
        self._keep: Switch | None = None
        if problem:
            text = tr("It is asked for at each start: {why}", why=problem)
            note = wrapping(label(self.body, theme, 11, text=text, colour=theme.palette.dim))
            note.pack(fill="x")
        else:
            self._keep = Switch(self.body, theme, tr("Keep it in the keychain"), False)
            self._keep.pack(fill="x")
        self.add_button(tr("Register"), self._take, kind="good")
        self.add_button(tr("Not now"), self.destroy)
        self.appear(self._field.entry)

    def _take(self) -> None:
        done, self._done = self._done, None
        password, keep = self._field.secret, bool(self._keep and self._keep.on)
        self.destroy()
        if done is not None:
            done(password, keep)

    def destroy(self) -> None:
        done, self._done = self._done, None
        super().destroy()
        if done is not None:
            done(None, False)

"""The windows that ask for what is secret: an account's password, the vault's passphrase."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from ui_tk import words
from ui_tk.passwords import Place
from ui_tk.texts import tr
from ui_tk.theme import Theme
from ui_tk.widgets.dialog import Dialog
from ui_tk.widgets.fields import Field, Switch

MIN_PASSPHRASE = 8  # as `platypus.vault` wants it


class Ask(Dialog):
    """Asks for one password. `done(password, keep)`; None where the user does not say."""

    def __init__(
        self,
        root: tk.Misc,
        theme: Theme,
        address: str,
        place: Place,
        problem: str,
        done: Callable[[str | None, bool], None],
    ) -> None:
        super().__init__(root, theme, tr("Password"))
        self._done: Callable[[str | None, bool], None] | None = done
        name = tr("Password for {account}:", account=words.short(address))
        self._field = Field(self.body, theme, name, secret=True)
        self._field.pack(fill="x")
        text = {
            "keychain": tr("Keep it in the keychain"),
            "vault": tr("Keep it in the file under your passphrase"),
        }.get(place, tr("Keep it in a file under a passphrase"))
        self._keep = Switch(self.body, theme, text, place == "vault")
        self._keep.pack(fill="x")
        if place != "keychain":
            text = tr("Else it is asked for at each start: {why}", why=problem)
            self.note(text, size=11)
        self.add_button(tr("Register"), self._take, kind="good")
        self.add_button(tr("Not now"), self.destroy)
        self.appear(self._field.entry)

    def _take(self) -> None:
        done, self._done = self._done, None
        password, keep = self._field.secret, self._keep.on
        self.destroy()
        if done is not None:
            done(password, keep)

    def destroy(self) -> None:
        done, self._done = self._done, None
        super().destroy()
        if done is not None:
            done(None, False)


class Unlock(Dialog):
    """Asks for the passphrase until it opens the vault: `tried(passphrase, self.answer)`.

    `given_up()` where the user does not know it now.
    """

    def __init__(
        self,
        root: tk.Misc,
        theme: Theme,
        tried: Callable[[str, Callable[[str], None]], None],
        given_up: Callable[[], None],
    ) -> None:
        super().__init__(root, theme, tr("Unlock the passwords"))
        self._tried, self._given_up, self._busy = tried, given_up, False
        self._field = Field(self.body, theme, tr("Passphrase"), secret=True)
        self._field.pack(fill="x")
        self.add_button(tr("Unlock"), self._take, kind="good")
        self.add_button(tr("Not now"), self.destroy)
        self.appear(self._field.entry)

    def answer(self, problem: str) -> None:
        """What came of it; with a problem it is asked again."""
        if not self.winfo_exists():
            return
        self._busy = False
        if problem:
            self._field.say(problem)
            self._field.entry.selection_range(0, "end")
            return
        super().destroy()

    def _take(self) -> None:
        if not self._busy and self._field.secret:
            self._busy = True
            self._field.tell(tr("Opening…"))
            self._tried(self._field.secret, self.answer)

    def destroy(self) -> None:
        super().destroy()
        self._given_up()


class NewVault(Dialog):
    """Asks where passwords shall be kept where there is no keychain.

    `done(passphrase)` for a file, `done("")` where they are to be asked for at each start.
    """

    def __init__(
        self, root: tk.Misc, theme: Theme, problem: str, done: Callable[[str], None]
    ) -> None:
        super().__init__(root, theme, tr("Keeping passwords"), width=460)
        self._done: Callable[[str], None] | None = done
        text = tr("There is no keychain to keep them: {why}", why=problem)
        self.note(text)
        hint = tr("Asked for at each start; nobody can recover it.")
        self._phrase = Field(self.body, theme, tr("Passphrase for a file of passwords"), hint=hint,
                            secret=True)  # fmt: skip
        self._phrase.pack(fill="x")
        self._repeated = Field(self.body, theme, tr("Once more"), secret=True)
        self._repeated.pack(fill="x")
        self.add_button(tr("Keep in a file"), self._take, kind="accent")
        self.add_button(tr("Ask at each start"), self.destroy)
        self.appear(self._phrase.entry)

    def _take(self) -> None:
        passphrase = self._phrase.secret
        short = len(passphrase) < MIN_PASSPHRASE
        least = tr("A passphrase has at least {count} characters.", count=MIN_PASSPHRASE)
        self._phrase.say(least if short else "")
        differs = not short and passphrase != self._repeated.secret
        self._repeated.say(tr("That is not the same.") if differs else "")
        if short or differs:
            (self._phrase if short else self._repeated).entry.focus_set()
            return
        done, self._done = self._done, None
        self.destroy()
        if done is not None:
            done(passphrase)

    def destroy(self) -> None:
        done, self._done = self._done, None
        super().destroy()
        if done is not None:
            done("")

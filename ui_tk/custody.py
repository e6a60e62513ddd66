"""The passwords of the window that runs: those that are known, found, asked for and kept.

    gather:  the keychain, or the vault once it is unlocked  ->  asked for, one after the other
    keep:    the keychain, or the vault  ->  asked once where there is neither

What the user does not want kept is held in memory and nowhere else.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ui_tk.messages import AccountSettings
from ui_tk.passwords import Found, Later, Passwords

if TYPE_CHECKING:
    from ui_tk.theme import Theme


class Custody:
    """`say(problem)` is told what could not be kept; `theme()` is how windows look now."""

    def __init__(
        self, root: tk.Tk, theme: Callable[[], Theme], later: Later, say: Callable[[str], None]
    ) -> None:
        self._root, self._theme, self._say = root, theme, say
        self._passwords = Passwords(later)
        self._asks_each_time = False  # the user's word, until the end
        self.known: Found = {}

    def gather(self, accounts: Sequence[AccountSettings], done: Callable[[], None]) -> None:
        """Learn the password of each account, or that the user does not say it now."""
        unknown = tuple(each for each in accounts if each.address not in self.known)
        self._passwords.find(unknown, lambda found: self._found(unknown, found, done))

    def know(self, address: str, password: str) -> None:
        """From now on; and kept, where the user wants it kept."""
        self.known[address] = password
        self._passwords.look(lambda: self._keep(address, password, then=lambda: None))

    def forget(self, address: str) -> None:
        self.known.pop(address, None)
        self._passwords.forget(address, self._told)

    def _found(
        self, accounts: Sequence[AccountSettings], found: Found, done: Callable[[], None]
    ) -> None:
        self.known |= {address: each for address, each in found.items() if each is not None}
        missing = [address for address, password in found.items() if password is None]
        if missing and self._passwords.place == "locked" and not self._asks_each_time:
            self._unlock(
                then=lambda: self.gather(accounts, done),
                instead=lambda: self._ask(missing, done),
            )
        else:
            self._ask(missing, done)

    def _ask(self, missing: Sequence[str], done: Callable[[], None]) -> None:
        if not missing:
            done()
            return
        address, *rest = missing

        def answered(password: str | None, keep: bool) -> None:
            self.known[address] = password

            def go_on() -> None:
                self._root.after_idle(lambda: self._ask(rest, done))

            if password and keep:
                self._keep(address, password, wanted=True, then=go_on)
            else:
                go_on()

        from ui_tk.asking import Ask

        problem = self._passwords.problem
        Ask(self._root, self._theme(), address, self._passwords.place, problem, answered)

    def _keep(
        self, address: str, password: str, *, wanted: bool = False, then: Callable[[], None]
    ) -> None:
        """Where passwords are kept here; without such a place the user says, once."""

        def keep() -> None:
            self._passwords.keep(address, password, self._told)
            then()

        if self._passwords.place in ("keychain", "vault"):
            keep()
        elif self._asks_each_time and not wanted:
            then()
        elif self._passwords.place == "locked":
            self._unlock(then=keep, instead=then)
        else:
            self._begin_vault(then=keep, instead=then)

    def _begin_vault(self, *, then: Callable[[], None], instead: Callable[[], None]) -> None:
        from ui_tk.asking import NewVault

        def opened(problem: str) -> None:
            self._told(problem)
            (instead if problem else then)()

        def said(passphrase: str) -> None:
            if passphrase:
                self._passwords.open_vault(passphrase, opened)
            else:
                self._asks_each_time = True
                instead()

        NewVault(self._root, self._theme(), self._passwords.problem, said)

    def _unlock(self, *, then: Callable[[], None], instead: Callable[[], None]) -> None:
        from ui_tk.asking import Unlock

        def tried(passphrase: str, answer: Callable[[str], None]) -> None:
            def opened(problem: str) -> None:
                answer(problem)
                if not problem:
                    then()

            self._passwords.open_vault(passphrase, opened)

        def given_up() -> None:
            self._asks_each_time = True
            instead()

        Unlock(self._root, self._theme(), tried, given_up)

    def _told(self, problem: str) -> None:
        if problem:
            self._say(problem)

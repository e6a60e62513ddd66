"""Where passwords are kept: the keychain, else a vault under a passphrase, else nowhere.

The keychain may ask the user, or hang with its daemon, and the vault's key takes half a second
to derive: both are spoken to on threads of their own, and the window is there meanwhile. No
tkinter here; who asks the user is `custody`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from platypus import CredentialsError
from ui_tk.messages import AccountSettings

if TYPE_CHECKING:
    from platypus.credentials import CredentialStore

Found = dict[str, str | None]
Place = Literal["keychain", "vault", "locked", "nowhere"]
Later = Callable[[Callable[[], None]], None]


class Passwords:
    """`later(work)` runs `work` on the window's thread, whatever thread asks for it.

    What is given to a method to be called back is called there, with "" or a sentence.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._store: CredentialStore | None = None
        self.place: Place = "nowhere"  # until the first `find` has looked
        self.problem = ""  # why there is no keychain, in a sentence

    def find(self, accounts: Sequence[AccountSettings], done: Callable[[Found], None]) -> None:
        """Look for the password of each account that registers."""
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

        self._start(look)

    def look(self, done: Callable[[], None]) -> None:
        """Find out where passwords are kept here: `place` says so then."""

        def look() -> None:
            try:
                self._opened()
            except CredentialsError as error:
                self.problem = str(error)
            self._later(done)

        self._start(look)

    def open_vault(self, passphrase: str, done: Callable[[str], None]) -> None:
        """Open the vault that is there, or begin one. It is used from then on."""

        def work() -> None:
            from platypus.vault import Vault, default_path

            self._store, self.place = Vault(default_path(), passphrase), "vault"

        self._try(work, done)

    def keep(self, address: str, password: str, done: Callable[[str], None]) -> None:
        """Put it where passwords are kept."""
        self._try(lambda: self._opened().set(address, password), done)

    def forget(self, address: str, done: Callable[[str], None]) -> None:
        self._try(lambda: self._opened().delete(address), done)

    def _try(self, work: Callable[[], None], done: Callable[[str], None]) -> None:
        def run() -> None:
            problem = ""
            try:
                work()
            except CredentialsError as error:
                problem = str(error)
            self._later(lambda: done(problem))

        self._start(run)

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="platypus passwords", daemon=True).start()

    def _opened(self) -> CredentialStore:
        if self._store is None:
            from platypus.credentials import open_store

            self._store, self.problem = open_store()
            self.place = "keychain" if not self.problem else "nowhere"
            if self.problem:
                from platypus.vault import default_path

                self.place = "locked" if default_path().exists() else "nowhere"
        return self._store

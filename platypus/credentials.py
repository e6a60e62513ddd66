"""Where passwords live: the system's keychain, or a file that only a passphrase opens.

    Keychain   keyring's Secret Service, KWallet, macOS or Windows backend
    Vault      a file under a passphrase (scrypt, AES-256-GCM), for who has no keychain
    Memory     neither: asked for at each start, forgotten at its end

A backend that keeps plain text is refused, also where the user's system would choose it: a
password in a file that anybody reads is worse than one that is asked for. There is no key
of our own anywhere.

Everything here blocks: a keychain may ask the user, or hang with its daemon. Each call has
a time limit and belongs off the window's thread and off the event loop.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from platypus.errors import CredentialsError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

logger = logging.getLogger("platypus.credentials")

SERVICE = "Platypus SIP phone"  # what the keychain's own window shows beside the address
TIMEOUT_S = 30.0  # a locked keychain asks the user for its password: that takes a while
REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
INSTEAD = "passwords are asked for at each start, or can be kept in a file under a passphrase"

Value = TypeVar("Value")


class CredentialStore(Protocol):
    """Passwords by the account's address of record. All raise CredentialsError."""

    @property
    def where(self) -> str:
        """In words, for the user."""

    def get(self, address: str) -> str | None: ...
    def set(self, address: str, password: str) -> None: ...
    def delete(self, address: str) -> None: ...


class Memory:
    """Nothing is kept beyond the process."""

    where = "nowhere: it is asked for at each start"

    def __init__(self) -> None:
        self._passwords: dict[str, str] = {}

    def get(self, address: str) -> str | None:
        return self._passwords.get(address)

    def set(self, address: str, password: str) -> None:
        self._passwords[address] = password

    def delete(self, address: str) -> None:
        self._passwords.pop(address, None)


class Keychain:
    """The system's keychain. Raises CredentialsError where there is none that can be trusted."""

    def __init__(self, *, timeout: float = TIMEOUT_S) -> None:
        self._timeout = timeout
        self._backend = within(timeout, "find the keychain", trusted_backend)

    @property
    def where(self) -> str:
        return f"the system's keychain ({self._backend.name})"

    def get(self, address: str) -> str | None:
        return within(
            self._timeout, "read from it", lambda: self._backend.get_password(SERVICE, address)
        )

    def set(self, address: str, password: str) -> None:
        within(
            self._timeout,
            "write to it",
            lambda: self._backend.set_password(SERVICE, address, password),
        )

    def delete(self, address: str) -> None:
        def remove() -> None:
            if self._backend.get_password(SERVICE, address) is not None:
                self._backend.delete_password(SERVICE, address)

        within(self._timeout, "write to it", remove)


def trusted_backend() -> KeyringBackend:
    """keyring's choice, or of several the first that does not keep plain text."""
    import keyring  # 0.1 s and 15 MB: only for who keeps passwords

    chosen = keyring.get_keyring()
    # A chainer asks each backend in turn, the plain-text ones too, so its parts are judged.
    candidates: list[KeyringBackend] = list(getattr(chosen, "backends", None) or [chosen])
    refused = []
    for candidate in candidates:
        module = type(candidate).__module__
        if not any(module == name or module.startswith(f"{name}.") for name in REFUSED):
            return candidate
        refused.append(module)
    plain = any(module.startswith("keyrings.alt") for module in refused)
    problem = (
        "the only keychain here keeps passwords as plain text, which is refused"
        if plain
        else "there is no keychain on this system"
    )
    raise CredentialsError(problem, hint=INSTEAD)


def within(seconds: float, what: str, work: Callable[[], Value]) -> Value:
    """The result of `work`, or CredentialsError when it fails or takes longer.

    A call that hangs in its daemon can't be stopped: its thread is left behind, and does
    not keep the program from ending.
    """
    result: list[Value] = []
    problem: list[Exception] = []

    def run() -> None:
        try:
            result.append(work())
        except Exception as error:  # whatever a backend raises; told by the waiting thread
            problem.append(error)

    thread = threading.Thread(target=run, name="platypus keychain", daemon=True)
    thread.start()
    thread.join(seconds)
    if result:
        return result[0]
    if not problem:
        raise CredentialsError(f"the keychain did not answer within {seconds:g} s", hint=INSTEAD)
    if isinstance(problem[0], CredentialsError):
        raise problem[0]
    if isinstance(problem[0], ImportError):
        raise CredentialsError(
            "the keyring package is missing",
            hint='install it with: pip install "platypus-phone[desktop]"',
        ) from problem[0]
    # Its text may quote what it was given; its name may not.
    logger.info("the keychain failed to %s: %s", what, type(problem[0]).__name__)
    raise CredentialsError(
        f"the keychain could not {what} ({type(problem[0]).__name__})",
        hint=f"is it locked? Unlock it and try again; else {INSTEAD}",
    ) from None


def open_store(*, timeout: float = TIMEOUT_S) -> tuple[CredentialStore, str]:
    """The keychain; without one, memory, and a sentence that says why."""
    try:
        return Keychain(timeout=timeout), ""
    except CredentialsError as error:
        return Memory(), str(error)

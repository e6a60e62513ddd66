"""The address book: contacts in a JSON file, searched as one types, matched to callers.

A caller is the contact whose SIP address is the same, or whose number ends in the same
digits: `+49 30 123456`, `0049 30 123456` and `030 123456` are one telephone, whatever
country it stands in.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platypus.errors import ConfigError
from platypus.files import read_bounded, set_aside, write_whole

MAX_BYTES = 16_777_216
MOST = 20_000
SAME_DIGITS = 7  # a subscriber's number without its area: fewer would match strangers


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number or a SIP address, as the user wrote it."""

    value: str
    label: str = ""  # "work", "mobile"


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    numbers: tuple[Number, ...] = ()
    organisation: str = ""
    favourite: bool = False
    watch: bool = False  # a busy lamp: its dialog state is subscribed to


class Book:
    """Contacts by name. `path` None keeps them in memory only; writing raises OSError."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._contacts: list[Contact] = []
        self._by_digits: dict[str, Contact] = {}
        self._by_address: dict[str, Contact] = {}
        self._keys: list[tuple[Contact, list[str], list[str]]] = []
        self._take(self._read(path) if path is not None else [])

    @property
    def contacts(self) -> tuple[Contact, ...]:
        return tuple(self._contacts)

    def add(self, *contacts: Contact) -> int:
        """How many of them are new. One that is known by name gains the numbers it lacked."""
        known = {folded(each.name): each for each in self._contacts}
        before = len(known)
        for contact in contacts:
            if not contact.name or len(known) >= MOST:
                continue
            there = known.get(folded(contact.name))
            known[folded(contact.name)] = _joined(there, contact) if there else contact
        self._take(known.values())
        self._write()
        return len(known) - before

    def replace(self, old: Contact, new: Contact) -> None:
        self._take([new if each == old else each for each in self._contacts])
        self._write()

    def remove(self, contact: Contact) -> None:
        self._take([each for each in self._contacts if each != contact])
        self._write()

    def match(self, caller: str) -> Contact | None:
        """Who calls from this SIP URI or number, if the book knows."""
        address = _address(caller)
        if "@" in address and (contact := self._by_address.get(address)):
            return contact
        user = address.partition("@")[0]
        if contact := self._by_address.get(user):
            return contact
        number = digits(user)
        return self._by_digits.get(number[-SAME_DIGITS:]) if len(number) >= SAME_DIGITS else None

    def search(self, text: str, most: int = 20) -> list[Contact]:
        """Those whose name has words that begin so, or whose number has these digits.

        Better matches first: the beginning of the name, of a word in it, of a number, then
        anywhere in a number.
        """
        words = folded(text).split()
        number = digits(text) if _is_number(text) else ""
        if not words:
            return []
        ranked = []
        for index, (contact, names, numbers) in enumerate(self._keys):
            rank = _rank(words, number, names, numbers)
            if rank is not None:
                ranked.append((rank, not contact.favourite, index))
        return [self._keys[index][0] for _, _, index in sorted(ranked)[:most]]

    def _take(self, contacts: Iterable[Contact]) -> None:
        self._contacts = sorted(contacts, key=lambda each: folded(each.name))
        self._by_digits, self._by_address, self._keys = {}, {}, []
        for contact in self._contacts:
            values = [each.value for each in contact.numbers]
            for value in values:
                self._by_address.setdefault(_address(value), contact)
                number = digits(_address(value).partition("@")[0])
                if len(number) >= SAME_DIGITS:
                    self._by_digits.setdefault(number[-SAME_DIGITS:], contact)
            names = folded(f"{contact.name} {contact.organisation}").split()
            self._keys.append((contact, names, [_address(value) for value in values]))

    def _write(self) -> None:
        if self._path is not None:
            rows = [asdict(each) for each in self._contacts]
            text = json.dumps({"version": 1, "contacts": rows}, ensure_ascii=False, indent=0)
            write_whole(self._path, text.encode())

    def _read(self, path: Path) -> list[Contact]:
        try:
            data = read_bounded(path, MAX_BYTES)
            return list(_contacts(json.loads(data)["contacts"])) if data is not None else []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            set_aside(path, f"{type(error).__name__}: {error}")
            return []


def default_path() -> Path:
    from platformdirs import user_data_path

    return user_data_path("platypus", appauthor=False) / "contacts.json"


def read_import(path: Path) -> bytes:
    """A file to import from. Raises ConfigError."""
    try:
        data = read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror or error}", file=str(path)) from error
    if data is None:
        raise ConfigError("there is no such file", file=str(path))
    return data


def decoded(data: bytes) -> str:
    """Text as address books export it: UTF-8, UTF-16 with its mark, else Windows' Latin."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def folded(text: str) -> str:
    """Without case and accents, as one types in a hurry."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(each for each in plain if not unicodedata.combining(each)).casefold().strip()


def digits(text: str) -> str:
    return "".join(each for each in text if each in "0123456789")


def _is_number(text: str) -> bool:
    return all(each in "0123456789 +-()/.#*" for each in text)


def _address(value: str) -> str:
    """`user@host` or a bare number, to compare by."""
    address = value.strip()
    for scheme in ("sips:", "sip:", "tel:"):
        if address.lower().startswith(scheme):
            address = address[len(scheme) :]
    address = address.partition(";")[0].partition("?")[0]
    user, at, host = address.rpartition("@")
    if at:
        return f"{user}@{host.lower()}"
    return "".join(address.split()) if _is_number(address) else address.lower()


def _rank(words: list[str], number: str, names: list[str], numbers: list[str]) -> int | None:
    if all(any(name.startswith(word) for name in names) for word in words):
        return 0 if names and names[0].startswith(words[0]) else 1
    if number:
        known = [digits(each.partition("@")[0]) for each in numbers]
        if any(each.startswith(number) for each in known):
            return 2
        if any(number in each for each in known):
            return 3
    elif any(words[0] in each.lower() for each in numbers):
        return 3
    return None


def _joined(there: Contact, more: Contact) -> Contact:
    have = {_address(each.value) for each in there.numbers}
    extra = tuple(each for each in more.numbers if _address(each.value) not in have)
    return Contact(
        there.name,
        there.numbers + extra,
        there.organisation or more.organisation,
        there.favourite or more.favourite,
        there.watch or more.watch,
    )


def _contacts(rows: Iterable[dict[str, Any]]) -> Iterator[Contact]:
    for row in rows:
        if not isinstance(row, dict):
            raise TypeError(f"not a contact: {row!r:.40}")
        numbers = tuple(
            Number(str(each["value"]), str(each.get("label", ""))) for each in row["numbers"]
        )
        yield Contact(
            str(row["name"]),
            numbers,
            str(row.get("organisation", "")),
            bool(row.get("favourite", False)),
            bool(row.get("watch", False)),
        )

"""Search as one types: who could be meant by these letters or digits.

Contacts first, then the calls that were. Digits find numbers, and names by the letters
that stand on the keys (ITU-T E.161): 262 finds Bob.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ui_tk import words

if TYPE_CHECKING:
    from platypus.contacts import Book
    from platypus.history import CallRecord

MOST = 30
_KEYS = {
    letter: digit
    for digit, letters in zip(
        "23456789", ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"), strict=True
    )
    for letter in letters
}


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody to call. `kind` is `contact`, or the kind of the call that was."""

    name: str
    number: str
    label: str = ""
    kind: str = "contact"


def find(text: str, book: Book | None, calls: Sequence[CallRecord]) -> list[Hit]:
    """The best first; each number once."""
    hits: list[Hit] = []
    if book is not None and text.strip():
        for contact in book.search(text, MOST):
            hits += [Hit(contact.name, each.value, each.label) for each in contact.numbers]
        if text.isdigit():
            hits += _by_keys(text, book)
    hits += _of_history(text.strip().casefold(), calls)
    return _once(hits)[:MOST]


def _by_keys(digits: str, book: Book) -> list[Hit]:
    return [
        Hit(contact.name, each.value, each.label)
        for contact in book.contacts
        if any(on_keys(word).startswith(digits) for word in contact.name.split())
        for each in contact.numbers
    ]


def on_keys(word: str) -> str:
    """The keys that spell a word."""
    return "".join(_KEYS.get(each, "0") for each in word.casefold())


def _of_history(text: str, calls: Sequence[CallRecord]) -> list[Hit]:
    return [
        Hit(words.party(call.uri, call.name), words.short(call.uri), kind=call.kind)
        for call in calls
        if text in words.short(call.uri).casefold() or text in call.name.casefold()
    ]


def _once(hits: Iterable[Hit]) -> list[Hit]:
    known: dict[str, Hit] = {}
    for hit in hits:
        known.setdefault("".join(hit.number.split()).partition("@")[0], hit)
    return list(known.values())

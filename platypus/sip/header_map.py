"""The header fields of a message: an ordered multimap (RFC 3261, section 7.3).

Names are expanded and compared here, list fields split; what a value means is
known to `headers` and `header_access`. Nothing put in here can break out of its field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from platypus.sip.grammar import CANONICAL_NAMES, LIST_HEADERS, TOKEN, split_list


class Headers:
    """An ordered multimap of header fields; names are case-insensitive and may be compact.

    Order counts among fields of one name only (RFC 3261, 7.3.1), so that fields of
    one name stand together.
    """

    __slots__ = ("_fields", "_others", "_typed")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        self._others: dict[str, str] = {}  # unknown names in lower case: as first written
        self._typed: dict[str, Any] = {}  # parsed values, dropped when their field changes
        if items:
            self.extend(items)

    def _unusual_key(self, name: str) -> str:
        lower = name.lower()
        return CANONICAL_NAMES.get(lower) or self._others.get(lower, name)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first field's whole value."""
        values = self._fields.get(CANONICAL_NAMES.get(name) or self._unusual_key(name))
        return values[0] if values else default

    def get_all(self, name: str) -> list[str]:
        """Every value, in order; fields whose grammar is a list are split at their commas."""
        key = CANONICAL_NAMES.get(name) or self._unusual_key(name)
        values = self._fields.get(key)
        if not values:
            return []
        if key not in LIST_HEADERS:
            return values.copy()
        return [element for value in values for element in split_list(value) if element]

    def add(self, name: str, value: str) -> None:
        """Append a field; raises ValueError for a name or value that would break the message."""
        key, value = self._checked(name, value)
        self._fields.setdefault(key, []).append(value)

    def extend(self, items: Iterable[tuple[str, str]]) -> None:
        """`add` each; most names are spelt as the RFC spells them."""
        fields, typed = self._fields, self._typed
        for name, value in items:
            if CANONICAL_NAMES.get(name) != name or "\n" in value or "\r" in value:
                self.add(name, value)
                continue
            values = fields.get(name)
            if values is None:
                fields[name] = [value.strip()]
            else:
                values.append(value.strip())
            if typed:
                typed.pop(name, None)

    def lines(self, *names: str) -> list[str]:
        """These fields as they are written; `names` are spelt as the RFC spells them."""
        fields = self._fields
        return [f"{name}: {value}" for name in names for value in fields.get(name, ())]

    def prepend(self, name: str, value: str) -> None:
        """Put a field before those of the same name: a Via, a Route."""
        key, value = self._checked(name, value)
        self._fields.setdefault(key, []).insert(0, value)

    def set(self, name: str, value: str) -> None:
        """Replace all fields of this name by one."""
        key, value = self._checked(name, value)
        self._fields[key] = [value]

    def remove(self, name: str) -> None:
        """Remove all fields of this name, if there are any."""
        key = CANONICAL_NAMES.get(name) or self._unusual_key(name)
        self._fields.pop(key, None)
        self._typed.pop(key, None)

    def _checked(self, name: str, value: str) -> tuple[str, str]:
        key = CANONICAL_NAMES.get(name)
        if key is None:
            if not TOKEN.fullmatch(name):
                raise ValueError(f"not a header name: {name!r}")
            key = self._unusual_key(name)
            if key not in CANONICAL_NAMES:
                self._others[key.lower()] = key
        if "\n" in value or "\r" in value:
            raise ValueError(f"a line end in the value of {key}")
        self._typed.pop(key, None)
        return key, value.strip()

    def items(self) -> Iterator[tuple[str, str]]:
        """Every field as (name, whole value)."""
        return iter([(name, value) for name, values in self._fields.items() for value in values])

    def copy(self) -> Headers:
        headers = Headers()
        headers._fields = {name: values.copy() for name, values in self._fields.items()}
        headers._others = self._others.copy()
        headers._typed = self._typed.copy()
        return headers

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return (CANONICAL_NAMES.get(name) or self._unusual_key(name)) in self._fields

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self.items()

    def __len__(self) -> int:
        return sum(map(len, self._fields.values()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._comparable() == other._comparable()

    def _comparable(self) -> dict[str, list[str]]:
        if not self._others:
            return self._fields
        others = set(self._others.values())
        return {n.lower() if n in others else n: v for n, v in self._fields.items()}

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)})"


def header_lines(items: Iterable[tuple[str, str]]) -> list[str]:
    """Fields as they are written, in their order; raises ValueError for a name that is none.

    But Content-Length, which is written from the body.
    """
    lines = []
    for name, value in items:
        known = CANONICAL_NAMES.get(name)
        if known is None and not TOKEN.fullmatch(name):
            raise ValueError(f"not a header name: {name!r}")
        if known != "Content-Length":
            lines.append(f"{known or name}: {value.strip()}")
    return lines

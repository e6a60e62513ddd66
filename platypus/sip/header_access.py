"""The typed header fields that requests and responses share (RFC 3261, section 20).

A value is parsed when it is first asked for, and kept with the fields, which drop
it when they change. `validate` is the check of a whole message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from platypus.errors import ProtocolError
from platypus.sip.caches import remembered
from platypus.sip.grammar import (
    MAX_CACHED_TEXT,
    MAX_DELTA_SECONDS,
    MAX_LIST_VALUES,
    MAX_VIAS,
    parse_number,
    printable,
)
from platypus.sip.header_map import Headers
from platypus.sip.headers import CSeq, NameAddr, Via

_T = TypeVar("_T")

# RFC 3261, 8.1.1: what every message has, each once.
_MANDATORY = ("To", "From", "CSeq", "Call-ID")
_PARSED: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("To", NameAddr.parse),
    ("From", NameAddr.parse),
    ("CSeq", CSeq.parse),
)
_LENGTH = "Content-Length"  # written from the body, and says nothing that it does not


class HeaderAccess:
    """What requests and responses share. Properties raise ProtocolError before `validate`."""

    __slots__ = ("_defect", "body", "headers")

    headers: Headers
    body: bytes
    _defect: ProtocolError | None

    # The properties look into `_typed` themselves: they are read forty times in a call.

    def _one(self, name: str, parse: Callable[[str], _T]) -> _T:
        values = self.headers._fields.get(name)
        if not values:
            raise ProtocolError(f"no {name} header")
        try:
            value = self.headers._typed[name] = parse(values[0])
        except ProtocolError as error:
            raise ProtocolError(f"{name}: {error.problem}", status=error.status) from error
        return value

    def _list(self, name: str, parse: Callable[[str], _T]) -> tuple[_T, ...]:
        headers = self.headers
        texts = headers._fields.get(name)
        if not texts:
            return ()
        one = len(texts) == 1 and "," not in texts[0]
        if not one:
            texts = headers.get_all(name)
        if len(texts) > MAX_LIST_VALUES:
            raise ProtocolError(f"more {name} values than any message has")
        try:
            value = (parse(texts[0]),) if one else tuple([parse(text) for text in texts])
            headers._typed[name] = value
        except ProtocolError as error:
            raise ProtocolError(f"{name}: {error.problem}", status=error.status) from error
        return value

    def _tokens(self, name: str) -> tuple[str, ...]:
        values = self.headers._fields.get(name)
        if not values:
            return ()
        text = values[0] if len(values) == 1 else ",".join(values)
        return _split_tokens(text) if len(text) <= MAX_CACHED_TEXT else _tokens_in(text)

    def _number(self, name: str, maximum: int) -> int | None:
        values = self.headers._fields.get(name)
        return parse_number(values[0], maximum) if values else None

    @property
    def call_id(self) -> str:
        values = self.headers._fields.get("Call-ID")
        if not values or not values[0]:
            raise ProtocolError("no Call-ID header")
        return values[0]

    @property
    def cseq(self) -> CSeq:
        return self.headers._typed.get("CSeq") or self._one("CSeq", CSeq.parse)

    @property
    def from_(self) -> NameAddr:
        return self.headers._typed.get("From") or self._one("From", NameAddr.parse)

    @property
    def to(self) -> NameAddr:
        return self.headers._typed.get("To") or self._one("To", NameAddr.parse)

    @property
    def vias(self) -> tuple[Via, ...]:
        return self.headers._typed.get("Via") or self._list("Via", Via.parse)

    @property
    def via(self) -> Via:
        """The topmost Via."""
        vias = self.headers._typed.get("Via") or self._list("Via", Via.parse)
        if not vias:
            raise ProtocolError("no Via header")
        return vias[0]  # type: ignore[no-any-return]

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """The Contacts; none where the header is "*" (see `wildcard_contact`)."""
        known = self.headers._typed.get("Contact")
        if known is not None:
            return known  # type: ignore[no-any-return]
        return () if self.wildcard_contact else self._list("Contact", NameAddr.parse)

    @property
    def wildcard_contact(self) -> bool:
        """Whether all bindings are meant (`Contact: *`, RFC 3261, 10.2.2)."""
        values = self.headers._fields.get("Contact")
        return values is not None and values[0] == "*"

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        if "Route" not in self.headers._fields:
            return ()
        return self.headers._typed.get("Route") or self._list("Route", NameAddr.parse)

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        if "Record-Route" not in self.headers._fields:  # from who answers directly
            return ()
        known = self.headers._typed.get("Record-Route")
        return known or self._list("Record-Route", NameAddr.parse)

    @property
    def content_type(self) -> str | None:
        """`type/subtype` in lower case, without parameters."""
        values = self.headers._fields.get("Content-Type")
        return values[0].partition(";")[0].replace(" ", "").lower() if values else None

    @property
    def content_length(self) -> int | None:
        """None without the header; raises ProtocolError where it is no number, or two."""
        typed = self.headers._typed
        if "Content-Length" in typed:
            return typed["Content-Length"]  # type: ignore[no-any-return]
        values = self.headers._fields.get("Content-Length")
        if not values:
            return None
        length = parse_number(values[0], MAX_DELTA_SECONDS)
        if length is None or (len(values) > 1 and set(values) != {values[0]}):
            raise ProtocolError("a Content-Length that is no number, or two")
        typed["Content-Length"] = length
        return length

    @property
    def max_forwards(self) -> int | None:
        """At most 255 (20.22); None where absent or no number."""
        return self._number("Max-Forwards", 255)

    @property
    def expires(self) -> int | None:
        """Seconds, at most 2**32 - 1 (20.19); None where absent or no number."""
        return self._number("Expires", MAX_DELTA_SECONDS)

    @property
    def require(self) -> tuple[str, ...]:
        return self._tokens("Require") if "Require" in self.headers._fields else ()

    @property
    def supported(self) -> tuple[str, ...]:
        return self._tokens("Supported") if "Supported" in self.headers._fields else ()

    @property
    def allow(self) -> tuple[str, ...]:
        return self._tokens("Allow") if "Allow" in self.headers._fields else ()

    @property
    def user_agent(self) -> str | None:
        """The product at the other end: User-Agent, or Server in a response."""
        text = self.headers.get("User-Agent") or self.headers.get("Server")
        return printable(text) if text else text

    def validate(self) -> None:
        """Check all that properties read; raises ProtocolError with the status to answer."""
        if self._defect is not None:
            raise self._defect
        fields, typed = self.headers._fields, self.headers._typed
        for name in _MANDATORY:
            values = fields.get(name)
            if not values or not values[0]:
                raise ProtocolError(f"no {name} header")
            if len(values) > 1:
                raise ProtocolError(f"more than one {name} header")
        for name, parse in _PARSED:
            if name not in typed:
                try:  # as `_one` does
                    typed[name] = parse(fields[name][0])
                except ProtocolError as error:
                    raise ProtocolError(f"{name}: {error.problem}", status=error.status) from error
        vias = self.vias
        if not vias:
            raise ProtocolError("no Via header")
        if len(vias) > MAX_VIAS:
            raise ProtocolError("more Vias than Max-Forwards allows", status=483)
        if "Content-Length" not in typed:
            _ = self.content_length
        if "Contact" in fields:
            _ = self.contacts
        if "Route" in fields or "Record-Route" in fields:
            _ = self.routes, self.record_routes

    def _serialize(self, start_line: str) -> bytes:
        fields = self.headers._fields
        lines = [f"{name}: {value}" for name in fields if name != _LENGTH for value in fields[name]]
        return write([start_line, *lines], self.body)

    def _same(self, other: HeaderAccess) -> bool:
        mine, theirs = self.headers._comparable(), other.headers._comparable()
        if _LENGTH in mine or _LENGTH in theirs:
            mine = {name: values for name, values in mine.items() if name != _LENGTH}
            theirs = {name: values for name, values in theirs.items() if name != _LENGTH}
        return mine == theirs and self.body == other.body


def write(lines: list[str], body: bytes) -> bytes:
    """A message of its start line and header lines; raises ValueError for a line end in one."""
    text = "".join(lines)
    if "\n" in text or "\r" in text:  # the last guard against injection
        raise ValueError("a line end inside a start line or header")
    lines.append(f"{_LENGTH}: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def _tokens_in(text: str) -> tuple[str, ...]:
    """The elements of a list of tokens, in which no blank has a meaning."""
    return tuple([token for token in "".join(text.split()).split(",") if token])


# The Allow and Supported of a peer are the same in every message.
_split_tokens = remembered(maxsize=128)(_tokens_in)

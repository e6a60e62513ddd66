"""SIP messages (RFC 3261, sections 7, 8.1.1 and 20): requests, responses and their headers.

Parsing splits the header block once; a value is parsed when it is first asked
for, and kept. `parse_message` raises for what is no SIP message at all, which can
only be dropped; `validate` raises for what deserves an answer, with its status.
After `validate` no property raises. Bodies are opaque bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from platypus.errors import ProtocolError
from platypus.sip.grammar import (
    CANONICAL_NAMES,
    LIST_HEADERS,
    MAX_DELTA_SECONDS,
    MAX_HEADER_LINE,
    MAX_HEADERS,
    MAX_LIST_VALUES,
    MAX_MESSAGE_SIZE,
    MAX_VIAS,
    TOKEN,
    parse_number,
    printable,
    split_list,
)
from platypus.sip.headers import CSeq, NameAddr, Via
from platypus.sip.uri import Uri

SIP_VERSION = "SIP/2.0"

_T = TypeVar("_T")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r\n|\n|\r(?=.)", re.DOTALL)
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]+")
# Status-Line = SIP-Version SP Status-Code SP Reason-Phrase; the last blank is often left out.
_STATUS_LINE = re.compile(r"SIP/2\.0[ \t]+([1-6][0-9][0-9])(?:[ \t]+(.*))?", re.IGNORECASE)
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)

# RFC 3261, 8.1.1: what every message has, each once.
_MANDATORY = ("To", "From", "CSeq", "Call-ID")


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
        for name, value in items:
            self.add(name, value)

    def _key(self, name: str) -> str:
        return CANONICAL_NAMES.get(name) or self._unusual_key(name)

    def _unusual_key(self, name: str) -> str:
        lower = name.lower()
        return CANONICAL_NAMES.get(lower) or self._others.get(lower, name)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first field's whole value."""
        values = self._fields.get(self._key(name))
        return values[0] if values else default

    def get_all(self, name: str) -> list[str]:
        """Every value, in order; fields whose grammar is a list are split at their commas."""
        key = self._key(name)
        values = self._fields.get(key, ())
        if key not in LIST_HEADERS:
            return list(values)
        return [element for value in values for element in split_list(value) if element]

    def add(self, name: str, value: str) -> None:
        """Append a field; raises ValueError for a name or value that would break the message."""
        key, value = self._checked(name, value)
        self._fields.setdefault(key, []).append(value)

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
        key = self._key(name)
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
        for name, values in self._fields.items():
            for value in values:
                yield name, value

    def copy(self) -> Headers:
        headers = Headers()
        headers._fields = {name: values.copy() for name, values in self._fields.items()}
        headers._others = self._others.copy()
        headers._typed = self._typed.copy()
        return headers

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) in self._fields

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


class _Base:
    """What requests and responses share. Properties raise ProtocolError before `validate`."""

    __slots__ = ("_defect", "body", "headers")

    headers: Headers
    body: bytes
    _defect: ProtocolError | None

    def _one(self, name: str, parse: Callable[[str], _T]) -> _T:
        typed = self.headers._typed
        value = typed.get(name)
        if value is None:
            values = self.headers._fields.get(name)
            if not values:
                raise ProtocolError(f"no {name} header")
            value = typed[name] = _named(name, parse, values[0])
        return value

    def _list(self, name: str, parse: Callable[[str], _T]) -> tuple[_T, ...]:
        headers = self.headers
        value = headers._typed.get(name)
        if value is None:
            if name not in headers._fields:
                return ()
            texts = headers.get_all(name)
            if len(texts) > MAX_LIST_VALUES:
                raise ProtocolError(f"more {name} values than any message has")
            value = headers._typed[name] = tuple([_named(name, parse, text) for text in texts])
        return value

    def _tokens(self, name: str) -> tuple[str, ...]:
        return tuple(self.headers.get_all(name)) if name in self.headers._fields else ()

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
        return self._one("CSeq", CSeq.parse)

    @property
    def from_(self) -> NameAddr:
        return self._one("From", NameAddr.parse)

    @property
    def to(self) -> NameAddr:
        return self._one("To", NameAddr.parse)

    @property
    def vias(self) -> tuple[Via, ...]:
        return self._list("Via", Via.parse)

    @property
    def via(self) -> Via:
        """The topmost Via."""
        vias = self._list("Via", Via.parse)
        if not vias:
            raise ProtocolError("no Via header")
        return vias[0]

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """The Contacts; none where the header is "*" (see `wildcard_contact`)."""
        if self.wildcard_contact:
            return ()
        return self._list("Contact", NameAddr.parse)

    @property
    def wildcard_contact(self) -> bool:
        """Whether all bindings are meant (`Contact: *`, RFC 3261, 10.2.2)."""
        return self.headers._fields.get("Contact") == ["*"]

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        return self._list("Route", NameAddr.parse)

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        return self._list("Record-Route", NameAddr.parse)

    @property
    def content_type(self) -> str | None:
        """`type/subtype` in lower case, without parameters."""
        values = self.headers._fields.get("Content-Type")
        return values[0].partition(";")[0].replace(" ", "").lower() if values else None

    @property
    def content_length(self) -> int | None:
        """None without the header; raises ProtocolError where it is no number, or two."""
        values = self.headers._fields.get("Content-Length")
        if not values:
            return None
        length = parse_number(values[0], MAX_DELTA_SECONDS)
        if length is None or any(value != values[0] for value in values):
            raise ProtocolError("a Content-Length that is no number, or two")
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
        return self._tokens("Require")

    @property
    def supported(self) -> tuple[str, ...]:
        return self._tokens("Supported")

    @property
    def allow(self) -> tuple[str, ...]:
        return self._tokens("Allow")

    @property
    def user_agent(self) -> str | None:
        """The product at the other end: User-Agent, or Server in a response."""
        text = self.headers.get("User-Agent") or self.headers.get("Server")
        return printable(text) if text else text

    def validate(self) -> None:
        """Check all that properties read; raises ProtocolError with the status to answer."""
        if self._defect is not None:
            raise self._defect
        fields = self.headers._fields
        for name in _MANDATORY:
            values = fields.get(name)
            if not values:
                raise ProtocolError(f"no {name} header")
            if len(values) > 1:
                raise ProtocolError(f"more than one {name} header")
        if len(self.vias) > MAX_VIAS:
            raise ProtocolError("more Vias than Max-Forwards allows", status=483)
        _ = self.via, self.cseq, self.from_, self.to, self.call_id
        _ = self.contacts, self.routes, self.record_routes, self.content_length

    def _serialize(self, start_line: str) -> bytes:
        lines = [start_line]
        for name, values in self.headers._fields.items():
            if name != "Content-Length":
                lines += [f"{name}: {value}" for value in values]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        head = "\r\n".join(lines)
        # The last guard against injection: as many line ends as were put there.
        ends = len(lines) + 1
        if head.count("\n") != ends or head.count("\r") != ends:
            raise ValueError("a line end inside a start line or header")
        return head.encode("utf-8", "surrogateescape") + self.body

    def _same(self, other: _Base) -> bool:
        mine, theirs = self.headers._comparable(), other.headers._comparable()
        length = "Content-Length"  # says nothing that the body does not
        if length in mine or length in theirs:
            mine = {name: values for name, values in mine.items() if name != length}
            theirs = {name: values for name, values in theirs.items() if name != length}
        return mine == theirs and self.body == other.body


class Request(_Base):
    """A request. `uri` is parsed when it is read, and raises ProtocolError if it is none."""

    __slots__ = ("_uri", "method", "version")

    def __init__(
        self,
        method: str,
        uri: Uri | str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        self.method = method
        self._uri = uri
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.version = SIP_VERSION
        self._defect = None

    @property
    def uri(self) -> Uri:
        if isinstance(self._uri, str):
            self._uri = Uri.parse(self._uri)
        return self._uri

    @uri.setter
    def uri(self, uri: Uri | str) -> None:
        self._uri = uri

    @property
    def is_request(self) -> bool:
        return True

    def validate(self) -> None:
        if self.version.upper() != SIP_VERSION:
            raise ProtocolError(f"version {self.version}", status=505)
        super().validate()
        if self.cseq.method != self.method:
            raise ProtocolError("a CSeq of another method")
        _ = self.uri

    def serialize(self) -> bytes:
        """The message as it goes on the wire; raises ValueError for a line end in a field."""
        if " " in self.method:
            raise ValueError(f"not a method: {self.method!r}")
        uri = str(self._uri)
        if " " in uri:
            raise ValueError(f"not a URI: {uri!r}")
        return self._serialize(f"{self.method} {uri} {SIP_VERSION}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Request):
            return NotImplemented
        same_line = self.method == other.method and str(self._uri) == str(other._uri)
        return same_line and self._same(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Request {self.method} {self._uri}>"


class Response(_Base):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self._defect = None

    @property
    def is_request(self) -> bool:
        return False

    def serialize(self) -> bytes:
        """The message as it goes on the wire; raises ValueError for a line end in a field."""
        return self._serialize(f"{SIP_VERSION} {self.status} {self.reason}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Response):
            return NotImplemented
        same_line = self.status == other.status and self.reason == other.reason
        return same_line and self._same(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


Message = Request | Response


def _named(name: str, parse: Callable[[str], _T], text: str) -> _T:
    try:
        return parse(text)
    except ProtocolError as error:
        raise ProtocolError(f"{name}: {error.problem}", status=error.status) from error


def parse_message(data: bytes) -> Message:
    """Parse a datagram, or one message of a stream; raises ProtocolError if it is not SIP.

    The body is what Content-Length says; octets after it are dropped (RFC 3261, 18.3).
    """
    if len(data) > MAX_MESSAGE_SIZE:
        raise ProtocolError("a message larger than any datagram", status=513)
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    start = end + 4
    if end < 0:
        match = _END_OF_HEAD.search(data)
        end, start = match.span() if match else (len(data), len(data))
    text = str(data[:end], "utf-8", "surrogateescape")
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
        breaks = -1
    if text.count("\n") != breaks or text.count("\r") != breaks:
        lines = _LINE_END.sub("\n", text).replace("\r", " ").split("\n")
    if len(lines) > MAX_HEADERS + 1:
        raise ProtocolError("more headers than any message has")
    message = _parse_start_line(lines[0])
    _parse_fields(message, lines)
    message.body = _cut_body(message, data, start)
    return message


def _parse_start_line(line: str) -> Message:
    if line[:4].upper() == "SIP/":
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise ProtocolError("a status line that is none")
        return Response(int(match[1]), printable((match[2] or "").strip()))
    method, _, rest = line.partition(" ")
    uri, _, version = rest.partition(" ")
    if version == SIP_VERSION and uri[:1] != "<":
        request = Request(method, uri)
    else:
        parts = line.split()
        if len(parts) < 3 or not _VERSION.fullmatch(parts[-1]):
            raise ProtocolError("a start line that is none")
        # RFC 4475, 3.1.2.8 to 10: several blanks are taken; one inside the URI is not.
        request = Request(parts[0], " ".join(parts[1:-1]).removeprefix("<").removesuffix(">"))
        request.version = parts[-1]
    if not TOKEN.fullmatch(request.method):
        raise ProtocolError("a method that is none")
    return request


def _parse_fields(message: Message, lines: list[str]) -> None:
    headers = message.headers
    fields = headers._fields
    known = CANONICAL_NAMES.get
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = known(name)
        if key is None:
            name = name.strip()
            if not colon or not TOKEN.fullmatch(name):
                if line:
                    message._defect = ProtocolError("a header line that is none")
                continue
            key = headers._unusual_key(name)
            if key not in CANONICAL_NAMES:
                headers._others[key.lower()] = key
        if len(value) > MAX_HEADER_LINE:
            message._defect = ProtocolError(f"a {key} header that is too long")
            continue
        if key in fields:
            fields[key].append(value.strip())
        else:
            fields[key] = [value.strip()]


def _cut_body(message: Message, data: bytes, start: int) -> bytes:
    try:
        length = message.content_length
    except ProtocolError as error:
        message._defect = error
        length = None
    if length is not None and start + length > len(data):
        message._defect = ProtocolError("a body shorter than its Content-Length")
    return data[start:] if length is None else data[start : start + length]

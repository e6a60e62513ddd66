"""SIP messages (RFC 3261, section 7): requests, responses, and parsing them.

Parsing splits the header block once; values are parsed on demand (`header_access`).
`parse_message` raises for what is no SIP message at all, which can only be
dropped; `validate` raises for what deserves an answer, with its status. After
`validate` no property raises. Bodies are opaque bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from platypus.errors import ProtocolError
from platypus.sip.grammar import (
    CANONICAL_NAMES,
    MAX_HEADER_LINE,
    MAX_HEADERS,
    MAX_MESSAGE_SIZE,
    TOKEN,
    printable,
)
from platypus.sip.header_access import HeaderAccess
from platypus.sip.header_map import Headers
from platypus.sip.uri import Uri

__all__ = ["SIP_VERSION", "Headers", "Message", "Request", "Response", "parse_message"]

SIP_VERSION = "SIP/2.0"

# Spared the check of their grammar.
_METHODS = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "NOTIFY", "INFO"})

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
# Status-Line = SIP-Version SP Status-Code SP Reason-Phrase; the last blank is often left out.
_STATUS_LINE = re.compile(r"SIP/2\.0[ \t]+([1-6][0-9][0-9])(?:[ \t]+(.*))?", re.IGNORECASE)
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)


class Request(HeaderAccess):
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
        if self.version != SIP_VERSION and self.version.upper() != SIP_VERSION:
            raise ProtocolError(f"version {self.version}", status=505)
        super().validate()
        if self.headers._typed["CSeq"].method != self.method:
            raise ProtocolError("a CSeq of another method")
        if isinstance(self._uri, str):
            self._uri = Uri.parse(self._uri)

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


class Response(HeaderAccess):
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


def parse_message(data: bytes) -> Message:
    """Parse a datagram, or one message of a stream; raises ProtocolError if it is not SIP.

    The body is what Content-Length says; octets after it are dropped (RFC 3261, 18.3).
    """
    if len(data) > MAX_MESSAGE_SIZE:
        raise ProtocolError("a message larger than any datagram", status=513)
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    lines = str(data[:end], "utf-8", "surrogateescape").split("\r\n")
    rest = "".join(lines)
    if end < 0 or "\n" in rest or "\r" in rest:
        end, start, lines = _split_leniently(data)
    else:
        start = end + 4
    if len(lines) > MAX_HEADERS + 1:
        raise ProtocolError("more headers than any message has")
    message = _parse_start_line(lines[0])
    _parse_fields(message, lines)
    if end > MAX_HEADER_LINE:
        _check_lengths(message)
    message.body = _cut_body(message, data, start)
    return message


def _split_leniently(data: bytes) -> tuple[int, int, list[str]]:
    """Where the head ends and the body begins, and the lines of the head.

    A line may end with LF alone. A lone CR ends nothing, and could not be written again.
    """
    match = _END_OF_HEAD.search(data)
    end, start = match.span() if match else (len(data), len(data))
    text = str(data[:end], "utf-8", "surrogateescape")
    return end, start, text.replace("\r\n", "\n").replace("\r", " ").split("\n")


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
    if request.method not in _METHODS and not TOKEN.fullmatch(request.method):
        raise ProtocolError("a method that is none")
    if len(line) > MAX_HEADER_LINE:
        request._defect = ProtocolError("a request line that is too long", status=414)
    return request


def _parse_fields(message: Message, lines: list[str]) -> None:
    fields = message.headers._fields
    known = CANONICAL_NAMES.get
    key: str | None = None
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        canonical = known(name)
        if canonical is None:
            folded = line[:1] in (" ", "\t")
            if folded and key is not None:
                fields[key][-1] = f"{fields[key][-1]} {line.strip()}".strip()
                continue
            canonical = _parse_name(message, name.strip()) if colon and not folded else None
            if canonical is None:
                if line:
                    message._defect = ProtocolError("a header line that is none")
                continue
        key = canonical
        values = fields.get(key)
        if values is None:
            fields[key] = [value.strip()]
        else:
            values.append(value.strip())


def _parse_name(message: Message, name: str) -> str | None:
    """The key of a field that is not spelt as most are; None where the name is none."""
    if not TOKEN.fullmatch(name):
        return None
    headers = message.headers
    key = headers._unusual_key(name)
    if key not in CANONICAL_NAMES:
        headers._others[key.lower()] = key
    return key


def _check_lengths(message: Message) -> None:
    for name, value in message.headers.items():
        if len(value) > MAX_HEADER_LINE:
            message._defect = ProtocolError(f"a {name} header that is too long")


def _cut_body(message: Message, data: bytes, start: int) -> bytes:
    try:
        length = message.content_length
    except ProtocolError as error:
        message._defect = error
        length = None
    if length is not None and start + length > len(data):
        message._defect = ProtocolError("a body shorter than its Content-Length")
    return data[start:] if length is None else data[start : start + length]

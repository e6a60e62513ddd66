"""Session descriptions (RFC 8866): bytes to values and back.

Parsing is lenient where the field is sloppy (line ends, missing `s=` and `t=`,
lines it does not know) and bounded everywhere; `SdpError` says what is wrong with
the rest. Lines without a meaning here are kept, so that a description survives a
round trip. What the attributes mean is `offer_answer`'s business, and nothing here
resolves a name, knows SIP or reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from platypus.errors import SdpError

MAX_BYTES = 65_535  # what one datagram can carry; a real description has under 5,000
MAX_LINES = 1_000  # WebRTC's largest descriptions, with every candidate, stay below
MAX_MEDIA = 32  # an answer repeats every m= line, so their number is amplified
MAX_FORMATS = 128  # there are no more payload types

_LINE_END = re.compile(r"\r\n|\n|\r")
# RFC 8866, 9: the order of lines, in a session and in a media section, up to the attributes.
# Letters that are not listed come after these: nothing depends on their place.
_SESSION_ORDER = {letter: place for place, letter in enumerate("iuepcbtrzk")}
_MEDIA_ORDER = {letter: place for place, letter in enumerate("icbk")}

Attribute = tuple[str, str | None]  # name and value; None where there is no colon
Line = tuple[str, str]  # the letter of a line and what follows its equals sign


class Origin(NamedTuple):
    """The `o=` line (RFC 8866, 5.2): numbers stay text, since nothing is reckoned with them."""

    username: str = "-"
    session_id: str = "0"
    version: str = "0"
    address: str = "0.0.0.0"  # noqa: S104 - a value on the wire, nothing binds to it

    def __str__(self) -> str:
        return (
            f"{self.username} {self.session_id} {self.version}"
            f" IN {address_type(self.address)} {self.address}"
        )


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One `m=` line and what belongs to it (RFC 8866, 5.14)."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    port_count: int = 1
    connection: str | None = None  # the address alone, without a multicast TTL
    attributes: tuple[Attribute, ...] = field(default=(), repr=False)  # there may be keys in it
    other: tuple[Line, ...] = ()

    def attribute(self, name: str) -> str | None:
        """The value of the first `a=name:` line; "" for a flag; None without one."""
        for key, value in self.attributes:
            if key == name:
                return value or ""
        return None

    def lines(self) -> list[str]:
        ports = f"{self.port}/{self.port_count}" if self.port_count > 1 else f"{self.port}"
        first = f"m={' '.join((self.kind, ports, self.protocol, *self.formats))}"
        return [first, *_ordered(_MEDIA_ORDER, self.connection, self.attributes, self.other)]


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `connection` is the default of the media sections."""

    origin: Origin
    media: tuple[MediaDescription, ...] = ()
    name: str = "-"
    connection: str | None = None
    attributes: tuple[Attribute, ...] = ()
    other: tuple[Line, ...] = (("t", "0 0"),)

    def attribute(self, name: str) -> str | None:
        return first_attribute(self.attributes, name)

    def serialize(self) -> bytes:
        lines = ["v=0", f"o={self.origin}", f"s={self.name or '-'}"]
        lines += _ordered(_SESSION_ORDER, self.connection, self.attributes, self.other)
        for media in self.media:
            lines += media.lines()
        lines.append("")
        return "\r\n".join(lines).encode("utf-8", "replace")


def address_type(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


def first_attribute(attributes: Iterable[Attribute], name: str) -> str | None:
    for key, value in attributes:
        if key == name:
            return value or ""
    return None


def parse(body: bytes) -> SessionDescription:
    """Raises `SdpError`, and nothing else, for whatever is not a session description."""
    sections = _sections(body)
    first, *rest = sections
    if len(rest) > MAX_MEDIA:
        raise SdpError(f"{len(rest)} media lines, more than the {MAX_MEDIA} allowed")
    origin, name = Origin(), "-"
    kept = []
    for letter, value in first:
        if letter == "o":
            origin = _origin(value)
        elif letter == "s":
            name = value or "-"
        else:
            kept.append((letter, value))
    connection, attributes, other = _common(kept)
    return SessionDescription(
        origin, tuple([_media(section) for section in rest]), name, connection, attributes, other
    )


def _sections(body: bytes) -> list[list[Line]]:
    """The lines of the session, then those of every media section."""
    if len(body) > MAX_BYTES:
        raise SdpError(f"a description of {len(body)} bytes, more than the {MAX_BYTES} allowed")
    texts = _LINE_END.split(body.decode("utf-8", "replace"))
    if len(texts) > MAX_LINES:
        raise SdpError(f"{len(texts)} lines, more than the {MAX_LINES} allowed")
    lines = [(text[0], text[2:].strip()) for text in texts if text[1:2] == "=" and text[0] != " "]
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("no v=0 line at its start, so this is not a session description")
    sections: list[list[Line]] = [[]]
    for line in lines[1:]:
        if line[0] == "m":
            sections.append([])
        sections[-1].append(line)
    return sections


def _origin(value: str) -> Origin:
    fields = value.split()
    if len(fields) < 6:
        raise SdpError(f"an o= line with {len(fields)} fields instead of 6")
    return Origin(fields[0], fields[1], fields[2], fields[5])


def _media(section: list[Line]) -> MediaDescription:
    fields = section[0][1].split()
    if len(fields) < 3:
        raise SdpError(f"an m= line with {len(fields)} fields, at least 3 are needed")
    if len(fields) > 3 + MAX_FORMATS:
        raise SdpError(f"{len(fields) - 3} formats in one m= line")
    port, _, count = fields[1].partition("/")
    connection, attributes, other = _common(section[1:])
    return MediaDescription(
        kind=fields[0].lower(),
        port=number(port, 65_535, "port of an m= line"),
        protocol=fields[2].upper(),
        formats=tuple(fields[3:]),
        port_count=max(1, number(count, 65_535, "number of ports")) if count else 1,
        connection=connection,
        attributes=attributes,
        other=other,
    )


def _common(
    lines: Iterable[Line],
) -> tuple[str | None, tuple[Attribute, ...], tuple[Line, ...]]:
    connection: str | None = None
    attributes: list[Attribute] = []
    other: list[Line] = []
    for letter, value in lines:
        if letter == "a":
            name, colon, text = value.partition(":")
            attributes.append((name, text.strip() if colon else None))
        elif letter == "c" and connection is None:
            connection = _connection(value)
        else:
            other.append((letter, value))
    return connection, tuple(attributes), tuple(other)


def _connection(value: str) -> str:
    fields = value.split()
    if len(fields) < 3:
        raise SdpError(f"a c= line with {len(fields)} fields instead of 3")
    # RFC 8866, 5.7: a multicast address has its TTL behind a slash.
    address = fields[2].partition("/")[0]
    if not address:
        raise SdpError("a c= line without an address")
    return address


def number(text: str, most: int, what: str) -> int:
    # The length is looked at first: int() of an attacker's megabyte is quadratic.
    if len(text) > len(str(most)) or not (text.isascii() and text.isdigit()) or int(text) > most:
        raise SdpError(f"{text[:20]!r} is no {what}")
    return int(text)


def _ordered(
    order: Mapping[str, int],
    connection: str | None,
    attributes: tuple[Attribute, ...],
    other: tuple[Line, ...],
) -> list[str]:
    lines = list(other)
    if connection is not None:
        lines.insert(0, ("c", f"IN {address_type(connection)} {connection}"))
    if len(lines) > 1:  # stable: repeats keep their order
        lines.sort(key=lambda line: order.get(line[0], len(order)))
    texts = [f"{letter}={value}" for letter, value in lines]
    for name, value in attributes:
        texts.append(f"a={name}" if value is None else f"a={name}:{value}")
    return texts

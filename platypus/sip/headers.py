"""The header values that have a structure: NameAddr, Via, CSeq (RFC 3261, section 20).

Each parses from the text of one value and writes itself back. Which headers hold
them, and how many, is known to `message`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from platypus.errors import ProtocolError
from platypus.sip.caches import remembered
from platypus.sip.grammar import (
    MAX_CACHED_TEXT,
    MAX_CSEQ,
    NO_PARAMS,
    TOKEN,
    format_host_port,
    format_params,
    parse_host_port,
    parse_number,
    parse_params,
    printable,
    quote,
    unescape_quoted,
)
from platypus.sip.uri import Uri

# name-addr = [ display-name ] LAQUOT addr-spec RAQUOT; an unquoted name may hold anything but "<",
# as RFC 4475 3.1.2.15 suggests, unless it starts with a quote.
_NAME_ADDR = re.compile(
    r'(?P<name>"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+|(?!")[^<]*+)<(?P<uri>[^>]*+)>\s*+(?P<params>;.*)?',
    re.DOTALL,
)
# sent-protocol LWS sent-by, with blanks around the slashes (RFC 4475, 3.1.1.1)
_SENT_BY = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9\-.!%*_+`'~]+)\s+"
    r"(?P<sent_by>[^\s]+(?:\s*:\s*[0-9]+)?)",
    re.IGNORECASE,
)
_CSEQ = re.compile(r"(?P<number>[0-9]{1,256})\s+(?P<method>[A-Za-z0-9\-.!%*_+`'~]+)")


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A URI with a display name and header parameters: From, To, Contact, Route and so on."""

    uri: Uri
    display_name: str = ""
    params: Mapping[str, str | None] = field(default_factory=lambda: NO_PARAMS, hash=False)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Parse one value, with or without angle brackets; raises ProtocolError (400)."""
        if len(text) > MAX_CACHED_TEXT:
            return _name_addr(text)
        address, mark, tag = text.rpartition(">;tag=")
        if mark and TOKEN.fullmatch(tag):  # a peer's address is the same in each of its calls
            known = _name_addr_cached(f"{address}>")
            if not known.params:
                return cls(known.uri, known.display_name, MappingProxyType({"tag": tag}))
        return _name_addr_cached(text)

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{format_params(self.params) if self.params else ''}"

    @property
    def tag(self) -> str | None:
        """The dialog's tag; None without one, or where it is empty."""
        return self.params.get("tag") or None

    def with_tag(self, tag: str) -> NameAddr:
        return self.with_params(tag=tag)

    def with_params(self, **params: str | None) -> NameAddr:
        """The same with these header parameters added or replaced; None makes a flag."""
        return NameAddr(self.uri, self.display_name, MappingProxyType({**self.params, **params}))

    def without_params(self) -> NameAddr:
        return NameAddr(self.uri, self.display_name)


def _name_addr(text: str) -> NameAddr:
    text = text.strip()
    match = _NAME_ADDR.fullmatch(text)
    if match is None:
        return _addr_spec(text)
    name, uri, params = match.groups()
    if name:
        name = unescape_quoted(name.rstrip()) if name[0] == '"' else " ".join(name.split())
    return NameAddr(Uri.parse(uri), printable(name), parse_params(params) if params else NO_PARAMS)


_name_addr_cached = remembered(maxsize=512)(_name_addr)


def _addr_spec(text: str) -> NameAddr:
    """Without brackets, parameters are the header's, and "?" and "," are not allowed (20.10)."""
    if "<" in text or '"' in text.partition(";")[0]:
        raise ProtocolError("an address whose quotes or brackets are not closed")
    uri, semicolon, params = text.partition(";")
    if "?" in uri or "," in uri:
        raise ProtocolError("a URI with headers outside angle brackets")
    return NameAddr(Uri.parse(uri), "", parse_params(params) if semicolon else NO_PARAMS)


@dataclass(frozen=True, slots=True)
class Via:
    """One step of the way a request took (20.42). `transport` is in upper case."""

    transport: str
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=lambda: NO_PARAMS, hash=False)

    @classmethod
    def parse(cls, text: str) -> Via:
        """Parse one value; raises ProtocolError (400)."""
        # sent-protocol LWS sent-by *( SEMI via-params )
        sender, semicolon, params = text.partition(";")
        parse = _sent_by_cached if len(sender) <= MAX_CACHED_TEXT else _sent_by
        return cls(*parse(sender), parse_params(params) if semicolon else NO_PARAMS)

    def __str__(self) -> str:
        params = format_params(self.params) if self.params else ""
        return f"SIP/2.0/{self.transport} {format_host_port(self.host, self.port)}{params}"

    @property
    def branch(self) -> str | None:
        """The transaction's identifier; None from an RFC 2543 element that sends none."""
        return self.params.get("branch") or None

    @property
    def received(self) -> str | None:
        """The address the request came from, without brackets (18.2.1; RFC 5118, 4.5)."""
        value = self.params.get("received")
        return value.strip("[]") if value else None

    @property
    def rport(self) -> int | None:
        """The port the request came from (RFC 3581); None where absent or still empty."""
        value = self.params.get("rport")
        port = parse_number(value, 65_536) if value else None
        return port if port is not None and 0 < port < 65_536 else None

    @property
    def wants_rport(self) -> bool:
        """Whether the sender asks for the port it is seen at (RFC 3581, 4)."""
        return "rport" in self.params

    def with_params(self, **params: str | None) -> Via:
        """The same with these parameters added or replaced; None makes a flag."""
        return replace(self, params=MappingProxyType({**self.params, **params}))


def _sent_by(text: str) -> tuple[str, str, int | None]:
    match = _SENT_BY.fullmatch(text.strip())
    if match is None:
        raise ProtocolError("a Via that is none")
    transport, sent_by = match.groups()
    return transport.upper(), *parse_host_port(sent_by, bare_ipv6=True)


# Who sends is the same in each of a peer's messages, and only the branch is another.
_sent_by_cached = remembered(maxsize=128)(_sent_by)


@dataclass(frozen=True, slots=True)
class CSeq:
    """A command sequence number and its method (20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Parse the value; raises ProtocolError (400), also for a number of 2**31 or more."""
        return _cseq_cached(text) if len(text) <= MAX_CACHED_TEXT else _cseq(text)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def _cseq(text: str) -> CSeq:
    match = _CSEQ.fullmatch(text)
    if match is None:
        raise ProtocolError("a CSeq that is none")
    digits, method = match.groups()
    number = int(digits)
    if number > MAX_CSEQ:
        raise ProtocolError("a CSeq number of 2**31 or more")
    return CSeq(number, method)


# Most calls have 1 INVITE, 1 ACK and 2 BYE.
_cseq_cached = remembered(maxsize=128)(_cseq)

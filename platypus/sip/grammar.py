"""The lexical grammar of SIP (RFC 3261, section 25.1, with its errata) and the limits on it.

Names, lists, parameters, quoted strings, escapes and hosts, as every header and
URI uses them. It knows no header by meaning; that is `headers`, `uri` and `message`.
Whatever is sloppy but plain is taken, whatever is ambiguous raises ProtocolError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from platypus.errors import ProtocolError

# The largest UDP payload there is; a stream gets no more (RFC 3261, 18.1.1 asks for 65,535).
MAX_MESSAGE_SIZE = 65_535
# The longest header line seen from a real peer is a 4 kB Identity (RFC 8224); twice that.
MAX_HEADER_LINE = 8_192
# A request through ten proxies has about 60 headers; beyond 256 it is an attack on the parser.
MAX_HEADERS = 256
# Max-Forwards starts at 70 (RFC 3261, 8.1.1.6), so no honest message has more Vias.
MAX_VIAS = 70
# A redirection or a list of bindings may name many Contacts; each costs microseconds to parse.
MAX_LIST_VALUES = 256
# RFC 3261, 8.1.1.5: a CSeq number is less than 2**31.
MAX_CSEQ = 2**31 - 1
# RFC 3261, 20.19: delta-seconds go up to 2**32 - 1; more is taken as that.
MAX_DELTA_SECONDS = 2**32 - 1
# Longer texts are parsed each time, so that a cache of 512 values never holds more than 256 kB.
MAX_CACHED_TEXT = 512
# Of any number: int() of more is slow, and no field means so much.
MAX_DIGITS = 256

NO_PARAMS: Mapping[str, str | None] = MappingProxyType({})

# Invisible, but part of how Persian and Hindi are spelt.
_JOINERS = "\u200c\u200d"

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
# gen-value = token / host / quoted-string; a host adds "[", "]" and ":". "/" occurs in the field.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:/]+")
# quoted-string = DQUOTE *(qdtext / quoted-pair ) DQUOTE; the last branch ends an unclosed one, so
# that a search never starts again inside it and stays linear.
_LIST_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)|<[^>]*+(?:>|$)|,', re.DOTALL)
_PARAM_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?$)|;', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# hostname, with "_" because people name hosts so.
_HOSTNAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*+)")
_HEX_GROUP = re.compile(r"[0-9A-Fa-f]{1,4}")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])(?:\.(?!$)|$)){4}")

# RFC 3261, 25.1: reserved; these keep their escapes, since "%3B" and ";" differ (19.1.4).
_RESERVED = frozenset(";/?:@&=+$,%")

_LONG = """
Accept Accept-Contact Accept-Encoding Accept-Language Accept-Resource-Priority Alert-Info Allow
Allow-Events Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition
Content-Encoding Content-Language Content-Length Content-Type CSeq Date Diversion Error-Info Event
Expires Flow-Timer From Geolocation History-Info Identity Identity-Info In-Reply-To Join
Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info
P-Asserted-Identity P-Associated-URI P-Preferred-Identity Path Priority Privacy
Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info Refer-Sub
Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces Reply-To Request-Disposition Require
Resource-Priority Retry-After Route RSeq Security-Client Security-Server Security-Verify Server
Service-Route Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported
Target-Dialog Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate
"""
_LONG_NAMES = _LONG.split()

# The parameters met most, which need no lower().
_KNOWN_PARAMS = frozenset({"tag", "branch", "rport", "received", "lr", "expires", "q", "ob"})

# The compact forms of the IANA registry (RFC 3261, 7.3.3 and later RFCs).
_COMPACT_NAMES = {
    "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
    "e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported",
    "l": "Content-Length", "m": "Contact", "n": "Identity-Info", "o": "Event", "r": "Refer-To",
    "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires",
    "y": "Identity",
}  # fmt: skip

# Every spelling met at once: the RFC's own, all small, and compact. Others go by `.lower()`.
CANONICAL_NAMES: Mapping[str, str] = {
    **{name: name for name in _LONG_NAMES},
    **{name.lower(): name for name in _LONG_NAMES},
    **_COMPACT_NAMES,
    **{short.upper(): name for short, name in _COMPACT_NAMES.items()},
}

# Headers whose grammar is a comma-separated list (RFC 3261, 7.3.1; table 2 and later RFCs).
_LISTS = """
Accept Accept-Contact Accept-Encoding Accept-Language Accept-Resource-Priority Alert-Info Allow
Allow-Events Call-Info Contact Content-Encoding Content-Language Diversion Error-Info Geolocation
History-Info In-Reply-To P-Asserted-Identity P-Associated-URI P-Preferred-Identity Path
Proxy-Require Reason Record-Route Recv-Info Reject-Contact Remote-Party-ID Request-Disposition
Require Resource-Priority Route Security-Client Security-Server Security-Verify Service-Route
Supported Unsupported Via Warning
"""
LIST_HEADERS = frozenset(_LISTS.split())


class Quoted(str):
    """A parameter value that stood in quotes, and is written in quotes again."""

    __slots__ = ()


def split_list(text: str) -> list[str]:
    """Split at the commas that stand outside quotes and angle brackets; empty elements stay."""
    if "," not in text:
        return [text.strip()]
    if '"' not in text and "<" not in text:
        return [element.strip() for element in text.split(",")]
    return list(_split(text, _LIST_PIECE, ","))


def split_params(text: str) -> list[str]:
    """Split at the semicolons that stand outside quotes."""
    return list(_split(text, _PARAM_PIECE, ";"))


def _split(text: str, pieces: re.Pattern[str], separator: str) -> Iterator[str]:
    start = 0
    for piece in pieces.finditer(text):
        if piece.group() == separator:
            yield text[start : piece.start()].strip()
            start = piece.end()
    yield text[start:].strip()


def parse_params(text: str) -> Mapping[str, str | None]:
    """The header parameters in `;name=value;flag;name="quoted"`, names in lower case.

    Of a repeated parameter the first stands, so that no later proxy's copy can
    replace a tag or branch. Empty ones (";;") are skipped.
    """
    params: dict[str, str | None] = {}
    text = text.removeprefix(";")
    for param in split_params(text) if '"' in text else text.split(";"):
        name, equals, value = param.partition("=")
        if name not in _KNOWN_PARAMS:
            name = name.strip().lower()
            if not name:
                if equals:
                    raise ProtocolError("a parameter without a name")
                continue
            if '"' in name:  # written again, it would open a string over what follows
                raise ProtocolError("a parameter whose name has a quote")
        if name not in params:
            value = value.strip()
            if value[:1] == '"':
                value = Quoted(unquote(value))
            params[name] = value if equals else None
    return MappingProxyType(params)


def format_params(params: Mapping[str, str | None]) -> str:
    """`;name=value` for each, quoted where the grammar needs it."""
    text = ""
    for name, value in params.items():
        if value is None:
            text += f";{name}"
        elif isinstance(value, Quoted) or not _PLAIN_VALUE.fullmatch(value):
            text += f";{name}={quote(value)}"
        else:
            text += f";{name}={value}"
    return text


def quote(text: str) -> str:
    """A quoted-string that holds `text`."""
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def unquote(text: str) -> str:
    """What a quoted-string holds; raises ProtocolError where it is not closed."""
    match = _LIST_PIECE.match(text) if text[:1] == '"' else None
    if match is None or match.end() != len(text) or len(text) < 2 or not _is_closed(text):
        raise ProtocolError("a quoted string that is not closed")
    return unescape_quoted(text)


def unescape_quoted(text: str) -> str:
    """What a quoted-string holds that is known to be closed."""
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def _is_closed(text: str) -> bool:
    body = text[:-1]
    escapes = len(body) - len(body.rstrip("\\"))
    return text[-1] == '"' and escapes % 2 == 0


def parse_number(text: str, maximum: int) -> int | None:
    """1*DIGIT as a number, at most `maximum`; None for anything else."""
    # `int` alone takes signs, blanks and "_", and `isdigit` the digits of any script.
    if not (text.isdigit() and text.isascii()) or len(text) > MAX_DIGITS:
        return None
    return min(int(text), maximum)


def unescape(text: str) -> str:
    """Undo %-escapes, but of reserved and control characters, which keep theirs.

    RFC 3261, 19.1.4: an escape equals its character only outside the reserved set,
    so what this returns can be compared as text.
    """
    return _ESCAPES.sub(_unescape_run, text) if "%" in text else text


def _unescape_run(match: re.Match[str]) -> str:
    try:
        run = bytes.fromhex(match.group().replace("%", "")).decode()
    except UnicodeDecodeError:
        return match.group().upper()
    return "".join(
        "".join(f"%{octet:02X}" for octet in char.encode())
        if char in _RESERVED or not char.isprintable()
        else char
        for char in run
    )


def unescape_fully(text: str) -> str:
    """Undo every %-escape (the headers of a URI, RFC 3261, 19.1.1)."""
    if "%" not in text:
        return text
    raw = _ESCAPES.sub(
        lambda match: bytes.fromhex(match.group().replace("%", "")).decode("utf-8", "replace"),
        text,
    )
    return raw


def escape(text: str, keep: re.Pattern[str]) -> str:
    """%-escape whatever `keep` does not match; escapes already there stay."""
    if keep.fullmatch(text):
        return text
    parts: list[str] = []
    position = 0
    while position < len(text):
        kept = keep.match(text, position) or _ESCAPES.match(text, position)
        if kept and kept.end() > position:
            parts.append(kept.group())
            position = kept.end()
        else:
            octets = text[position].encode("utf-8", "surrogateescape")
            parts.append("".join(f"%{octet:02X}" for octet in octets))
            position += 1
    return "".join(parts)


def is_ipv6(text: str) -> bool:
    """Whether this is an IPv6 address, without brackets; a zone ("%eth0") is allowed.

    ":::" is taken as "::": the ABNF of RFC 3261 produces it (RFC 5118, 4.10).
    """
    address = text.partition("%")[0].replace(":::", "::")
    if address.count("::") > 1 or ":" not in address:
        return False
    left, gap, right = address.partition("::")
    groups = (left.split(":") if left else []) + (right.split(":") if right else [])
    if groups and address.endswith(groups[-1]) and _IPV4.fullmatch(groups[-1]):
        groups[-1:] = ["0", "0"]
    if not all(_HEX_GROUP.fullmatch(group) for group in groups):
        return False
    return len(groups) < 8 if gap else len(groups) == 8


def parse_host_port(text: str, *, bare_ipv6: bool = False) -> tuple[str, int | None]:
    """`host[:port]`, the host without brackets; raises ProtocolError.

    With `bare_ipv6`, colons that make an IPv6 address are taken as one, without a port.
    """
    if text[:1] == "[":
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not is_ipv6(host):
            raise ProtocolError("an IPv6 address that is none")
        host = host.replace(":::", "::")
    elif bare_ipv6 and text.count(":") > 1:
        if not is_ipv6(text):
            raise ProtocolError("an IPv6 address that is none")
        return text.replace(":::", "::"), None
    else:
        host, _, _ = text.partition(":")
        rest = text[len(host) :]
        host = host.rstrip()
        if not _HOSTNAME.fullmatch(host):
            raise ProtocolError("a host name that is none")
    rest = rest.strip()
    if not rest or rest == ":":
        return host, None
    if rest[0] != ":":
        raise ProtocolError("a host followed by something else than a port")
    return host, parse_port(rest[1:].strip())


def parse_port(digits: str) -> int:
    """A port number; raises ProtocolError for anything else."""
    port = parse_number(digits, 65_536)
    if port is None or port > 65_535:
        raise ProtocolError("a port that is none")
    return port


def format_host_port(host: str, port: int | None) -> str:
    """`host[:port]` with brackets around an IPv6 address."""
    if ":" in host:
        host = f"[{host}]"
    return host if port is None else f"{host}:{port}"


def printable(text: str) -> str:
    """Text for people: octets that are not UTF-8 are read as Latin-1, as old phones send it."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text


def shown(text: str) -> str:
    """`printable`, on one line, and without what would steer a terminal or turn the line around."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _JOINERS else " "
        for each in printable(text)
        if each.isprintable() or each.isspace() or each in _JOINERS
    )

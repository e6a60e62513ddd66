"""SIP and SIPS URIs (RFC 3261, section 19.1), and other schemes kept opaque.

A parsed URI is written again exactly as it was read: a Request-URI must be what
the peer put into its Contact, escape by escape. It resolves nothing (RFC 3263).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from platypus.errors import ProtocolError
from platypus.sip.caches import remembered
from platypus.sip.grammar import (
    CANONICAL_NAMES,
    MAX_CACHED_TEXT,
    NO_PARAMS,
    escape,
    format_host_port,
    parse_host_port,
    parse_port,
    unescape,
    unescape_fully,
)

# SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]. The user may hold ";" and "?",
# so it ends at "@" only; the host is checked when it is used.
_SIP_URI = re.compile(
    r"(?P<scheme>[Ss][Ii][Pp][Ss]?):"
    r"(?:(?P<user>[^@:\s<>\"]*+)(?::(?P<password>[^@\s<>\"]*+))?@)?"
    r"(?P<hostport>\[[^\]\s]*+\][^;?\s]*+|[^;?@\s<>\"\[\]]++)"
    r"(?P<params>;[^?\s<>\"]*+)?"
    r"(?:\?(?P<headers>[^\s<>\"]*+))?"
)
# absoluteURI = scheme ":" ( hier-part / opaque-part )
_OPAQUE_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*+):(?P<rest>[^\s<>\"]++)")

# What nearly every URI looks like: no password, no escape, no headers, a host name or IPv4.
_PLAIN_URI = re.compile(
    r"(sips?):(?:([A-Za-z0-9\-_.!~*'()&=+$,;?/]++)@)?"
    r"([A-Za-z0-9][A-Za-z0-9.\-]*+)(?::([0-9]{1,5}))?(;[^?%\s<>\"]*+)?"
)

# user = 1*( unreserved / escaped / user-unreserved )
_USER_CHARS = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]+")
# password = *( unreserved / escaped / "&" / "=" / "+" / "$" / "," )
_PASSWORD_CHARS = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,]+")
# paramchar = param-unreserved / unreserved / escaped
_PARAM_CHARS = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$]+")
# hname, hvalue = *( hnv-unreserved / unreserved / escaped ); escapes are written anew
_HEADER_CHARS = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]/?:+$]+")

# RFC 3261, 19.1.4: these never match by default; others count only where both URIs have them.
_ALWAYS_COMPARED = ("user", "ttl", "method", "maddr", "transport")

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Uri:
    """A `sip:` or `sips:` URI; any other scheme has its text in `user` and an empty `host`.

    `host` is without brackets. Parameter names are in lower case. `user` is unescaped
    but for reserved characters, so that users can be compared as text.
    """

    scheme: str
    user: str | None
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=lambda: NO_PARAMS, hash=False)
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS, hash=False)
    password: str | None = field(default=None, repr=False)
    _text: str = field(default="", init=False, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Parse a URI; raises ProtocolError (400)."""
        return _parse_cached(text) if len(text) <= MAX_CACHED_TEXT else _parse(text)

    def __str__(self) -> str:
        if not self._text:
            object.__setattr__(self, "_text", self._format())
        return self._text

    def _format(self) -> str:
        text = f"{self.scheme}:"
        if not self.host:
            return f"{text}{self.user or ''}" + _format_params(self.params)
        if self.user is not None:
            text += escape(self.user, _USER_CHARS)
            if self.password is not None:
                text += ":" + escape(self.password, _PASSWORD_CHARS)
            text += "@"
        text += format_host_port(self.host, self.port) + _format_params(self.params)
        if self.headers:
            text += "?" + "&".join(
                f"{_escape_header(name)}={_escape_header(value)}"
                for name, value in self.headers.items()
            )
        return text

    @property
    def is_sip(self) -> bool:
        return self.scheme == "sip" or self.scheme == "sips"

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case."""
        value = self.params.get("transport")
        return value.lower() if value else None

    @property
    def is_loose(self) -> bool:
        """Whether this names a loose router (RFC 3261, 19.1.1: `lr`)."""
        return "lr" in self.params

    def with_params(self, **params: str | None) -> Uri:
        """The same with these parameters added or replaced; None makes a flag."""
        return replace(self, params=MappingProxyType({**self.params, **params}))

    def without_params(self, *names: str) -> Uri:
        """The same without these parameters, or without any if none is named."""
        if not self.params:
            return self
        kept = {n: v for n, v in self.params.items() if names and n not in names}
        return replace(self, params=MappingProxyType(kept))

    def without_headers(self) -> Uri:
        """The same without headers, which have no place in a Request-URI (19.1.1, table 1)."""
        return replace(self, headers=_NO_HEADERS) if self.headers else self

    def equivalent(self, other: Uri) -> bool:
        """Whether both name the same resource (RFC 3261, 19.1.4)."""
        if not self.is_sip:
            return str(self).lower() == str(other).lower()
        return (
            self.scheme == other.scheme
            and self.user == other.user
            and self.password == other.password
            and self.host.lower() == other.host.lower()
            and self.port == other.port
            and _params_match(self.params, other.params)
            and _fold(self.headers) == _fold(other.headers)
        )


def _params_match(ours: Mapping[str, str | None], theirs: Mapping[str, str | None]) -> bool:
    for name in _ALWAYS_COMPARED:
        if (name in ours) != (name in theirs):
            return False
    return all(
        (value or "").lower() == (theirs[name] or "").lower()
        for name, value in ours.items()
        if name in theirs
    )


def _fold(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _parse(text: str) -> Uri:
    text = text.strip()
    plain = _PLAIN_URI.fullmatch(text)
    if plain is not None:
        scheme, user, host, digits, params = plain.groups()
        port = parse_port(digits) if digits else None
        uri = Uri(
            scheme, user, host, port, _parse_params(params) if params else NO_PARAMS, _NO_HEADERS
        )
    else:
        match = _SIP_URI.fullmatch(text)
        if match is None:
            return _parse_unusual(text)
        uri = _parse_general(match)
    object.__setattr__(uri, "_text", text)
    return uri


def _parse_general(match: re.Match[str]) -> Uri:
    scheme, user, password, hostport, params, headers = match.groups()
    # RFC 5118, 4.2: without a user there is no telling host from port.
    host, port = parse_host_port(hostport, bare_ipv6=user is not None)
    return Uri(
        scheme.lower(),
        unescape(user) if user is not None else None,
        host,
        port,
        _parse_params(params) if params else NO_PARAMS,
        _parse_headers(headers) if headers else _NO_HEADERS,
        unescape(password) if password is not None else None,
    )


_parse_cached = remembered(maxsize=512)(_parse)


def _parse_unusual(text: str) -> Uri:
    match = _OPAQUE_URI.fullmatch(text)
    if match is None:
        raise ProtocolError("a URI that is none")
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme in ("sip", "sips"):
        return _parse_with_at_signs(scheme, rest)
    # RFC 3966: tel:+1-201-555-0123;phone-context=example.com
    number, semicolon, params = rest.partition(";") if scheme == "tel" else (rest, "", "")
    uri = Uri(scheme, number, "", None, _parse_params(params) if semicolon else NO_PARAMS)
    object.__setattr__(uri, "_text", text)
    return uri


def _parse_with_at_signs(scheme: str, rest: str) -> Uri:
    """`sip:john@corp.com@provider.net`: an address as user name, its "@" left unescaped."""
    user, _, remainder = rest.rpartition("@")
    if "@" not in user or ";" in user or "?" in user:
        raise ProtocolError(f"a {scheme} URI without a valid host")
    return _parse(f"{scheme}:{user.replace('@', '%40')}@{remainder}")


def _parse_params(text: str) -> Mapping[str, str | None]:
    params: dict[str, str | None] = {}
    for param in text.split(";"):
        if param:
            name, equals, value = param.partition("=")
            if "%" in param:
                name, value = unescape(name), unescape(value)
            params.setdefault(name.lower(), value if equals else None)
    return MappingProxyType(params)


def _format_params(params: Mapping[str, str | None]) -> str:
    text = ""
    for name, value in params.items():
        text += ";" + escape(name, _PARAM_CHARS)
        if value is not None:
            text += "=" + escape(value, _PARAM_CHARS)
    return text


def _parse_headers(text: str) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for header in text.split("&"):
        name, _, value = header.partition("=")
        name, value = unescape_fully(name), unescape_fully(value)
        name = CANONICAL_NAMES.get(name.lower(), name)
        # A header with a line end would become two in the request made from it (19.1.5).
        if name.lower() != "body" and ("\r" in name + value or "\n" in name + value):
            raise ProtocolError("a URI with a line end in its headers")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return MappingProxyType(headers)


def _escape_header(text: str) -> str:
    return escape(text.replace("%", "%25"), _HEADER_CHARS)

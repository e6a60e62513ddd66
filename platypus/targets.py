"""What somebody types or pastes to call, completed to a SIP URI.

A full URI is left alone; around one, angle brackets and a name are taken off.
A number or user part gets the account's host and
port. `tel:` numbers go to the account's server as well (RFC 3261, 19.1.6). Where no
transport is named, the one that was chosen is (RFC 3263, 4.1).
"""

from __future__ import annotations

import re

from platypus.errors import ProtocolError, StateError
from platypus.sip.headers import NameAddr
from platypus.sip.uri import Uri

# How people write numbers: +49 (30) 1234-567
_NUMBER = re.compile(r"\+?[0-9*#][0-9*#\s()./-]*\Z")
_SEPARATORS = re.compile(r"[\s()./-]")
# RFC 3261, 25.1: unreserved and user-unreserved stay, the rest is escaped.
_ESCAPED_IN_USER = re.compile(r"[^A-Za-z0-9\-_.!~*'()&=+$,;?/]")
_SCHEMES = ("sip:", "sips:")
# With an "@" these would be read as a user with a password.
_NO_TELEPHONES = frozenset(("mailto", "http", "https", "xmpp", "im", "pres", "skype"))


def complete(to: str, account: Uri | None) -> str:
    """A SIP URI for `to`; StateError where it can't become one."""
    text = _without_brackets(to.strip())
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() == "tel":
        text = rest.partition(";")[0]
    elif text.lower().startswith(_SCHEMES):
        return _checked(text)
    elif colon and scheme.lower() in _NO_TELEPHONES:
        raise StateError(f"{to!r} is not a SIP address: {scheme}: leads to no telephone")
    elif "@" in text:
        return _checked(f"sip:{text}")
    if not text:
        raise StateError("nobody to call: give a SIP address or a number")
    if account is None:
        raise StateError(
            f"{to!r} is not a SIP address, and there is no account to complete it with: "
            f"give one like sip:{text}@example.com"
        )
    user = _SEPARATORS.sub("", text) if _NUMBER.match(text) else text
    return f"{account.scheme}:{_escape(user)}@{host_and_port(account)}"


def by_transport(uri: str, transport: str) -> str:
    """`uri` with `;transport=`, where it names none and the choice is not UDP's, the default."""
    if transport == "udp" or not uri.lower().startswith("sip:"):
        return uri
    parsed = Uri.parse(uri)
    return uri if parsed.transport else str(parsed.with_params(transport=transport))


def host_and_port(uri: Uri) -> str:
    """As it stands in a URI: an IPv6 address in brackets, no port where there was none."""
    host = f"[{uri.host}]" if ":" in uri.host and not uri.host.startswith("[") else uri.host
    return f"{host}:{uri.port}" if uri.port else host


def _escape(user: str) -> str:
    return _ESCAPED_IN_USER.sub(
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), user
    )


def _without_brackets(text: str) -> str:
    """The URI of `"Bob" <sip:bob@example.com>`, as address books and mails write it."""
    if not text.endswith(">") or "<" not in text:
        return text
    try:
        return str(NameAddr.parse(text).uri)
    except ProtocolError as problem:
        raise StateError(f"{text} is not a SIP address: {problem}") from problem


def _checked(text: str) -> str:
    try:
        uri = Uri.parse(text)
    except ProtocolError as problem:
        raise StateError(f"{text} is not a SIP address: {problem}") from problem
    if not uri.host:
        raise StateError(f"{text} names no host; give one like sip:bob@example.com")
    return text


def parse_account(aor: str) -> Uri:
    """The URI of an address of record; StateError says what is wrong with it."""
    text = aor.strip()
    uri = Uri.parse(_checked(text if text.lower().startswith(_SCHEMES) else f"sip:{text}"))
    if not uri.user:
        raise StateError(f"{aor} names no user; an account is like sip:alice@example.com")
    return uri

"""What a REFER asks for, read with suspicion (RFC 3515, 2.1; RFC 3261, 19.1.5).

A Refer-To may be any URI, with a method and headers in it. Ours makes an INVITE
to a SIP address and nothing else, with only those headers that can't change who
calls, by which way, or with what body.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from platypus.errors import ProtocolError
from platypus.sip.grammar import TOKEN
from platypus.sip.headers import NameAddr
from platypus.sip.replaces import Replaces

if TYPE_CHECKING:
    from platypus.sip.message import Request
    from platypus.sip.uri import Uri

# 19.1.5: headers of a URI that are honoured; others would let the peer write our request.
_HONOURED = frozenset(("subject", "user-to-user"))
MAX_HEADERS = 8
MAX_TEXT = 2048  # of a Refer-To: a Replaces of a long Call-ID fits four times

Fields = tuple[tuple[str, str], ...]


class Referral(NamedTuple):
    """An INVITE that somebody asks us to send."""

    target: Uri  # without headers
    headers: Fields = ()  # Replaces among them
    referred_by: str = ""  # the header's value; RFC 3892's signature is not checked


def read_refer(request: Request) -> Referral:
    """What a REFER asks for; raises ProtocolError with the status to refuse it with."""
    values = request.headers.get_all("Refer-To")
    if len(values) != 1 or len(values[0]) > MAX_TEXT:
        raise ProtocolError("a REFER needs one Refer-To", status=400)
    uri = NameAddr.parse(values[0]).uri
    if not uri.is_sip or not uri.host:
        raise ProtocolError("a Refer-To that can't be called", status=416)
    if (uri.params.get("method") or "INVITE").upper() != "INVITE":
        raise ProtocolError("a Refer-To that asks for more than a call", status=403)
    if "body" in {name.lower() for name in uri.headers}:
        raise ProtocolError("a Refer-To with a body", status=403)
    referred_by = request.headers.get("Referred-By") or ""
    target = uri.without_headers()
    if "method" in target.params:
        target = target.without_params("method")
    return Referral(target, _honoured(uri), referred_by)


def _honoured(uri: Uri) -> Fields:
    fields: list[tuple[str, str]] = []
    for name, value in uri.headers.items():
        lower = name.lower()
        if lower == "replaces":
            fields.append(("Replaces", str(Replaces.parse(value))))
        elif lower == "require" and value.strip().lower() == "replaces":
            fields.append(("Require", "replaces"))
        elif (lower in _HONOURED or lower.startswith("x-")) and _is_plain(name, value):
            fields.append((name, value))
    return tuple(fields[:MAX_HEADERS])


def _is_plain(name: str, value: str) -> bool:
    return TOKEN.fullmatch(name) is not None and value.isprintable()


def refer_to(target: Uri, *, replaces: Replaces | None = None, require: bool = False) -> str:
    """A Refer-To for a call to `target`, replacing a dialog there (RFC 5589, 7)."""
    headers: dict[str, str] = {}
    if replaces is not None:
        headers["Replaces"] = str(replaces)
        if require:
            headers["Require"] = "replaces"
    uri = replace(target.without_headers(), headers=MappingProxyType(headers))
    return str(NameAddr(uri))

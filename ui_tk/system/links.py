"""What a click on a telephone link asks for: sip:, sips: (RFC 3261), tel: (RFC 3966), callto:.

A link comes from a web page, so it names whom to call and nothing else: headers and bodies that
a SIP URI may carry (19.1.1) are dropped, and the number is shown before it is dialled unless
the user wants it otherwise.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

SCHEMES = ("sip", "sips", "tel", "callto")
MOST = 512

_NUMBER = re.compile(r"[+*#0-9A-Da-d][0-9A-Da-d*#().\- /]*")
_SEPARATORS = re.compile(r"[().\- /]")
_ADDRESS = re.compile(r"[^\s@<>\"?;:]+(?::\d{1,5})?")


class LinkError(ValueError):
    """A link that names nobody who can be called. Its text is a sentence for the user."""


def is_link(text: str) -> bool:
    scheme, colon, _ = text.strip().partition(":")
    return bool(colon) and scheme.lower() in SCHEMES


def target(link: str) -> str:
    """Whom `link` calls: a SIP URI, or a number as it is dialled. Raises LinkError."""
    text = link.strip()
    if len(text) > MOST or any(not each.isprintable() for each in text):
        raise LinkError("That link can't be dialled: it is too long or has hidden characters.")
    scheme, _, rest = text.partition(":")
    rest = rest.removeprefix("//").partition("?")[0].rstrip("/")
    match scheme.lower():
        case "sip" | "sips":
            return _sip(scheme.lower(), rest)
        case "tel":
            return _number(unquote(rest.partition(";")[0]))
        case "callto":
            address = unquote(rest.partition(";")[0])
            return _sip("sip", address) if "@" in address else _number(address)
    raise LinkError(f"Links that begin with {scheme}: are not telephone links.")


def _sip(scheme: str, rest: str) -> str:
    address, _, parameters = rest.partition(";")
    user, at, host = address.rpartition("@")
    # A password in a link would be sent in the clear, and belongs to nobody here.
    user = user.partition(":")[0]
    if not _ADDRESS.fullmatch(host.strip("[]") if "[" not in host else "v6") or (at and not user):
        raise LinkError("That link names no SIP address.")
    if not at and _NUMBER.fullmatch(host):
        return _number(host)  # sip:600, as some pages write it
    kept = [each for each in parameters.split(";") if each.lower().startswith("transport=")]
    return ";".join([f"{scheme}:{user}{at}{host}", *kept])


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text.strip()):
        raise LinkError("That link holds no telephone number.")
    return _SEPARATORS.sub("", text.strip())

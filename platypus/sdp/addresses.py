"""Where a description wants its media sent: the c= line (RFC 8866, 5.7).

An address, or the name of a host, which some PBXs write; that it resolves is not known here.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from platypus.errors import SdpError

if TYPE_CHECKING:
    from platypus.sdp.description import MediaDescription, SessionDescription

MAX_ADDRESS = 60  # characters: an IPv6 address with its zone is shorter
MAX_NAME = 253
# RFC 1123, 2.1; the last label has a letter, or it is an address gone wrong.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?=[A-Za-z0-9_-]*[A-Za-z]){_LABEL}\.?")


def is_zero(address: str | None) -> bool:
    """0.0.0.0 or ::, however it is written."""
    found = _parsed(address[: MAX_ADDRESS + 1]) if address is not None else None
    return found is not None and found.is_unspecified


def connection(description: SessionDescription, media: MediaDescription) -> str | None:
    return media.connection or description.connection


def address_of(description: SessionDescription, media: MediaDescription) -> str | None:
    """Where the stream is wanted, None for nowhere yet (0.0.0.0). Raises `SdpError`."""
    text = connection(description, media)
    if text is None:
        raise SdpError("no c= line, so there is no address to send to")
    if is_zero(text):
        return None
    if not is_name(text):
        wrong = problem_with(text[:MAX_ADDRESS])
        if wrong:
            raise SdpError(wrong)
    return text


def is_name(host: str) -> bool:
    """Whether it has to be looked up."""
    return len(host) <= MAX_NAME and _is_name(host)


# A peer is at the same address in each of its calls.
@lru_cache(maxsize=64)
def _is_name(host: str) -> bool:
    return _NAME.fullmatch(host) is not None


@lru_cache(maxsize=64)
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for what is none. An IPv4 address in the clothes of IPv6 (RFC 4291, 2.5.5.2) is one."""
    if "%" in address:  # RFC 8866, 9: no zone, which means nothing on another machine
        return None
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def problem_with(address: str) -> str:
    """Why nothing can be sent there; "" where it can."""
    found = _parsed(address)
    if found is None:
        return f"{address!r} in the c= line is neither an IP address nor the name of a host"
    # A description from the network must not aim our stream at a whole network.
    if found.is_multicast or str(found) == "255.255.255.255":
        return f"{address} is not the address of one peer"
    return ""

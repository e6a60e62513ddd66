"""The parameters of a format: what follows a=fmtp (RFC 8866, 6.15).

Most codecs write `name=value` pairs with semicolons between them; telephone-event's list of
events is none of these, and gives nothing here. Which names mean what is the codec's business.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_PARAMETERS = 32  # Opus, which has the most of those we read, defines a dozen
MAX_LENGTH = 1_000


def parameters(fmtp: str) -> Mapping[str, str]:
    """By name, in lower case; the first of those that come twice, and none that are broken."""
    found: dict[str, str] = {}
    for part in fmtp[:MAX_LENGTH].split(";")[:MAX_PARAMETERS]:
        name, equals, value = part.partition("=")
        if equals and name.strip():
            found.setdefault(name.strip().lower(), value.strip())
    return found


def whole(found: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    """A number from `low` to `high`; None where it is not there, or is none."""
    text = found.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(high)):
        return None
    value = int(text)
    return value if low <= value <= high else None

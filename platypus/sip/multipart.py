"""Bodies of several parts (RFC 5621, RFC 2046, 5.1): the one part that we have a use for.

    multipart/mixed, related    the first part of a type that is wanted
    multipart/alternative       the last one, which its author likes best
    the others                  not looked at, unless they must be understood

Some PBXs describe a call twice, or put a map or a signature beside it. We write none ourselves.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError
from platypus.sip.grammar import parse_params

if TYPE_CHECKING:
    from platypus.sip.message import Message

KINDS = ("multipart/mixed", "multipart/alternative", "multipart/related")
MAX_PARTS = 16
MAX_BOUNDARY = 70  # RFC 2046, 5.1.1
MAX_NESTING = 2  # alternatives within a mixture
_PLAIN_ENCODINGS = ("", "7bit", "8bit", "binary")


def part_of(message: Message, wanted: Collection[str]) -> bytes | None:
    """The part of a body whose type is one of `wanted`; None where there is none to be had."""
    kind = message.headers.get("Content-Type") or ""
    return _find(kind, message.body, wanted, MAX_NESTING)


def _find(kind: str, body: bytes, wanted: Collection[str], nesting: int) -> bytes | None:
    name, _, rest = kind.partition(";")
    name = name.replace(" ", "").lower()
    if name not in KINDS or not nesting:
        return None
    found = []
    for fields, content in _parts(body, _boundary(rest)):
        inner = fields.get("content-type", "text/plain")
        disposition = fields.get("content-disposition", "").replace(" ", "").lower()
        usable = disposition.partition(";")[0] in ("", "session", "render")
        if fields.get("content-transfer-encoding", "").lower() not in _PLAIN_ENCODINGS:
            usable = False
        if usable and inner.partition(";")[0].replace(" ", "").lower() in wanted:
            found.append(content)
            continue
        nested = _find(inner, content, wanted, nesting - 1) if usable else None
        if nested is not None:
            found.append(nested)
        elif "handling=required" in disposition and name != "multipart/alternative":
            return None  # RFC 5621, 4: not to be understood without it
    if not found:
        return None
    return found[-1] if name == "multipart/alternative" else found[0]


def _boundary(params: str) -> bytes:
    try:
        boundary = parse_params(params).get("boundary") or ""
    except ProtocolError:
        return b""
    return boundary.encode() if len(boundary) <= MAX_BOUNDARY else b""


def _parts(body: bytes, boundary: bytes) -> list[tuple[dict[str, str], bytes]]:
    """The fields, by name in lower case, and the content of each part."""
    if not boundary:
        return []
    delimiter = b"\r\n--" + boundary
    _, *pieces = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)
    parts = []
    for piece in pieces[:MAX_PARTS]:
        if piece.startswith(b"--"):
            break
        padding, _, rest = piece.partition(b"\r\n")
        if padding.strip():
            break  # a longer boundary that begins like ours
        head, _, content = (b"\r\n" + rest).partition(b"\r\n\r\n")
        parts.append((_fields(head), content))
    return parts


def _fields(head: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields

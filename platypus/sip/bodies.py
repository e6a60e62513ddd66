"""Which bodies are offers and answers (RFC 3261, 20.11; RFC 5621)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from platypus.sip.multipart import part_of

if TYPE_CHECKING:
    from platypus.sip.message import Request, Response

# Whose bodies they are; of an ACK it depends on what it acknowledges.
DESCRIBING = ("INVITE", "UPDATE", "PRACK")


def describes_session(message: Request | Response, accept: Collection[str]) -> bool:
    """Whether a body describes a session; an early one (RFC 3959) is another."""
    if message.cseq.method not in DESCRIBING:
        return True  # not ours to judge
    said = message.headers.get("Content-Disposition")
    disposition = said.partition(";")[0].strip().lower() if said else "session"
    if disposition == "session" and message.content_type in accept:
        return True
    return take_part(message, accept)


def take_part(message: Request | Response, accept: Collection[str]) -> bool:
    """Whether one part of a body describes a session: the rest is not looked at any more."""
    if not (message.content_type or "").startswith("multipart/"):
        return False
    part = part_of(message, accept)
    if part is None:
        return False
    message.body = part
    return True

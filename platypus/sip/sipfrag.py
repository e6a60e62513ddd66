"""message/sipfrag (RFC 3420), as far as a transfer needs it: one status line (RFC 3515, 2.4.5)."""

from __future__ import annotations

import re

from platypus.sip.grammar import shown

CONTENT_TYPE = "message/sipfrag"

_STATUS_LINE = re.compile(rb"\s*SIP/2\.0\s+([1-6][0-9]{2})(?:[ \t]+([^\r\n]*))?", re.IGNORECASE)
# Nobody reads more of a reason than this, and it is the peer's text.
MAX_REASON = 200


def build_sipfrag(status: int, reason: str) -> bytes:
    """The body that says how far a call has come."""
    return f"SIP/2.0 {status} {shown(reason)[:MAX_REASON]}\r\n".encode()


def parse_sipfrag(body: bytes) -> tuple[int, str] | None:
    """Status and reason in a body; None if it starts with no status line."""
    match = _STATUS_LINE.match(body)
    if match is None:
        return None
    reason = (match[2] or b"").decode(errors="replace")[:MAX_REASON]
    return int(match[1]), shown(reason).strip()

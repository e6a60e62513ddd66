"""Whose offer waits for its answer (RFC 3264, 4; the table of RFC 6337, 2).

Offers and answers go in INVITE, its responses, ACK, PRACK and UPDATE. Each part
of a session knows of its own; here is what they say together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from platypus.sip.session import Session

Pending = Literal["local", "remote"]


def pending_offer(session: Session, remote_tag: str) -> Pending | None:
    """Whose offer is pending in the dialog with this peer; None where a new one may be made."""
    changes, updates = session.changes, session.updates
    if updates.answering or changes.answering or session.owes_ack:
        return "remote"
    ours = any(answer.is_offer for answer in session.answers.values())
    if ours or updates.offering or changes.offering:
        return "local"
    if not session.unanswered:
        return None
    if session.calling is not None:
        return None if session.calling.pracks.has_agreed(remote_tag) else "local"
    return session.called.pending_offer if session.called is not None else None

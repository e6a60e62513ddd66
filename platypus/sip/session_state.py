"""The states of a session, as its user sees them (RFC 3261, sections 13 to 15)."""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """Where a session stands.

    state       caller                              callee
    ---------   ---------------------------------   ------------------------------
    CALLING     INVITE on its way, or 100           INVITE received
    RINGING     a provisional response above 100    one was sent
    ANSWERING   2xx with an offer: ACK is owed      2xx sent, ACK awaited
    CONFIRMED   2xx acknowledged                    ACK received
    ENDED       over                                over
    """

    CALLING = "calling"
    RINGING = "ringing"
    ANSWERING = "answering"
    CONFIRMED = "confirmed"
    ENDED = "ended"

"""The callee's side of a first INVITE (RFC 3261, 13.3).

Ringing, early media, the answer, refusal and redirection, and the caller's CANCEL.
The 2xx is repeated by `acknowledge`, refusals by their transaction. It decides
nothing: the user does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platypus.sip.build import reason_phrase
from platypus.sip.dialog import Dialog
from platypus.sip.session import SessionState

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request
    from platypus.sip.server_transaction import InviteServerTransaction
    from platypus.sip.session import Fields, Session
    from platypus.sip.timers import Timer

# 13.3.1.1: a proxy forgets a call that says nothing for three minutes.
PROVISIONAL_INTERVAL = 60.0

# RFC 3326: SIP ;cause=200 ;text="Call completed elsewhere"
_ELSEWHERE = re.compile(r"SIP\s*;(?:.*;)?\s*cause\s*=\s*200\b", re.IGNORECASE)


class Called:
    """The first INVITE of a session, until its final response."""

    def __init__(
        self, session: Session, transaction: InviteServerTransaction, request: Request, flow: Flow
    ) -> None:
        self._session = session
        self._stack = session.stack
        self._transaction = transaction
        self._offered = bool(session.remote_body)
        self._early_body: bytes | None = None
        self._provisional = (0, b"")
        self._reminder: Timer | None = None
        self._limit: Timer | None = None
        transaction.user = self
        session.dialog = Dialog.from_request(request, session.local_tag, flow)

    def start(self, request: Request, now: float) -> None:
        """The call can't ring for ever: its Expires (13.3.1) or our own limit ends it."""
        seconds = self._stack.settings.ring_limit
        if request.expires:
            seconds = min(seconds, float(request.expires))
        self._limit = self._stack.timers.start(now + seconds, self._rang_too_long)

    def progress(self, status: int, body: bytes | None, now: float) -> None:
        """A provisional response of 101 to 199."""
        if not 100 < status < 200:
            raise ValueError(f"{status} is not a provisional response")
        # An offer in a response that may be lost is none (13.2.1); only an answer goes early.
        body = body if self._offered else None
        self._early_body = body or self._early_body
        data = self._session.response(self._transaction, status, body=body)
        self._session.state = SessionState.RINGING
        self._provisional = (status, data)
        self._transaction.respond(status, data, now)
        self._remind(now)

    def answer(self, body: bytes | None, now: float) -> None:
        """200 OK."""
        body = body if body is not None else self._early_body
        if body is None:
            raise ValueError("an answered call needs a session description")
        self._stop()
        self._session.state = SessionState.ANSWERING
        self._session.send_answer(self._transaction, body, now, is_offer=not self._offered)

    def reject(self, status: int, now: float, reason: str, headers: Fields) -> None:
        """A final response other than 2xx."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} does not refuse a call")
        self._stop()
        self._session.respond(self._transaction, status, now, reason=reason, headers=headers)
        self._session.end(status, reason or reason_phrase(status), "local")

    def receive_cancel(self, request: Request, now: float) -> None:
        """The caller gives up (9.2), perhaps because another phone answered (RFC 3326)."""
        reasons = request.headers.get_all("Reason")
        elsewhere = any(_ELSEWHERE.search(reason) for reason in reasons)
        self.terminated(now)
        reason = "answered elsewhere" if elsewhere else "the caller gave up"
        self._session.end(487, reason, "remote", elsewhere=elsewhere)

    def terminated(self, now: float) -> None:
        """487 Request Terminated."""
        self._stop()
        self._session.respond(self._transaction, 487, now)

    def _rang_too_long(self, now: float) -> None:
        self._stop()
        self._session.respond(self._transaction, 480, now)
        self._session.end(480, "nobody answered", "local")

    def _remind(self, now: float) -> None:
        if self._reminder is not None:
            self._reminder.stop()
        self._reminder = self._stack.timers.start(now + PROVISIONAL_INTERVAL, self._repeat)

    def _repeat(self, now: float) -> None:
        status, data = self._provisional
        self._transaction.respond(status, data, now)
        self._remind(now)

    def _stop(self) -> None:
        for timer in (self._reminder, self._limit):
            if timer is not None:
                timer.stop()

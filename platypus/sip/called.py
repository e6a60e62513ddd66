"""The callee's side of a first INVITE (RFC 3261, 13.3).

Ringing, early media, the answer, refusal and redirection, and the caller's CANCEL.
Provisional responses are sent by `provisional`, the 2xx is repeated by `acknowledge`,
refusals by their transaction. It decides nothing: the user does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.build import reason_phrase
from platypus.sip.dialog import Dialog
from platypus.sip.provisional import Provisionals
from platypus.sip.reason import completed_elsewhere
from platypus.sip.responding import respond, send_answer
from platypus.sip.session_state import SessionState

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request
    from platypus.sip.offers import Pending
    from platypus.sip.server_transaction import InviteServerTransaction
    from platypus.sip.session import Fields, Session
    from platypus.sip.timers import Timer


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
        self._answer: bytes | None = None  # waits for a PRACK (RFC 3262, 3)
        self._limit: Timer | None = None
        self.provisionals = Provisionals(session, transaction, request, self)
        transaction.user = self
        session.dialog = Dialog.from_request(request, session.local_tag, flow)

    @property
    def answering(self) -> bool:
        """Whether the user has answered, and the 200 waits for a PRACK."""
        return self._answer is not None

    @property
    def pending_offer(self) -> Pending | None:
        """Whose offer waits for an answer before the final response (RFC 3311, 5.1)."""
        if self.provisionals.agreed:
            return None
        return "remote" if self._offered else "local"

    def start(self, request: Request, now: float) -> None:
        """The call can't ring for ever: its Expires (13.3.1) or our own limit ends it."""
        limit = now + self._stack.settings.ring_limit
        expires = request.expires
        if expires and now + expires < limit:
            self._limit = self._stack.timers.start(now + expires, self._expired)
        else:
            self._limit = self._stack.timers.start(limit, self._rang_too_long)

    def progress(self, status: int, body: bytes | None, now: float) -> None:
        """A provisional response of 101 to 199."""
        if not 100 < status < 200:
            raise ValueError(f"{status} is not a provisional response")
        # An offer in a response that may be lost is none (13.2.1); only an answer goes early.
        body = body if self._offered or self.provisionals.reliable else None
        self._early_body = body or self._early_body
        self._session.state = SessionState.RINGING
        self.provisionals.send(status, body, now)

    def answer(self, body: bytes | None, now: float) -> None:
        """200 OK."""
        body = body if body is not None else self._early_body
        if body is None:
            raise ValueError("an answered call needs a session description")
        if self.provisionals.unacknowledged_body:
            self._answer = body
            return
        self._stop()
        self._session.state = SessionState.ANSWERING
        if self.provisionals.described:
            send_answer(self._session, self._transaction, b"", now, is_offer=False)
        else:
            send_answer(self._session, self._transaction, body, now, is_offer=not self._offered)

    def provisional_acknowledged(self, now: float) -> None:
        """An answer that had to wait can go."""
        body, self._answer = self._answer, None
        if body is not None:
            self.answer(body, now)

    def never_acknowledged(self, now: float) -> None:
        """RFC 3262, 3: a caller that wanted reliability, and is not there."""
        self._stop()
        respond(self._session, self._transaction, 504, now)
        self._session.end(504, "the caller never acknowledged that it rings", "local")

    def reject(self, status: int, now: float, reason: str, headers: Fields) -> None:
        """A final response other than 2xx."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} does not refuse a call")
        self._stop()
        self._session.abandon(now)
        respond(self._session, self._transaction, status, now, reason=reason, headers=headers)
        self._session.end(status, reason or reason_phrase(status), "local")

    def receive_cancel(self, request: Request, now: float) -> None:
        """The caller gives up (9.2), perhaps because another phone answered (RFC 3326)."""
        elsewhere = completed_elsewhere(request)
        self.terminated(now)
        reason = "answered elsewhere" if elsewhere else "the caller gave up"
        self._session.end(487, reason, "remote", elsewhere=elsewhere)

    def terminated(self, now: float) -> None:
        """487 Request Terminated."""
        self._stop()
        self._session.abandon(now)
        respond(self._session, self._transaction, 487, now)

    def release(self) -> None:
        """The session is over, and its INVITE answered: nobody asks for these again."""
        self._stop()
        del self.provisionals

    def _expired(self, now: float) -> None:
        """The invitation was meant for no longer than that (13.3.1)."""
        self.terminated(now)
        self._session.end(487, "nobody answered", "local")

    def _rang_too_long(self, now: float) -> None:
        self._stop()
        respond(self._session, self._transaction, 480, now)
        self._session.end(480, "nobody answered", "local")

    def _stop(self) -> None:
        self._answer = None
        self.provisionals.stop()
        if self._limit is not None:
            self._limit.stop()

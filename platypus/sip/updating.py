"""UPDATE in both directions, in early and confirmed dialogs (RFC 3311).

    with a body      an offer: taken where no other is pending, else 491 or 500
    without          moves the target, refreshes the session timer, names the connected line

One offer of the peer's is asked of the user at a time, also one that came in a
PRACK. Re-INVITEs are `changing`'s; whose offer is pending is `offers`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import StateError
from platypus.sip.build import reason_phrase
from platypus.sip.events import ReinviteAnswered, Reinvited, ReinviteRefused, Updated
from platypus.sip.grammar import parse_number
from platypus.sip.moving import moving
from platypus.sip.offers import pending_offer
from platypus.sip.requesting import Attempts
from platypus.sip.responding import respond, target_fields
from platypus.sip.transaction import State
from platypus.sip.warning import with_warning

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.session import Body, Fields, Session
    from platypus.sip.timers import Timer

# As for re-INVITEs: two sides that keep colliding have something wrong with their timers.
MAX_ATTEMPTS = 6
MAX_RETRY_AFTER = 60  # seconds; a change that waits for longer is none any more


class Updates:
    """The UPDATEs of one session."""

    __slots__ = ("_dialog", "_incoming", "_outgoing", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._incoming: ServerTransaction | None = None  # an offer the user has to answer
        self._dialog: Dialog | None = None  # it came in this one
        self._outgoing: Update | None = None

    @property
    def answering(self) -> bool:
        """Whether an offer of the peer's waits for the user."""
        if self._incoming is not None and self._incoming.state is State.TERMINATED:
            self._incoming = None  # 5.2: the peer has given up waiting for it
        return self._incoming is not None

    @property
    def offering(self) -> bool:
        """Whether an offer of ours waits for the peer."""
        return self._outgoing is not None and self._outgoing.offers

    @property
    def pending(self) -> bool:
        """Whether one of ours has no final response yet."""
        return self._outgoing is not None

    def send(self, body: Body, content_type: str, now: float) -> None:
        """Offer a change, or only refresh (None). Raises StateError where it is not allowed."""
        session = self._session
        dialog = session.dialog
        if session.unanswered and session.calling is not None:
            dialog = session.calling.agreed_leg
        if dialog is None or session.ended:
            raise StateError(f"a call that is {session.state} can't be updated")
        if self._outgoing is not None or session.owes_ack:
            raise StateError("another change of the call is on its way")
        if body is not None and pending_offer(session, dialog.remote.tag or "") is not None:
            raise StateError("another offer waits for its answer")
        self._outgoing = Update(session, dialog, body, content_type)
        self._outgoing.start(now)

    def receive(
        self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float
    ) -> None:
        """The peer's UPDATE (5.2)."""
        session = self._session
        if self.answering:
            self._refuse_for_now(transaction, now)
        elif minimum := session.timer.too_small(request):
            respond(session, transaction, 422, now, headers=[("Min-SE", str(minimum))])
        elif request.body:
            self.receive_offer(transaction, request, now, dialog)
        else:
            dialog.refresh_target(request.contacts)
            session.note_peer(request)
            respond(session, transaction, 200, now)
            session.timer.begin(now)
            session.stack.emit(Updated(session, request))

    def receive_offer(
        self,
        transaction: ServerTransaction,
        request: Request,
        now: float,
        dialog: Dialog | None = None,
    ) -> None:
        """An offer in an UPDATE, or with `dialog` left out in a PRACK."""
        session = self._session
        pending = pending_offer(session, request.from_.tag or "")
        if pending == "local":
            respond(session, transaction, 491, now)
        elif pending == "remote":
            self._refuse_for_now(transaction, now)
        else:
            self._incoming, self._dialog = transaction, dialog
            session.note_peer(request)
            session.come_by(transaction.flow)
            session.stack.emit(Reinvited(session, request, request.body))

    def accept(self, body: bytes, now: float) -> bool:
        """200 with our answer; False if no offer of an UPDATE waits."""
        if not self.answering or self._incoming is None:
            return False
        (transaction, self._incoming), session = (self._incoming, None), self._session
        request = transaction.request
        if request is None:
            return True
        if self._dialog is not None:
            self._dialog.refresh_target(request.contacts)
        respond(session, transaction, 200, now, body=body)
        if request.method == "UPDATE":
            session.timer.begin(now)
        if session.calling is not None:
            session.calling.superseded(request.from_.tag or "")
        session.changes.settled(now)
        return True

    def refuse(self, status: int, now: float, reason: str = "", headers: Fields = ()) -> bool:
        """Refuse the peer's offer; False if none waits."""
        if not self.answering or self._incoming is None:
            return False
        transaction, self._incoming = self._incoming, None
        respond(self._session, transaction, status, now, reason=reason, headers=headers)
        self._session.changes.settled(now)
        return True

    def over(self, now: float) -> None:
        """Ours had its final response."""
        self._outgoing = None
        self._session.changes.settled_soon(now)

    def stop(self, now: float | None = None) -> None:
        """The call is over."""
        if self._outgoing is not None:
            self._outgoing.stop()
            self._outgoing = None
        if now is not None:
            self.refuse(487, now)

    def _refuse_for_now(self, transaction: ServerTransaction, now: float) -> None:
        wait = str(int(self._session.stack.uniform(0, 10)))
        respond(self._session, transaction, 500, now, headers=[("Retry-After", wait)])


class Update:
    """One UPDATE of ours, in all its attempts."""

    __slots__ = ("_again", "_attempts", "_body", "_content_type", "_count", "_dialog", "_session")

    def __init__(self, session: Session, dialog: Dialog, body: Body, content_type: str) -> None:
        self._session = session
        self._dialog = dialog
        self._body = body
        self._content_type = content_type
        self._attempts: Attempts | None = None
        self._again: Timer | None = None
        self._count = 0

    @property
    def offers(self) -> bool:
        """Whether it carries an offer."""
        return self._body is not None and self._again is None

    def start(self, now: float) -> None:
        """Send it on the dialog's way."""
        self._again = None
        self._count += 1
        session = self._session
        if session.ended:
            return
        self._attempts = Attempts(session.stack, self._dialog.next_hop, self, session.digest)
        self._attempts.start(now, flow=self._dialog.known_flow)

    def stop(self) -> None:
        """No further attempt."""
        if self._again is not None:
            self._again.stop()
        if self._attempts is not None:
            self._attempts.stop()

    def build(self, flow: Flow, via: str, now: float) -> Request:
        """The UPDATE (5.1): a target refresh, so it has a Contact."""
        session, dialog = self._session, self._dialog
        dialog.located = (dialog.next_hop, flow)
        fields = target_fields(session, flow)
        request = dialog.request("UPDATE", self.next_cseq(), via, fields)
        for name, value in session.timer.request_fields():
            request.headers.add(name, value)
        if self._body is not None:
            session.offered_over = flow
        body = self._body(flow.local[0]) if callable(self._body) else self._body
        if body is not None:
            request.headers.set("Content-Type", self._content_type)
            request.body = body
        return request

    def next_cseq(self) -> int:
        """See Dialog."""
        return self._dialog.next_cseq()

    def receive_response(self, response: Response, now: float) -> None:
        """Any response but a challenge that was answered."""
        session, status = self._session, response.status
        if status < 200 or session.ended:
            return
        if status < 300:
            self._accepted(response, now)
        elif status == 422 and self._count < MAX_ATTEMPTS and session.timer.raise_to(response):
            self.start(now)
        elif (wait := self._wait_for(response)) is not None and self._count < MAX_ATTEMPTS:
            self._again = session.stack.timers.start(now + wait, self.start)
        else:
            reason = response.reason or reason_phrase(status)
            self._refused(status, with_warning(reason, response), now)

    def request_failed(self, reason: str, now: float) -> None:
        """No answer: a confirmed dialog is dead (RFC 3261, 12.2.1.2)."""
        self._refused(408, reason, now)

    def _wait_for(self, response: Response) -> float | None:
        """How long to wait before the next attempt; None where there is none (5.3)."""
        stack = self._session.stack
        if response.status == 491:
            low, high = (2.1, 4.0) if self._session.role == "uac" else (0.0, 2.0)
            return round(stack.uniform(low, high), 2)
        if response.status == 500 and "Retry-After" in response.headers:
            text = (response.headers.get("Retry-After") or "").partition(";")[0].strip()
            wait = parse_number(text, 2**32 - 1)
            return float(wait) if wait is not None and wait <= MAX_RETRY_AFTER else None
        return None

    def _accepted(self, response: Response, now: float) -> None:
        session = self._session
        self._dialog.refresh_target(response.contacts)
        session.note_peer(response)
        session.timer.receive_answer(response, now)
        if self._body is not None:
            if session.calling is not None:
                session.calling.superseded(self._dialog.remote.tag or "")
            body = response.body or None
            session.stack.emit(ReinviteAnswered(session, body, "answer" if body else None))
        session.updates.over(now)

    def _refused(self, status: int, reason: str, now: float) -> None:
        session = self._session
        reason = reason or reason_phrase(status)
        if status in (408, 481) and not session.unanswered and not moving(session, status):
            session.changes.peer_gone(status, reason, now)
            return
        if status in (405, 501):
            session.remote_allow -= {"UPDATE"}
        if self._body is not None:
            session.stack.emit(ReinviteRefused(session, status, reason))
        session.updates.over(now)
        if self._body is None:
            session.timer.refused(now)

"""Re-INVITEs in both directions (RFC 3261, section 14).

One INVITE at a time: ours waits until nothing else is pending, and is sent again
after a random time where both sides asked at once (491, 14.1). What the bodies
change is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.acknowledge import Acknowledgement
from platypus.sip.build import reason_phrase
from platypus.sip.ending import end, send_bye
from platypus.sip.events import ReinviteAnswered, Reinvited, ReinviteRefused
from platypus.sip.identity import note_identity
from platypus.sip.requesting import Attempts
from platypus.sip.responding import respond, send_answer, target_fields

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import InviteServerTransaction
    from platypus.sip.session import Body, Session
    from platypus.sip.timers import Timer

# Two sides that keep colliding have something wrong with their timers.
MAX_GLARES = 6
FAREWELL = 4  # times T1: a BYE over UDP is sent again after one, and after three


class Changes:
    """The re-INVITEs of one session."""

    __slots__ = ("_content_type", "_farewell", "_glare_timer", "_glares", "_incoming",
                 "_outgoing", "_reason", "_session", "_wanted", "body")  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session
        self._wanted = False
        self.body: Body = None
        self._content_type = ""
        self._outgoing: Reinvite | None = None
        self._incoming: InviteServerTransaction | None = None
        self._glare_timer: Timer | None = None
        self._glares = 0
        self._farewell: Timer | None = None  # the BYE of a peer that knows nothing of the call
        self._reason = ""

    def want(self, body: Body, content_type: str, now: float) -> None:
        """Send a re-INVITE as soon as possible; it replaces one that still waits."""
        self._wanted = True
        self.body = body
        self._content_type = content_type
        self.settled(now)

    def settled(self, now: float) -> None:
        """Something that was pending is over: perhaps a re-INVITE can go now."""
        session = self._session
        busy = self._outgoing or self._incoming or self._glare_timer or self._farewell
        if not self._wanted or busy or session.owes_ack or session.answers or session.ended:
            return
        if session.dialog is None or session.unanswered:
            return
        if session.updates.answering or session.updates.offering:
            return
        self._wanted = False
        self._outgoing = Reinvite(session, session.dialog, self.body, self._content_type)
        self._outgoing.start(now)

    @property
    def answering(self) -> bool:
        """Whether a re-INVITE of the peer's waits for the user."""
        return self._incoming is not None

    @property
    def offering(self) -> bool:
        """Whether a re-INVITE of ours waits for the peer."""
        return self._outgoing is not None

    def receive(self, transaction: InviteServerTransaction, request: Request, now: float) -> None:
        """The peer's re-INVITE (14.2)."""
        session = self._session
        if self._incoming is not None or session.unanswered or session.updates.answering:
            wait = str(int(session.stack.uniform(0, 10)))
            respond(session, transaction, 500, now, headers=[("Retry-After", wait)])
            return
        offering = any(answer.is_offer for answer in session.answers.values())
        offering = offering or session.updates.offering
        if self._outgoing is not None or session.owes_ack or offering:
            respond(session, transaction, 491, now)
            return
        if minimum := session.timer.too_small(request):
            respond(session, transaction, 422, now, headers=[("Min-SE", str(minimum))])
            return
        self._incoming = transaction
        transaction.user = self
        session.note_peer(request)
        session.stack.emit(Reinvited(session, request, request.body or None))

    def accept(self, body: bytes, now: float) -> None:
        """200 to the peer's re-INVITE; its Contact is the new target (12.2.2)."""
        transaction, self._incoming = self._incoming, None
        if transaction is None or transaction.request is None:
            return
        session, request = self._session, transaction.request
        if session.dialog is not None:
            session.dialog.refresh_target(request.contacts)
        send_answer(session, transaction, body, now, is_offer=not request.body)

    def refuse(self, status: int, now: float, reason: str = "") -> None:
        """Refuse the peer's re-INVITE."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} does not refuse a request")
        transaction, self._incoming = self._incoming, None
        if transaction is not None:
            respond(self._session, transaction, status, now, reason=reason)
            self.settled(now)

    def receive_cancel(self, request: Request, now: float) -> None:
        """The peer gave its re-INVITE up."""
        self.refuse(487, now)

    def abandon(self, now: float) -> None:
        """The call ends: answer what is pending, and don't wait long for our own answer."""
        self._wanted = False
        if self._outgoing is not None:
            self._outgoing.give_up(now)
        self.refuse(487, now)

    def stop(self) -> None:
        """The call is over."""
        self._wanted = False
        for timer in (self._glare_timer, self._farewell):
            if timer is not None:
                timer.stop()
        self._glare_timer = self._farewell = None

    def peer_gone(self, status: int, reason: str, now: float) -> None:
        """12.2.1.2: 408 and 481 end the dialog.

        After silence a BYE tells whoever may still be there. Who answers 481 has mostly just hung
        up: the BYE was overtaken, or was lost and comes again, and says how the call ended.
        """
        session = self._session
        if session.ended or self._farewell is not None:
            return
        if status == 481:
            self._reason = reason
            wait = FAREWELL * session.stack.settings.t1
            self._farewell = session.stack.timers.start(now + wait, self._no_farewell)
            return
        end(session, status, reason, "remote")
        send_bye(session, now)

    def over(self, now: float) -> None:
        """Our re-INVITE had its final response."""
        self._outgoing = None
        self._glares = 0
        self.settled(now)

    def collided(self, body: Body, content_type: str, now: float) -> bool:
        """491 to ours: wait as 14.1 says, so that the sides differ; False after too many."""
        self._outgoing = None
        self._glares += 1
        session = self._session
        if self._glares > MAX_GLARES or session.ended:
            return False
        if not self._wanted:
            self._wanted, self.body, self._content_type = True, body, content_type
        low, high = (2.1, 4.0) if session.role == "uac" else (0.0, 2.0)
        wait = round(session.stack.uniform(low, high), 2)
        self._glare_timer = session.stack.timers.start(now + wait, self._glare_over)
        return True

    def again(self, body: Body, content_type: str, now: float) -> None:
        """Ours is to be sent again with another session interval."""
        self._outgoing = None
        if not self._wanted:
            self._wanted, self.body, self._content_type = True, body, content_type
        self.settled(now)

    def _no_farewell(self, now: float) -> None:
        self._farewell = None
        end(self._session, 481, self._reason, "remote")

    def _glare_over(self, now: float) -> None:
        self._glare_timer = None
        self.settled(now)


class Reinvite:
    """One re-INVITE of ours, until its transaction ends: the 2xx may come again."""

    __slots__ = ("_acknowledgement", "_attempts", "_body", "_content_type", "_dialog",
                 "_patience", "_session")  # fmt: skip

    def __init__(self, session: Session, dialog: Dialog, body: Body, content_type: str) -> None:
        self._session = session
        self._dialog = dialog
        self._body = body
        self._content_type = content_type
        self._acknowledgement: Acknowledgement | None = None
        self._patience: Timer | None = None
        self._attempts = Attempts(session.stack, dialog.next_hop, self, session.digest)

    def start(self, now: float) -> None:
        """Send it on the dialog's way."""
        self._wait(self._session.stack.settings.silence_limit, now)
        self._attempts.start(now, flow=self._dialog.known_flow)

    def give_up(self, now: float) -> None:
        """The call is over: no further attempt, but an answer is still acknowledged."""
        self._attempts.stop()
        self._wait(64 * self._session.stack.settings.t1, now)

    def build(self, flow: Flow, via: str, now: float) -> Request:
        """The re-INVITE (14.1)."""
        session, dialog = self._session, self._dialog
        dialog.located = (dialog.next_hop, flow)
        session.flow = flow
        said = [*target_fields(session, flow), *session.timer.request_fields()]
        request = dialog.request("INVITE", self.next_cseq(), via, said)
        fields = request.headers
        body = self._body(flow.local[0]) if callable(self._body) else self._body
        if body is not None:
            fields.set("Content-Type", self._content_type)
            request.body = body
        return request

    def next_cseq(self) -> int:
        """See Dialog."""
        return self._dialog.next_cseq()

    def receive_response(self, response: Response, now: float) -> None:
        """Any response but a challenge that was answered."""
        if response.status < 200:
            return
        self._stop_waiting()
        if response.status < 300:
            self._answered(response, now)
        else:
            self._refused(response, now)

    def request_failed(self, reason: str, now: float) -> None:
        """No answer: the dialog is dead (14.1)."""
        self._stop_waiting()
        session = self._session
        if not session.stack.moves.failed(session, None, now):
            session.changes.peer_gone(408, reason, now)
        session.changes.over(now)

    def _wait(self, seconds: float, now: float) -> None:
        self._stop_waiting()
        self._patience = self._session.stack.timers.start(now + seconds, self._too_silent)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.stop()

    def _too_silent(self, now: float) -> None:
        """A peer that said 100 and nothing more; the transaction would wait for ever."""
        self._attempts.abandon()
        self.request_failed("the other side took a change of the call and said nothing more", now)

    def _answered(self, response: Response, now: float) -> None:
        if self._acknowledgement is not None:
            self._acknowledgement.repeat()
            return
        session, request = self._session, self._attempts.request
        if request is None:
            return
        self._dialog.refresh_target(response.contacts)
        self._acknowledgement = Acknowledgement(session.stack, self._dialog, request)
        if session.ended:
            self._acknowledgement.start(now)
            return
        session.stack.moves.settled(session)
        session.note_peer(response)
        if self._attempts.flow is not None:
            note_identity(session, response, self._attempts.flow)
        session.timer.receive_answer(response, now)
        body = response.body or None
        if self._body is None and body is not None:
            session.owe_ack(self._acknowledgement)
            session.stack.emit(ReinviteAnswered(session, body, "offer"))
        else:
            self._acknowledgement.start(now)
            session.stack.emit(ReinviteAnswered(session, body, "answer" if body else None))
        session.changes.over(now)

    def _refused(self, response: Response, now: float) -> None:
        session, status, reason = self._session, response.status, response.reason
        changes = session.changes
        if status == 491 and changes.collided(self._body, self._content_type, now):
            return
        if status == 422 and session.timer.raise_to(response):
            changes.again(self._body, self._content_type, now)
            return
        if session.stack.moves.failed(session, status, now):
            changes.over(now)
            return
        session.stack.moves.settled(session)
        if status in (408, 481):
            changes.peer_gone(status, reason or reason_phrase(status), now)
        elif not session.ended:
            session.stack.emit(ReinviteRefused(session, status, reason or reason_phrase(status)))
        changes.over(now)

"""When the peer is sent a re-INVITE, and what becomes of its own (RFC 3261, section 14).

One INVITE at a time: ours waits until nothing else is pending, and is sent again
after a random time where both sides asked at once (491, 14.1). One of ours on its way is
`reinviting`'s; what the bodies change is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.ending import end, send_bye
from platypus.sip.events import Reinvited
from platypus.sip.reinviting import Reinvite
from platypus.sip.responding import respond, send_answer

if TYPE_CHECKING:
    from platypus.sip.message import Request
    from platypus.sip.server_transaction import InviteServerTransaction
    from platypus.sip.session import Body, Fields, Session
    from platypus.sip.timers import Timer

# Two sides that keep colliding have something wrong with their timers.
MAX_GLARES = 6
NEWS = 0.001  # events are told before the next timer fires
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

    def settled_soon(self, now: float) -> None:
        """The same, but what it was about is yet to be told, and may decide what is offered."""
        if self._wanted:
            self._session.stack.timers.start(now + NEWS, self.settled)

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
        session.come_by(transaction.flow)
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

    def refuse(self, status: int, now: float, reason: str = "", headers: Fields = ()) -> None:
        """Refuse the peer's re-INVITE."""
        if not 300 <= status < 700:
            raise ValueError(f"{status} does not refuse a request")
        transaction, self._incoming = self._incoming, None
        if transaction is not None:
            respond(self._session, transaction, status, now, reason=reason, headers=headers)
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
        self.settled_soon(now)

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

"""One re-INVITE of ours, until its last 2xx (RFC 3261, 14.1; 13.2.2.4 for the ACKs).

    the way    the dialog's; where that leads nowhere from here, by way of our own server
    no answer  the dialog is dead, unless the call is being moved (`moving`)
    491, 422   told to `changing`, which has it sent again
    no offer   nothing is sent, and the call goes on as if it had been refused

A call that began over IPv4 has addresses of IPv4 in its route, which nobody reaches from a
network of IPv6. Our server, found by its name, is mostly what they stand for (8.1.2 leaves the
next hop to the policy of who sends).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import MediaError
from platypus.sip.acknowledge import Acknowledgement
from platypus.sip.build import reason_phrase
from platypus.sip.events import ReinviteAnswered, ReinviteRefused
from platypus.sip.identity import note_identity
from platypus.sip.requesting import Attempts
from platypus.sip.responding import target_fields
from platypus.sip.warning import with_warning

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.session import Body, Session
    from platypus.sip.timers import Timer


class Reinvite:
    """One re-INVITE of ours, until its transaction ends: the 2xx may come again."""

    __slots__ = ("_acknowledgement", "_attempts", "_body", "_content_type", "_detoured",
                 "_dialog", "_patience", "_session")  # fmt: skip

    def __init__(self, session: Session, dialog: Dialog, body: Body, content_type: str) -> None:
        self._session = session
        self._dialog = dialog
        self._body = body
        self._content_type = content_type
        self._acknowledgement: Acknowledgement | None = None
        self._patience: Timer | None = None
        self._detoured = False
        self._attempts = Attempts(session.stack, dialog.next_hop, self, session.digest)

    def start(self, now: float) -> None:
        """Send it on the dialog's way."""
        self._wait(self._session.stack.settings.silence_limit, now)
        self._attempts.start(now, flow=self._dialog.known_flow)

    def give_up(self, now: float) -> None:
        """The call is over: no further attempt, but an answer is still acknowledged."""
        self._attempts.stop()
        self._wait(64 * self._session.stack.settings.t1, now)

    def build(self, flow: Flow, via: str, now: float) -> Request | None:
        """The re-INVITE (14.1)."""
        session, dialog = self._session, self._dialog
        dialog.located = (dialog.next_hop, flow)
        session.flow = session.offered_over = flow
        try:
            body = self._body(flow.local[0]) if callable(self._body) else self._body
        except MediaError as problem:
            self._not_offered(str(problem), now)
            return None
        said = [*target_fields(session, flow), *session.timer.request_fields()]
        request = dialog.request("INVITE", self.next_cseq(), via, said)
        fields = request.headers
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
        session = self._session
        if self._attempts.flow is None and not session.ended and self._detour(now):
            return
        self._stop_waiting()
        if not session.stack.moves.failed(session, None, now):
            session.changes.peer_gone(408, reason, now)
        session.changes.over(now)

    def _not_offered(self, problem: str, now: float) -> None:
        session = self._session
        self._stop_waiting()
        if not session.stack.moves.failed(session, None, now) and not session.ended:
            session.stack.emit(ReinviteRefused(session, None, problem))
        session.changes.over(now)

    def _detour(self, now: float) -> bool:
        """Nothing could be sent: try by way of our server, once."""
        server = _server_of(self._session)
        if self._detoured or server is None:
            return False
        self._detoured = True
        self._attempts = Attempts(self._session.stack, server, self, self._session.digest)
        self._attempts.start(now)
        return True

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
            why = with_warning(reason or reason_phrase(status), response)
            session.stack.emit(ReinviteRefused(session, status, why))
        changes.over(now)


def _server_of(session: Session) -> str | None:
    """Where the calls of this account go by, or where this one was made to."""
    if session.account is not None:
        return session.account.server
    if session.role == "uac" and session.request is not None:
        return str(session.request.uri)
    return None

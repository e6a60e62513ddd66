"""The end of a session, by either side and in any state (RFC 3261, section 15).

    calling, ours       CANCEL             (9.1)
    calling, theirs     refused
    answered            BYE, once no ACK is owed to us
    BYE received        200, and what is pending is answered

The end is told at once; signalling goes on behind it. A session that is over lets go of its
parts, which lead back to it, and is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.build import via_value
from platypus.sip.dialog import Dialog
from platypus.sip.events import SessionEnded
from platypus.sip.keys import MAGIC_COOKIE
from platypus.sip.reason import completed_elsewhere, reason_of
from platypus.sip.requesting import InDialog
from platypus.sip.responding import respond
from platypus.sip.session_state import SessionState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platypus.sip.events import By
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.session import Session

    Fields = Iterable[tuple[str, str]]


def hang_up(session: Session, now: float, reason: str, headers: Fields) -> None:
    """CANCEL, refusal, or BYE."""
    if session.ended:
        return
    extra = tuple(headers)
    if not session.unanswered:
        _leave_dialog(session, now, reason or "hung up", extra)
    elif session.calling is not None:
        session.calling.cancel(now, extra)
        end(session, 487, reason or "cancelled", "local")
    elif session.called is not None:
        session.called.reject(486, now, reason, extra)


def receive_bye(
    session: Session, transaction: ServerTransaction, request: Request, now: float
) -> None:
    """The peer hangs up, perhaps before its call was answered (15.1.2)."""
    respond(session, transaction, 200, now)
    elsewhere = session.role == "uas" and completed_elsewhere(request)
    if session.called is not None and session.unanswered:
        session.called.terminated(now)
        said = "answered elsewhere" if elsewhere else "the caller gave up"
        end(session, 487, said, "remote", elsewhere=elsewhere)
        return
    session.abandon(now)
    _drop_answers(session)
    _forget_if_over(session)
    reason = reason_of(request)
    said = (reason.text if reason is not None else "") or "the other side hung up"
    end(session, 200, said, "remote", elsewhere=elsewhere)


def end(
    session: Session, code: int | None, reason: str, by: By, *, elsewhere: bool = False
) -> None:
    """Tell the end, once; only a 2xx still waiting for its ACK keeps the session known."""
    if session.ended:
        return
    session.state = SessionState.ENDED
    session.stop()
    session.stack.moves.settled(session)
    if by == "local" and session.referring is not None:
        session.referring.stop()
    _forget_if_over(session)
    session.stack.emit(SessionEnded(session, code, reason, by, elsewhere))


def leave(session: Session, now: float) -> None:
    """BYE without the ACK that 15 has a callee wait for: there is no later to send it in."""
    if session.ended and session.answers:
        _drop_answers(session)
        bye_if_acknowledged(session, now)


def bye_if_acknowledged(session: Session, now: float) -> None:
    """The BYE of a session that has ended, which waited for an ACK."""
    if not session.answers:
        _forget_if_over(session)
        send_bye(session, now)


def send_bye(session: Session, now: float) -> None:
    """BYE; what the peer says to it changes nothing."""
    if session.dialog is not None:
        say_bye(session, session.dialog, now, session.bye_headers)


def say_bye(session: Session, dialog: Dialog, now: float, headers: Fields = ()) -> None:
    """End a dialog of the session's: its own, or one of a fork that answered too late."""
    fields = [("User-Agent", session.stack.settings.user_agent), *headers]
    InDialog(session.stack, dialog, "BYE", _Deaf(), digest=session.digest, headers=fields).start(
        now
    )


def dismiss(session: Session, invite: Request, answer: Response, flow: Flow) -> None:
    """ACK and BYE to one answer of far too many: sent once, and nothing of it is kept."""
    stack = session.stack
    dialog = Dialog.from_response(invite, answer, flow)
    for method, cseq in (("ACK", invite.cseq.number), ("BYE", dialog.next_cseq())):
        via = via_value(flow, MAGIC_COOKIE + stack.token())
        stack.send(flow, dialog.request(method, cseq, via).serialize())


def _leave_dialog(
    session: Session, now: float, reason: str, headers: tuple[tuple[str, str], ...]
) -> None:
    session.bye_headers = headers
    owed, session.owed = session.owed, []
    for acknowledgement in owed:
        acknowledgement.answer(b"", "", now)
    session.abandon(now)
    # 15: a callee that has no ACK yet must not send BYE.
    wait = session.role == "uas" and session.state is SessionState.ANSWERING
    if not wait:
        _drop_answers(session)
    end(session, 200, reason, "local")
    if not wait:
        send_bye(session, now)


def _drop_answers(session: Session) -> None:
    for answer in session.answers.values():
        answer.stop()
    session.answers.clear()


def _forget_if_over(session: Session) -> None:
    if session.ended and not session.answers:
        session.stack.sessions.pop((session.call_id, session.local_tag), None)
        if session.dialog is not None:
            session.stack.note_ended(session.dialog)
        session.release()


class _Deaf:
    """The user of a request whose answer changes nothing."""

    def receive_response(self, response: Response, now: float) -> None:
        """Nothing to do."""

    def request_failed(self, reason: str, now: float) -> None:
        """Nothing to do."""

"""What a session says of us: in its responses, and where it makes or refreshes a dialog.

RFC 3261, 8.2.6 (what a response copies), 12.1.1 (what makes a dialog), 12.2.1.1 and RFC 3311
(target refreshes), 13.3.1.4 (the 2xx to INVITE, repeated by `acknowledge`). When something is
said, and with which body, is for others to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.acknowledge import Answer
from platypus.sip.build import build_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platypus.sip.flow import Flow
    from platypus.sip.server_transaction import InviteServerTransaction, ServerTransaction
    from platypus.sip.session import Session

# RFC 3311, 5.1: requests whose Contact moves the remote target.
TARGET_REFRESH = ("INVITE", "UPDATE")


def respond(
    session: Session,
    transaction: ServerTransaction,
    status: int,
    now: float,
    *,
    reason: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
) -> None:
    """Answer a request of the session's; a 2xx to INVITE goes by `send_answer`."""
    data = make_response(session, transaction, status, reason, headers, body)
    if data:
        transaction.respond(status, data, now)


def send_answer(
    session: Session,
    transaction: InviteServerTransaction,
    body: bytes,
    now: float,
    *,
    is_offer: bool,
) -> None:
    """200 to an INVITE, repeated until it is acknowledged."""
    request = transaction.request
    data = make_response(session, transaction, 200, body=body)
    if request is None or not data:
        return
    cseq = request.cseq.number
    answer = Answer(session.stack, transaction, data, session, cseq=cseq, is_offer=is_offer)
    session.answers[cseq] = answer
    answer.start(now)
    session.timer.begin(now)


def make_response(
    session: Session,
    transaction: ServerTransaction,
    status: int,
    reason: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
) -> bytes:
    """The bytes of a response, with what makes or refreshes a dialog; b"" where it comes late."""
    request = transaction.request
    if request is None:
        return b""
    fields: list[tuple[str, str]] = []
    if request.method in TARGET_REFRESH and 100 < status < 300:
        if request.method == "INVITE" and request.record_routes:
            fields += [("Record-Route", str(route)) for route in request.record_routes]
        fields += _dialog_fields(session, transaction.flow, session.stack.supported)
        if status >= 200 and (request.method == "INVITE" or not session.unanswered):
            fields += session.timer.answer_fields(request)
    fields.append(("Server", session.stack.settings.user_agent))
    fields += headers
    if body:
        fields.append(("Content-Type", "application/sdp"))
    return build_response(
        request, status, reason=reason, to_tag=session.local_tag, headers=fields, body=body or b""
    )


def target_fields(session: Session, flow: Flow) -> list[tuple[str, str]]:
    """What an INVITE or UPDATE of ours says about us."""
    fields = _dialog_fields(session, flow, session.stack.supported_as_caller)
    return [*fields, ("User-Agent", session.stack.settings.user_agent)]


def contact_for(session: Session, flow: Flow) -> str:
    """Our Contact on a flow."""
    return session.stack.seen.contact(flow, session.contact_user, secure=_is_secure(session))


def _dialog_fields(session: Session, flow: Flow, supported: str) -> list[tuple[str, str]]:
    fields = [("Contact", contact_for(session, flow)), ("Allow", session.stack.allow)]
    if supported:
        fields.append(("Supported", supported))
    return fields


def _is_secure(session: Session) -> bool:
    """Whether this is a call to a `sips:` address, which must have one to come back to
    (RFC 3261, 8.1.1.8 and 12.1.1)."""
    if session.calling is not None:
        return session.calling.secure
    invite = session.request
    if invite is None:
        return False
    if invite.uri.scheme == "sips":
        return True
    routes = invite.record_routes
    return bool(routes) and routes[0].uri.scheme == "sips"

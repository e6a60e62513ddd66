"""The caller's side of a first INVITE (RFC 3261, 8.1.3, 9.1, 13.2).

From the search for a way to the 2xx that makes the dialog: early dialogs by
their To tag, forks that answer too late (ACK and BYE), CANCEL not before a provisional
response, and anew where the network failed under it. Where a 3xx leads is `redirecting`'s,
challenges are `requesting`'s, ACKs of refusals the transaction's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from platypus.errors import MediaError
from platypus.sip.acknowledge import Acknowledgement
from platypus.sip.build import build_cancel, own_address, reason_phrase
from platypus.sip.dialog import Dialog
from platypus.sip.ending import dismiss, say_bye
from platypus.sip.events import Answered, Interrupted, Progressed, Redirected
from platypus.sip.grammar import MAX_DELTA_SECONDS, parse_number
from platypus.sip.headers import NameAddr
from platypus.sip.identity import note_identity
from platypus.sip.message import Headers
from platypus.sip.prack import Prack, Pracks, rseq_of
from platypus.sip.preloaded import route_for
from platypus.sip.privacy import redirect_hidden
from platypus.sip.provisional import RELIABLE
from platypus.sip.reason import COMPLETED_ELSEWHERE
from platypus.sip.redirecting import Redirections, note_way
from platypus.sip.requesting import Attempts, out_of_dialog
from platypus.sip.responding import target_fields
from platypus.sip.session_state import SessionState
from platypus.sip.uri import Uri
from platypus.sip.warning import with_warning

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.session import Body, Fields, Session
    from platypus.sip.timers import Timer
    from platypus.sip.transaction import ClientTransaction

# Forked branches remembered for one call; a real proxy rings a handful.
MAX_LEGS = 16
# Of branches that answer beside one another and beyond those, whose BYE is sent until it arrives.
MAX_GOODBYES = 128


class Calling:
    """The first INVITE of a session, in all its attempts."""

    _goodbyes = 0

    def __init__(
        self, session: Session, target: Uri, body: Body, content_type: str, headers: Headers
    ) -> None:
        self._session = session
        self._stack = session.stack
        self._target = target
        self._body = body
        self._content_type = content_type
        self._headers = headers
        # Asked after a 488 (RFC 3261, 21.4.26): whether `body` has another offer to make.
        self.second_offer: Callable[[], bool] | None = None
        self._attempts: Attempts | None = None
        self._cseq = 0
        self._route: list[str] = []  # that the INVITE sets out with
        self._legs: dict[str, Dialog] = {}  # early dialogs by To tag
        self._early_answers: dict[str, bytes] = {}
        self.pracks = Pracks()
        self._acks: dict[str, Acknowledgement] = {}  # of every 2xx, by To tag
        self._redirections: Redirections | None = None  # once there was one
        self._provisional = False  # whether the INVITE on its way had any response
        self._orphan: Request | None = None  # an INVITE whose answer can't find us any more
        self.interrupted = False  # by that; `again` makes the call anew
        self._expires_at: float | None = None  # from an Expires of the user's
        self._cancelled = False
        self._cancel_headers: Fields = ()
        self._patience: Timer | None = None

    def start(self, now: float) -> None:
        """Send the INVITE to the target, or to the outbound proxy for it."""
        expires = parse_number(self._headers.get("Expires") or "", MAX_DELTA_SECONDS)
        if expires is not None and self._expires_at is None:
            self._expires_at = now + expires
        self._start(now)

    def _start(self, now: float) -> None:
        session = self._session
        self._route = route_for(self._stack, session.account, self._target)
        first = self._route[0] if self._route else str(self._target)
        self._attempts = Attempts(self._stack, first, self, session.digest)
        self._attempts.start(now)

    def send(self, target: str, headers: Iterable[tuple[str, str]], now: float) -> None:
        """Start an INVITE that was held back until it was known where it goes; unless given up."""
        session = self._session
        if session.ended or self._attempts is not None:
            return
        self._target = Uri.parse(target).without_headers()
        session.remote = NameAddr(self._target)
        for name, value in headers:
            self._headers.add(name, value)
        self.start(now)

    @property
    def early_dialogs(self) -> tuple[Dialog, ...]:
        """One for each phone that rings, the first that did first."""
        return tuple(self._legs.values())

    def leg(self, tag: str) -> Dialog | None:
        """The early dialog with this remote tag."""
        return self._legs.get(tag)

    @property
    def legs(self) -> tuple[Dialog, ...]:
        """Every early dialog."""
        return tuple(self._legs.values())

    @property
    def secure(self) -> bool:
        """Whether the target, or the first hop to it, has a `sips:` address."""
        account = self._session.account
        proxy = account.outbound_proxy if account is not None else None
        return self._target.scheme == "sips" or (proxy or "").startswith("sips:")

    @property
    def agreed_leg(self) -> Dialog | None:
        """The early dialog that has agreed last: what may be updated before the answer."""
        return self._legs.get(self.pracks.newest_agreed or "")

    def superseded(self, tag: str) -> None:
        """An UPDATE changed what the early answer of this leg said."""
        self._early_answers.pop(tag, None)

    def cancel(self, now: float, headers: Fields = ()) -> None:
        """Give up. RFC 3261, 9.1: a CANCEL before a provisional response would race the INVITE."""
        self._cancelled = True
        self._cancel_headers = tuple(headers)
        self._stop_patience()
        if self._attempts is None:
            return
        self._attempts.stop()
        if self._provisional:
            self._send_cancel(now)

    def build(self, flow: Flow, via: str, now: float) -> Request | None:
        """The INVITE for this flow (13.2.1); without its offer there is no call."""
        session = self._session
        if self._stack.moves.has(session):
            self._arrived(flow, now)
        self._provisional = False
        session.flow = session.offered_over = flow
        if session.account is None:
            session.local = own_address(flow, session.contact_user).with_tag(session.local_tag)
        request = out_of_dialog(
            "INVITE",
            self._target,
            via,
            from_=str(session.local),
            to=str(session.remote.without_params()),
            call_id=session.call_id,
            cseq=self.next_cseq(),
        )
        fields = request.headers
        for uri in self._route:
            fields.add("Route", f"<{uri}>")
        for name, value in (*target_fields(session, flow), *session.timer.request_fields()):
            fields.add(name, value)
        if self._stack.settings.prack == "require":
            fields.add("Require", RELIABLE)
        for name, value in self._headers.items():
            fields.add(name, value)
        try:
            body = self._body(flow.local[0]) if callable(self._body) else self._body
        except MediaError as problem:
            session.end(None, str(problem), "local")
            return None
        if body is not None:
            fields.set("Content-Type", self._content_type)
            request.body = body
        session.request = request
        return request

    def next_cseq(self) -> int:
        """The number of another attempt."""
        self._cseq += 1
        return self._cseq

    def receive_response(self, response: Response, now: float) -> None:
        """Any response to the INVITE but a challenge that was answered."""
        if response.status < 200:
            self._provisional = True
            if self._cancelled:
                self._send_cancel(now)
            else:
                self._progressed(response, now)
            return
        self._stop_patience()
        if response.status < 300:
            self._answered(response, now)
        elif not self._session.ended:
            self._refused(response, now)

    def request_failed(self, reason: str, now: float) -> None:
        """No way to the target, or no answer from it."""
        self._stop_patience()
        if self._session.ended or self._next_target(now) or self._interrupt(reason, now):
            return
        self._session.end(None, reason, "remote")

    def again(self, now: float) -> None:
        """There may be a way again: cancel what still rings there, and call anew."""
        self.interrupted = False
        self._forget_legs()
        self._start(now)

    def _interrupt(self, reason: str, now: float) -> bool:
        """Whether it is the network that failed, and the call will be made again."""
        moves, session = self._stack.moves, self._session
        if self._cancelled or not moves.has(session):
            return False
        if self._attempts is not None and self._attempts.flow is not None:
            self._orphan = self._attempts.request if self._provisional else None
            self._provisional = False
            self._stack.emit(Interrupted(session, reason))
        elif not moves.failed(session, None, now):
            return False
        self.interrupted = True
        return True

    def _arrived(self, flow: Flow, now: float) -> None:
        """There is a way from where we are now, and the INVITE that follows says where that is.

        9.1: a CANCEL is known by its branch, wherever it comes from.
        """
        orphan, self._orphan = self._orphan, None
        if self._provisional and self._attempts is not None:
            orphan = self._attempts.request  # it goes to another hop by itself
        if orphan is not None:
            self._stack.start_client(build_cancel(orphan), flow, _Deaf(), now)
        self._stack.moves.settled(self._session)

    def _progressed(self, response: Response, now: float) -> None:
        session = self._session
        if session.state not in (SessionState.CALLING, SessionState.RINGING):
            return
        if response.status == 100:
            if self._patience is None:
                limit = now + self._stack.settings.silence_limit
                self._patience = self._stack.timers.start(limit, self._too_silent)
            return
        tag = response.to.tag or ""
        if tag and tag not in self._legs:
            self._new_leg(tag, response)
        leg = self._legs.get(tag)
        reliable = leg is not None and rseq_of(response) is not None
        if reliable and not self.pracks.is_new(tag, response):
            return
        self._wait_for_answer(now)
        session.state = SessionState.RINGING
        session.note_peer(response)
        self._note_identity(response)
        body = response.body or None
        if self.pracks.has_agreed(tag) or (self._body is None and not reliable):
            body = None  # said before, or nothing that counts
        prack = Prack(session, leg, response) if reliable and leg is not None else None
        self._progressed_with(response, tag, body, prack, now)

    def _progressed_with(
        self, response: Response, tag: str, body: bytes | None, prack: Prack | None, now: float
    ) -> None:
        session = self._session
        if prack is not None and body is not None:
            self.pracks.agree(tag)
        if self._body is None and body is not None and prack is not None:
            session.owe_ack(prack)
            self._stack.emit(Progressed(session, response, tag, body, "offer"))
            return
        if body is not None and len(self._early_answers) < MAX_LEGS:
            self._early_answers.setdefault(tag, body)
        self._stack.emit(Progressed(session, response, tag, body))
        if prack is not None:
            prack.start(now)

    def _note_identity(self, response: Response) -> None:
        _, flow = self._sent()
        if flow is not None:
            note_identity(self._session, response, flow)

    def _new_leg(self, tag: str, response: Response) -> None:
        request, flow = self._sent()
        if len(self._legs) < MAX_LEGS and request is not None and flow is not None:
            self._legs[tag] = Dialog.from_response(request, response, flow)

    def _answered(self, response: Response, now: float) -> None:
        tag = response.to.tag or ""
        known = self._acks.get(tag)
        if known is not None:
            known.repeat()
            return
        request, flow = self._sent()
        if request is None or flow is None:
            return
        if len(self._acks) >= MAX_LEGS:
            self._goodbyes += 1
            if self._goodbyes > MAX_GOODBYES:
                dismiss(self._session, request, response, flow)
                return
            self._forget_fork()
        dialog = self._legs.pop(tag, None)
        if dialog is None:
            dialog = Dialog.from_response(request, response, flow)
        else:
            dialog.remote = response.to
            dialog.confirm(response)
        dialog.local_cseq = max(dialog.local_cseq, request.cseq.number)
        acknowledgement = Acknowledgement(self._stack, dialog, request)
        self._acks[tag] = acknowledgement
        if self._session.ended or self._session.dialog is not None:
            # A fork that answered too late (13.2.2.4), or a 2xx that crossed our CANCEL (9.1).
            acknowledgement.start(now)
            fork = self._session.dialog is not None
            say_bye(self._session, dialog, now, [COMPLETED_ELSEWHERE.field] if fork else ())
        else:
            self._established(dialog, acknowledgement, response, now)

    def _forget_fork(self) -> None:
        """One that has its BYE; if its 2xx comes again all the same, it gets another."""
        dialog = self._session.dialog
        ours = dialog.remote.tag or "" if dialog is not None else None
        del self._acks[next(tag for tag in self._acks if tag != ours)]

    def _established(
        self, dialog: Dialog, acknowledgement: Acknowledgement, response: Response, now: float
    ) -> None:
        session = self._session
        session.dialog = dialog
        session.remote = response.to
        session.note_peer(response)
        self._note_identity(response)
        tag = response.to.tag or ""
        # RFC 6337, 3.1: what agreed early is not said again.
        body = (response.body or None) if not self.pracks.has_agreed(tag) else None
        if self._body is None and body is not None:
            session.state = SessionState.ANSWERING
            session.timer.receive_answer(response, now)
            session.owe_ack(acknowledgement)
            self._stack.emit(Answered(session, response, body, "offer"))
            return
        # 13.2.1: an answer in a provisional response stands, though the 2xx should repeat it.
        answer = body or self._early_answers.get(tag)
        session.state = SessionState.CONFIRMED
        session.timer.receive_answer(response, now)
        self._stack.emit(Answered(session, response, answer, "answer" if answer else None))
        acknowledgement.start(now)

    def _refused(self, response: Response, now: float) -> None:
        if response.status == 422 and self._session.timer.raise_to(response):
            self._start(now)
            return
        if response.status == 488 and self._offers_again():
            self._start(now)
            return
        if response.status < 400 and self._redirected(response, now):
            return
        if response.status < 600 and self._next_target(now):
            return
        self._session.refusal = response
        reason = response.reason or reason_phrase(response.status)
        if response.status in (401, 407) and self._attempts is not None and self._attempts.problem:
            reason = f"{reason}: {self._attempts.problem}"
        else:
            reason = with_warning(reason, response)
        self._session.end(response.status, reason, "remote")

    def _offers_again(self) -> bool:
        return not self._cancelled and self.second_offer is not None and self.second_offer()

    def _redirected(self, response: Response, now: float) -> bool:
        """Follow a 3xx; whether there is anything to be tried."""
        if self._redirections is None:
            most = self._stack.settings.max_redirects
            self._redirections = Redirections(self._target, most)
        targets = self._redirections.take(response)
        if targets:
            note_way(self._headers, response)
            named = tuple(str(uri) for uri in targets)
            self._stack.emit(Redirected(self._session, named))
        return self._next_target(now)

    def _next_target(self, now: float) -> bool:
        target = self._redirections.next() if self._redirections is not None else None
        if target is None:
            return False
        before, self._target = self._target, target
        redirect_hidden(self._headers, before, target)
        self._forget_legs()
        self.start(now)
        return True

    def _forget_legs(self) -> None:
        self._legs.clear()
        self._early_answers.clear()
        self.pracks.clear()

    def _send_cancel(self, now: float) -> None:
        if self._patience is not None or self._attempts is None:
            return
        request, flow = self._sent()
        if request is None or flow is None:
            return
        cancel = build_cancel(request)
        for name, value in self._cancel_headers:
            cancel.headers.add(name, value)
        self._stack.start_client(cancel, flow, _Deaf(), now)
        # 9.1: without a final response within 64*T1 the INVITE counts as cancelled.
        limit = now + 64 * self._stack.settings.t1
        self._patience = self._stack.timers.start(limit, self._cancel_unanswered)

    def _cancel_unanswered(self, now: float) -> None:
        if self._attempts is not None:
            self._attempts.abandon()

    def _too_silent(self, now: float) -> None:
        """A next hop that took the call and then died would keep it for ever (16.6, timer C)."""
        self._patience = None
        if not self._session.ended:
            self.cancel(now)
            self._session.end(408, "the server took the call and said nothing more", "remote")

    def _wait_for_answer(self, now: float) -> None:
        """It rings: each provisional response gives the callee more time."""
        self._stop_patience()
        limit = now + self._stack.settings.ring_limit
        if self._expires_at is not None:  # 13.2.1: how long the invitation is meant
            limit = min(limit, max(self._expires_at, now))
        self._patience = self._stack.timers.start(limit, self._rang_too_long)

    def _rang_too_long(self, now: float) -> None:
        self._patience = None
        if not self._session.ended:
            self.cancel(now)
            self._session.end(487, "nobody answered", "local")

    def _stop_patience(self) -> None:
        if self._patience is not None:
            self._patience.stop()
            self._patience = None

    def _sent(self) -> tuple[Request | None, Flow | None]:
        if self._attempts is None:
            return None, None
        return self._attempts.request, self._attempts.flow


class _Deaf:
    """The user of a CANCEL: its answer says nothing about the INVITE (9.1)."""

    def receive_response(self, response: Response, now: float) -> None:
        """Nothing to do."""

    def transaction_failed(self, reason: str, now: float) -> None:
        """Nothing to do."""

    def transaction_over(self, transaction: ClientTransaction) -> None:
        """Nothing to do."""

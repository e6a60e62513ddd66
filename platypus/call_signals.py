"""What the session of a call says, carried out (RFC 3261, 13 to 15; RFC 3264).

Bodies go to the media, states to the call. A body that can't be used ends what
it belongs to: 488 for an offer, BYE for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from platypus.call_faults import NOT_ACCEPTABLE, SERVER_ERROR, MediaFault, refusal
from platypus.dtmf_info import parse_info
from platypus.errors import MediaError, SdpError, StateError
from platypus.events import (
    CallEnded,
    CallState,
    CallStateChanged,
    DtmfReceived,
    ErrorOccurred,
    IdentityChanged,
)
from platypus.sip.events import (
    Acknowledged,
    Answered,
    By,
    Event,
    Identified,
    InfoReceived,
    InfoRefused,
    Interrupted,
    MoveDue,
    Progressed,
    RefreshDue,
    ReinviteAnswered,
    Reinvited,
    ReinviteRefused,
    SessionEnded,
)
from platypus.sip.grammar import shown
from platypus.sip.reason import Reason
from platypus.sip.warning import warning
from platypus.waiting import Change

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.calling import Calling
    from platypus.engine import Engine
    from platypus.sip.headers import NameAddr
    from platypus.sip.message import Request
    from platypus.sip.session import Session


# The fields of CallEnded but the call.
How = tuple[int | None, str, By, bool, Mapping[str, Any]]


class CallSignals:
    """The session of `call` and how far it has come; the handle only shows it."""

    def __init__(self, call: Call, engine: Engine, calling: Calling) -> None:
        self._call = call
        self._engine = engine
        self._calling = calling
        self._media = call.media
        self.state = CallState.TRYING
        self.changed = Change()
        self.invite: Request | None = None
        self.how: How | None = None  # it ended
        self.answered_at: float | None = None
        self._session: Session | None = None
        self._announced = call.direction == "incoming"  # `IncomingCall` told of it
        self._ended_at: float | None = None
        self._answer: bytes | None = None  # ours to the first offer: 183 and 200 say the same
        self._ack_answers = False  # our 2xx carried an offer

    @property
    def session(self) -> Session:
        if self._session is None:
            raise StateError("the call has not begun")
        return self._session

    @property
    def duration(self) -> float | None:
        """Seconds from the answer to the end, or to now; None without an answer."""
        if self.answered_at is None:
            return None
        until = self._ended_at if self._ended_at is not None else self._engine.now()
        return until - self.answered_at

    def begin(self, session: Session, invite: Request | None = None) -> None:
        """This is the session the call is about."""
        self._session, self.invite = session, invite

    def announce(self) -> None:
        """The first event of an outgoing call, once."""
        if not self._announced:
            self._announced = True
            self._engine.publish(CallStateChanged(self._call, CallState.TRYING, "none"))

    def enter(self, state: CallState) -> None:
        """Enter `state` and tell everybody; a state never goes back."""
        if self.state in (state, CallState.ENDED):
            return
        self.announce()
        self.state = state
        self.changed.notify()
        self._engine.publish(CallStateChanged(self._call, state, self._media.hold_state))

    def confirm(self) -> None:
        """Both ends have agreed."""
        self.answered_at = self._engine.now()
        self.enter(CallState.CONFIRMED)

    def hangup(self, reason: Reason | None = None) -> None:
        """End the call in any state; nothing when it is over. The far end is told the reason."""
        if self.state is CallState.ENDED or self._session is None:
            return
        self._ended_at = self._engine.now()
        self._media.close()  # the microphone is off from here, whatever the far end answers
        if reason is None:
            self._session.hangup(self._engine.now())
        else:
            self._session.hangup(self._engine.now(), reason.text, [reason.field])
        self._engine.pump()

    def stalled(self) -> None:
        """Nothing is heard any more: a PBX that was restarted has forgotten more than this call."""
        if self._session is not None and self._session.flow is not None:
            self._engine.user_agent.doubt(self._session.flow, self._engine.now())
            self._engine.pump()

    def answer_body(self) -> bytes:
        """What our 183 or 200 carries: an answer, or an offer where the INVITE had none.

        Raises MediaError. By a fault of ours the call is over: another attempt meets it again.
        """
        if self._answer is None:
            try:
                self._answer = self._describe()
            except MediaFault:
                self._call.reject(SERVER_ERROR)
                raise
        return self._answer

    def _describe(self) -> bytes:
        if self.session.remote_body:
            return self._media.answer(self._local())
        offer = self._media.offer(self._local())
        self._ack_answers = True
        return offer

    def receive(self, event: Event) -> None:
        match event:
            case Progressed():
                self._progressed(event.response.status, event.body, event.body_is)
            case Answered():
                self._answered(event.body, event.body_is)
            case Acknowledged():
                self._acknowledged(event.body)
            case Reinvited(_, _, body):
                self._reinvited(body)
            case ReinviteAnswered(_, body, body_is):
                self._take(body, body_is)
            case ReinviteRefused(_, code, reason):
                self._reinvite_refused(code, reason)
            case RefreshDue(session) if not session.ended:
                session.reinvite(self._media.offer, self._engine.now())
            case MoveDue(session) if not session.ended:
                self._calling.public.renew(self._call, self._move)
            case Interrupted(_, reason):
                self._tell(f"the call was not answered yet, and is made again: {reason}")
            case Identified(_, identity):
                self._identified(identity)
            case InfoReceived(_, _, body):
                self._digit(body)
            case InfoRefused(_, code, reason):
                why = reason + (f" ({code})" if code else "")
                self._tell(f"the far end did not take the digits: {why}")
            case SessionEnded():
                self._ended(event)
            case _:
                pass  # a redirection is followed by the machine, under the same call

    def _progressed(self, status: int, body: bytes | None, body_is: str) -> None:
        if body:
            try:
                if body_is == "offer":
                    self._media.receive_offer(body)
                    answer = self._media.answer(self._local())
                    self.session.acknowledge(answer, self._engine.now())
                else:
                    self._media.receive_answer(body, early=True)
            except (SdpError, MediaError) as problem:
                # The answer in the 200 may still be right.
                self._tell(f"the far end's early media can't be used: {problem}")
            else:
                self.enter(CallState.EARLY)
                return
        if status == 180 and self.state is CallState.TRYING:
            self.enter(CallState.RINGING)

    def _answered(self, body: bytes | None, body_is: str | None) -> None:
        if not body and not self._media.stream.started:
            self.give_up("the far end answered without a description of its media")
            return
        if self._take(body, body_is):
            self.confirm()

    def _take(self, body: bytes | None, body_is: str | None) -> bool:
        """A body of a 2xx to an INVITE of ours; whether the call can go on."""
        if not body:
            return True
        try:
            if body_is == "offer":
                self._media.receive_offer(body)
                answer = self._media.answer(self._local())
                self.session.acknowledge(answer, self._engine.now())
            else:
                self._take_answer(body)
        except (SdpError, MediaError) as problem:
            self.give_up(f"the far end's answer can't be used: {problem}", refusal(problem))
            return False
        return True

    def _acknowledged(self, body: bytes | None) -> None:
        if not self._ack_answers:
            return
        self._ack_answers = False
        if not body:
            if not self._media.stream.started:
                self.give_up("the caller's ACK did not answer our offer")
            return
        try:
            self._take_answer(body)
        except (SdpError, MediaError) as problem:
            self.give_up(f"the far end's answer can't be used: {problem}", refusal(problem))

    def _take_answer(self, body: bytes) -> None:
        self._media.receive_answer(body)
        if self._media.leads_elsewhere():
            self._move()

    def _reinvited(self, body: bytes | None) -> None:
        session, now = self.session, self._engine.now()
        try:
            if body:
                self._media.receive_offer(body)
                session.accept_reinvite(self._media.answer(self._local()), now)
            else:
                session.accept_reinvite(self._media.offer(self._local()), now)
                self._ack_answers = True
        except (SdpError, MediaError) as problem:
            # RFC 3261, 14.2: the call goes on as it was.
            session.refuse_reinvite(refusal(problem), now, headers=[warning(str(problem))])
            self._tell(f"a change the far end wanted can't be made: {problem}")

    def _move(self) -> None:
        """Tell the far end where we are now."""
        self.session.reinvite(self._media.offer, self._engine.now())
        self._engine.pump()

    def _identified(self, identity: NameAddr) -> None:
        self.announce()
        uri = str(identity.uri.without_params())
        self._engine.publish(IdentityChanged(self._call, shown(identity.display_name), uri))

    def _digit(self, body: bytes) -> None:
        pressed = parse_info(body)
        if pressed is not None:
            self._engine.publish(DtmfReceived(self._call, pressed[0], "info", pressed[1]))

    def _reinvite_refused(self, code: int | None, reason: str) -> None:
        self._media.offer_refused()
        if code is None:
            self._tell(f"a change of the call can't be offered: {reason}")
            return
        self._tell(f"the far end refused the change: {reason} ({code})")

    def _ended(self, event: SessionEnded) -> None:
        call = self._call
        if self._ended_at is None:
            self._ended_at = self._engine.now()
        self._media.close()
        self._calling.forget(call)
        self.announce()
        ended = CallEnded(
            call, event.code, event.reason, event.by, event.elsewhere, call.statistics()
        )
        tell = partial(self._tell_end, ended)
        self._calling.ends.tell(self._media.stream, self._engine.loop, tell)

    def _tell_end(self, ended: CallEnded) -> None:
        self.state = CallState.ENDED
        self.how = ended.code, ended.reason, ended.by, ended.elsewhere, ended.statistics
        self.changed.notify()
        self._engine.publish(ended)
        # Nothing leads back to the handle: it is freed with the last reference to it.
        self._media.release()
        del self._call

    def give_up(self, message: str, status: int = NOT_ACCEPTABLE) -> None:
        """Say why, here and there, and hang up. An offer would have been refused by `status`."""
        self._tell(message)
        self.hangup(Reason(status, message))

    def _tell(self, message: str) -> None:
        self._engine.publish(ErrorOccurred(message, self._call))

    def _local(self) -> str:
        return self.session.local_address or self._engine.address[0]

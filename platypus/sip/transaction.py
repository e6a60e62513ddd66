"""Client transactions (RFC 3261, section 17.1, as corrected by RFC 6026).

One class per state machine of the RFC, figures 5 and 6. A transaction owns no
socket and reads no clock: it is given responses and the time, sends bytes that
were serialised once, and tells its user what the peer said or that it said
nothing. Server transactions are in `server_transaction`; which response belongs
to which transaction is the stack's matter.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from platypus.sip.build import ack_for_refusal
from platypus.sip.keys import client_key
from platypus.sip.lingering import NEVER

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer


class ClientUser(Protocol):
    """Whoever started a client transaction."""

    def receive_response(self, response: Response, now: float) -> None:
        """A response, each once; a 2xx to INVITE as often as it comes."""

    def transaction_failed(self, reason: str, now: float) -> None:
        """No final response within 64*T1, or the transport gave up."""

    def transaction_over(self, transaction: ClientTransaction) -> None:
        """It is forgotten: nothing more comes of it. The last call."""


class State(Enum):
    """The states of figures 5 to 8; ACCEPTED is RFC 6026's."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


_UNANSWERED = (State.CALLING, State.TRYING, State.PROCEEDING)


class ClientTransaction:
    """What both client transactions share: one request, its timers, its end."""

    __slots__ = (
        "_interval",
        "_retransmission",
        "data",
        "due",
        "flow",
        "key",
        "lost",
        "request",
        "stack",
        "state",
        "user",
    )  # fmt: skip

    def __init__(
        self, stack: Stack, request: Request, flow: Flow, user: ClientUser, state: State
    ) -> None:
        self.stack = stack
        self.request = request
        self.flow = flow
        self.user = user
        self.state = state
        self.lost = False  # the connection broke under it
        self.data = request.serialize()
        self.key = client_key(request.via.branch or "", request.method)
        self.due = NEVER
        self._interval = stack.settings.t1
        self._retransmission: Timer | None = None

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.flow.transport != "udp"

    def start(self, now: float) -> None:
        """Send the request; timers A and B, or E and F."""
        timers = self.stack.timers
        self.stack.send(self.flow, self.data)
        if not self.reliable:
            self._retransmission = timers.start(now + self._interval, self._retransmit)
        self._wait(now + 64 * self.stack.settings.t1)

    def receive_response(self, response: Response, now: float) -> None:
        """A response with our branch and method."""
        raise NotImplementedError

    def expire(self, now: float) -> None:
        """Timers B and F, when nobody has answered; else D, K and M."""
        if self.state in _UNANSWERED:
            self._fail("no answer", now)
        else:
            self.terminate()

    def fail(self, reason: str, now: float) -> None:
        """The transport reported an error (RFC 3261, 17.1.4)."""
        if self.state in _UNANSWERED:
            self.lost = self.reliable
            self._fail(reason, now)

    def terminate(self) -> None:
        """Forget everything."""
        if self.state is not State.TERMINATED:
            self._forget()
            self.user.transaction_over(self)

    def _fail(self, reason: str, now: float) -> None:
        self._forget()
        self.user.transaction_failed(reason, now)
        self.user.transaction_over(self)

    def _forget(self) -> None:
        self._stop()
        self.state = State.TERMINATED
        self.stack.client_ended(self)

    def _next_interval(self) -> float:
        raise NotImplementedError

    def _retransmit(self, now: float) -> None:
        self.stack.send(self.flow, self.data)
        self._interval = self._next_interval()
        self._retransmission = self.stack.timers.start(now + self._interval, self._retransmit)

    def _stop(self) -> None:
        self.due = NEVER
        if self._retransmission is not None:
            self._retransmission.stop()

    def _wait(self, due: float) -> None:
        self.due = due
        self.stack.lingering.expect(due)

    def _linger(self, seconds: float, now: float) -> None:
        """Stay to absorb retransmissions (timers D, K and M); 0 ends at once."""
        self._stop()
        if self.state is State.TERMINATED:
            return  # its user had enough of it
        if seconds:
            self._wait(now + seconds)
        else:
            self.stack.lingering.passed(now + 64 * self.stack.settings.t1)
            self.terminate()


class InviteClientTransaction(ClientTransaction):
    """Figure 5, with RFC 6026's ACCEPTED: the client side of INVITE.

    state        input      next         action
    ----------   --------   ----------   --------------------------------
    CALLING      timer A    CALLING      resend, A = 2A
    CALLING      timer B    TERMINATED   transaction_failed
    CALLING      1xx        PROCEEDING   pass up, stop A and B
    first two    2xx        ACCEPTED     pass up, start M
    first two    3xx-6xx    COMPLETED    ACK, pass up, start D
    PROCEEDING   1xx        PROCEEDING   pass up
    ACCEPTED     2xx        ACCEPTED     pass up (the user sends the ACK)
    COMPLETED    3xx-6xx    COMPLETED    ACK again
    last two     timer M/D  TERMINATED
    """

    __slots__ = ("_ack",)

    def __init__(self, stack: Stack, request: Request, flow: Flow, user: ClientUser) -> None:
        super().__init__(stack, request, flow, user, State.CALLING)
        self._ack = b""

    def _next_interval(self) -> float:
        return self._interval * 2  # uncapped, unlike timer E (17.1.1.2)

    def receive_response(self, response: Response, now: float) -> None:
        """See the table above."""
        settings = self.stack.settings
        match self.state, response.status // 100:
            case State.CALLING | State.PROCEEDING, 1:
                self.state = State.PROCEEDING
                self._stop()
                self.user.receive_response(response, now)
            case State.CALLING | State.PROCEEDING, 2:
                self.state = State.ACCEPTED
                self._linger(64 * settings.t1, now)
                self.user.receive_response(response, now)
            case State.ACCEPTED, 2:
                self.user.receive_response(response, now)
            case State.CALLING | State.PROCEEDING, _:
                self.state = State.COMPLETED
                self._ack = ack_for_refusal(self.request, response)
                self.stack.send(self.flow, self._ack)
                self._stop()
                self.user.receive_response(response, now)
                # Timer D: at least 32 s whatever T1 is (17.1.1.2).
                self._linger(0.0 if self.reliable else max(32.0, 64 * settings.t1), now)
            case State.COMPLETED, kind if kind >= 3:
                self.stack.send(self.flow, self._ack)


class NonInviteClientTransaction(ClientTransaction):
    """Figure 6: the client side of every request but INVITE and ACK.

    state        input      next         action
    ----------   --------   ----------   ------------------------------
    TRYING       timer E    TRYING       resend, E = min(2E, T2)
    PROCEEDING   timer E    PROCEEDING   resend, E = T2
    both         1xx        PROCEEDING   pass up
    both         2xx-6xx    COMPLETED    pass up, start K
    both         timer F    TERMINATED   transaction_failed
    COMPLETED    timer K    TERMINATED
    """

    __slots__ = ()

    def __init__(self, stack: Stack, request: Request, flow: Flow, user: ClientUser) -> None:
        super().__init__(stack, request, flow, user, State.TRYING)

    def _next_interval(self) -> float:
        t2 = self.stack.settings.t2
        return t2 if self.state is State.PROCEEDING else min(self._interval * 2, t2)

    def receive_response(self, response: Response, now: float) -> None:
        """See the table above."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return
        if response.status < 200:
            self.state = State.PROCEEDING
            self.user.receive_response(response, now)
            return
        self.state = State.COMPLETED
        self._stop()
        self.user.receive_response(response, now)
        self._linger(0.0 if self.reliable else self.stack.settings.t4, now)

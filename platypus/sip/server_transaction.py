"""Server transactions (RFC 3261, section 17.2, as corrected by RFC 6026).

One class per state machine of the RFC, figures 7 and 8. A transaction keeps the
bytes of its last response for retransmission, never the message. Which request
belongs to which transaction is the stack's matter, and so is the flow (18.2.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from platypus.sip.build import build_response
from platypus.sip.lingering import NEVER
from platypus.sip.transaction import State

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.keys import MergeKey, ServerKey
    from platypus.sip.message import Request
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer


class InviteUser(Protocol):
    """Whoever answers an INVITE."""

    def receive_cancel(self, request: Request, now: float) -> None:
        """A CANCEL for this INVITE came; its 200 has been sent."""


class ServerTransaction:
    """What both server transactions share: where to answer, and the last answer."""

    __slots__ = ("data", "due", "flow", "key", "merge_key", "request", "stack", "state",
                 "to_tag", "user_key")  # fmt: skip

    def __init__(
        self, stack: Stack, key: ServerKey, request: Request, flow: Flow, state: State
    ) -> None:
        self.stack = stack
        self.key = key
        self.merge_key: MergeKey | None = None
        self.request: Request | None = request  # until the final response
        self.flow = flow
        self.state = state
        self.to_tag = ""  # the same in every response (8.2.6.2)
        self.user_key = 0  # of the RequestReceived the user answers, if it is one
        self.data = b""  # the last response; b"" before the first
        self.due = NEVER

    @property
    def reliable(self) -> bool:
        """Whether the transport retransmits by itself."""
        return self.flow.transport != "udp"

    def receive_request(self, request: Request, now: float) -> None:
        """A retransmission of our request, or for INVITE its ACK."""
        raise NotImplementedError

    def respond(self, status: int, data: bytes, now: float) -> None:
        """Send a response of the user's; a second final one is not sent."""
        raise NotImplementedError

    def answer(
        self,
        status: int,
        now: float,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Respond without a body, with what every response of ours says."""
        if self.request is not None:
            fields = [("Server", self.stack.settings.user_agent), *headers]
            response = build_response(self.request, status, to_tag=self.to_tag, headers=fields)
            self.respond(status, response, now)

    def move(self, flow: Flow) -> None:
        """Answer on another flow from now on, beginning with what was said last."""
        self.flow = flow
        if self.state is not State.TERMINATED:
            self._send()

    def expire(self, now: float) -> None:
        """Timers I, J and L."""
        self.terminate()

    def terminate(self) -> None:
        """Forget everything."""
        if self.state is not State.TERMINATED:
            self.state = State.TERMINATED
            self.stack.server_ended(self)

    def _send(self) -> None:
        if self.data:
            self.stack.send(self.flow, self.data)

    def _linger(self, seconds: float, now: float) -> None:
        """Stay to absorb or answer retransmissions; 0 ends at once."""
        if seconds:
            self.due = now + seconds
            self.stack.lingering.expect(self.due)
        else:
            self.stack.lingering.passed(now + 64 * self.stack.settings.t1)
            self.terminate()


class InviteServerTransaction(ServerTransaction):
    """Figure 7, with RFC 6026's ACCEPTED: the server side of INVITE.

    state        input      next         action
    ----------   --------   ----------   -------------------------------------
    PROCEEDING   silence    PROCEEDING   send 100 (see `trying_after`)
    PROCEEDING   INVITE     PROCEEDING   resend the last provisional response
    PROCEEDING   user 1xx   PROCEEDING   send
    PROCEEDING   user 2xx   ACCEPTED     send, start L (the user resends it)
    PROCEEDING   user 3-6   COMPLETED    send, start G and H
    ACCEPTED     INVITE     ACCEPTED     absorb
    COMPLETED    INVITE     COMPLETED    resend
    COMPLETED    timer G    COMPLETED    resend, G = min(2G, T2)
    COMPLETED    ACK        CONFIRMED    start I
    COMPLETED    timer H    TERMINATED
    last two     timer L/I  TERMINATED
    """

    __slots__ = ("_deadline", "_interval", "_timer", "user")

    def __init__(self, stack: Stack, key: ServerKey, request: Request, flow: Flow) -> None:
        super().__init__(stack, key, request, flow, State.PROCEEDING)
        self._interval = stack.settings.t1
        self._deadline = 0.0
        self._timer: Timer | None = None
        self.user: InviteUser | None = None

    def start(self, now: float) -> None:
        """17.2.1: 100, at once or where no other response follows soon."""
        wait = self.stack.settings.trying_after
        if wait:
            self._timer = self.stack.timers.start(now + wait, self._say_trying)
        else:
            self._say_trying(now)

    def receive_request(self, request: Request, now: float) -> None:
        """See the table above; an ACK for a 2xx is the stack's to pass on."""
        match self.state, request.method:
            case State.COMPLETED, "ACK":
                self._stop()
                self.state = State.CONFIRMED
                self._linger(0.0 if self.reliable else self.stack.settings.t4, now)
            case State.PROCEEDING | State.COMPLETED, "INVITE":
                self._send()

    def respond(self, status: int, data: bytes, now: float) -> None:
        """See the table above."""
        if self.state is not State.PROCEEDING:
            return
        self._stop()
        self.data = data
        self._send()
        if status < 200:
            return
        self.request = self.user = None
        wait = 64 * self.stack.settings.t1
        if status < 300:
            self.state = State.ACCEPTED
            self.data = b""
            self._linger(wait, now)
            return
        self.state = State.COMPLETED
        self._deadline = now + wait
        first = wait if self.reliable else self._interval
        self._timer = self.stack.timers.start(now + first, self._retransmit)

    def terminate(self) -> None:
        """Forget everything."""
        self._stop()
        super().terminate()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _say_trying(self, now: float) -> None:
        if self.request is not None:
            self.respond(100, build_response(self.request, 100), now)

    def _retransmit(self, now: float) -> None:
        """Timers G and H in one: H is the deadline of G."""
        if now >= self._deadline:
            self.terminate()
            return
        self._send()
        self._interval = min(self._interval * 2, self.stack.settings.t2)
        due = min(now + self._interval, self._deadline)
        self._timer = self.stack.timers.start(due, self._retransmit)


class NonInviteServerTransaction(ServerTransaction):
    """Figure 8: the server side of every request but INVITE and ACK.

    state        input      next         action
    ----------   --------   ----------   -----------------------------------
    TRYING       request    TRYING       absorb
    TRYING       user 1xx   PROCEEDING   send
    PROCEEDING   request    PROCEEDING   resend
    both         user 2-6   COMPLETED    send, start J
    COMPLETED    request    COMPLETED    resend
    COMPLETED    timer J    TERMINATED

    A user that never responds is not waited for longer than the client does (timer F).
    """

    __slots__ = ()

    def __init__(
        self, stack: Stack, key: ServerKey, request: Request, flow: Flow, now: float
    ) -> None:
        super().__init__(stack, key, request, flow, State.TRYING)
        self._linger(64 * stack.settings.t1, now)

    def receive_request(self, request: Request, now: float) -> None:
        """See the table above."""
        self._send()

    def respond(self, status: int, data: bytes, now: float) -> None:
        """See the table above."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return
        self.data = data
        self._send()
        if status < 200:
            self.state = State.PROCEEDING
            return
        self.state = State.COMPLETED
        self.request = None
        self._linger(0.0 if self.reliable else 64 * self.stack.settings.t1, now)

"""The provisional responses of an INVITE received, made reliable where asked (RFC 3262, 3).

    unreliable   sent once, and again every minute for proxies that forget (RFC 3261, 13.3.1.1)
    reliable     numbered, repeated until its PRACK is there, one after the other

A 2xx waits for the PRACK of a session description sent before it; without any
PRACK the call is refused with 504. The bodies are opaque.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from platypus.sip.events import Acknowledged
from platypus.sip.responding import make_response, respond

if TYPE_CHECKING:
    from platypus.sip.message import Request
    from platypus.sip.server_transaction import InviteServerTransaction, ServerTransaction
    from platypus.sip.session import Fields, Session
    from platypus.sip.settings import UserAgentSettings
    from platypus.sip.timers import Timer

RELIABLE = "100rel"
# RFC 3261, 13.3.1.1: a proxy forgets a call that says nothing for three minutes.
INTERVAL = 60.0
RELIABLE_INTERVAL = 150.0  # RFC 3262, 3: "every two and a half minutes", for it can't be lost
# Whoever sends so many before the first is acknowledged has a fault.
MAX_QUEUED = 16

# RAck = 1*DIGIT LWS 1*DIGIT LWS Method
_RACK = re.compile(r"\s*([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)\s*")


class ProvisionalsUser(Protocol):
    """Whoever answers the INVITE."""

    def provisional_acknowledged(self, now: float) -> None:
        """Nothing waits for a PRACK any more."""

    def never_acknowledged(self, now: float) -> None:
        """No PRACK came within 64*T1: the INVITE is to be refused (RFC 3262, 3)."""


@dataclass(slots=True)
class _Response:
    """A reliable response that waits for its PRACK."""

    rseq: int
    data: bytes
    has_body: bool
    interval: float
    deadline: float


class Provisionals:
    """What is said before the final response to one INVITE."""

    __slots__ = ("_described", "_is_offer", "_queue", "_reminder", "_repeat_timer", "_response",
                 "_rseq", "_session", "_status", "_transaction", "_user", "reliable")  # fmt: skip

    def __init__(
        self,
        session: Session,
        transaction: InviteServerTransaction,
        request: Request,
        user: ProvisionalsUser,
    ) -> None:
        self.reliable = _is_reliable(request, session.stack.settings)
        self._session = session
        self._transaction = transaction
        self._user = user
        self._is_offer = not request.body
        self._described = False  # a session description went out reliably
        self._queue: deque[tuple[int, bytes | None]] = deque()
        self._response: _Response | None = None
        self._rseq = 0
        self._status = 0
        self._repeat_timer: Timer | None = None
        self._reminder: Timer | None = None

    @property
    def described(self) -> bool:
        """Whether the session description is given: later responses have none (RFC 6337, 3.1)."""
        return self._described or (bool(self._queue) and any(body for _, body in self._queue))

    @property
    def unacknowledged_body(self) -> bool:
        """Whether a 2xx has to wait for a PRACK."""
        waiting = self._response is not None and self._response.has_body
        return waiting or (bool(self._queue) and any(body for _, body in self._queue))

    @property
    def agreed(self) -> bool:
        """Whether offer and answer are complete before the final response (RFC 3311, 5.1)."""
        return self._described and not self.unacknowledged_body

    def send(self, status: int, body: bytes | None, now: float) -> None:
        """Send it, or once the one before it is acknowledged."""
        self._status = status
        if not self.reliable:
            data = make_response(self._session, self._transaction, status, body=body)
            self._transaction.respond(status, data, now)
            self._remind(now)
            return
        body = None if self.described else body
        if self._response is None:
            self._send_reliably(status, body, now)
        elif len(self._queue) < MAX_QUEUED:
            self._queue.append((status, body))

    def receive_prack(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A PRACK: of the response that waits for it, or of none (481)."""
        session, response = self._session, self._response
        rack = parse_rack(request.headers.get("RAck") or "")
        invite = session.request
        number = invite.cseq.number if invite is not None else -1
        if response is None or rack != (response.rseq, number, "INVITE"):
            respond(session, transaction, 481, now)
            return
        self._response = None
        self._stop_repeating()
        body = request.body or None
        if body is not None and not (self._is_offer and response.has_body):
            session.updates.receive_offer(transaction, request, now)
        else:
            respond(session, transaction, 200, now)
            if body is not None:
                session.remote_body = body
            if self._is_offer and response.has_body:
                session.stack.emit(Acknowledged(session, body))
        if self._queue and session.unanswered:
            self._send_reliably(*self._queue.popleft(), now)
        elif session.unanswered:
            self._user.provisional_acknowledged(now)

    def stop(self) -> None:
        """A final response is sent: nothing is repeated any more, though a PRACK may come."""
        self._queue.clear()
        self._stop_repeating()
        if self._reminder is not None:
            self._reminder.stop()
            self._reminder = None

    def _send_reliably(self, status: int, body: bytes | None, now: float) -> None:
        stack = self._session.stack
        if not self._rseq:
            # RFC 3262, 3: chosen from 1 to 2**31 - 1; the lower half leaves room to grow.
            self._rseq = int.from_bytes(stack.random(4), "big") % 2**30
        self._rseq += 1
        fields: Fields = [("Require", RELIABLE), ("RSeq", str(self._rseq))]
        data = make_response(self._session, self._transaction, status, headers=fields, body=body)
        t1 = stack.settings.t1
        self._response = _Response(self._rseq, data, body is not None, t1, now + 64 * t1)
        self._described = self._described or body is not None
        self._transaction.respond(status, data, now)
        self._repeat_timer = stack.timers.start(now + t1, self._repeat)
        self._remind(now)

    def _repeat(self, now: float) -> None:
        """RFC 3262, 3: over any transport, for the PRACK comes from the far end."""
        response = self._response
        if response is None:
            return
        if now >= response.deadline:
            self._user.never_acknowledged(now)
            return
        self._session.stack.send(self._transaction.flow, response.data)
        response.interval *= 2
        due = min(now + response.interval, response.deadline)
        self._repeat_timer = self._session.stack.timers.start(due, self._repeat)

    def _remind(self, now: float) -> None:
        if self._reminder is not None:
            self._reminder.stop()
        wait = RELIABLE_INTERVAL if self.reliable else INTERVAL
        self._reminder = self._session.stack.timers.start(now + wait, self._say_again)

    def _say_again(self, now: float) -> None:
        self._reminder = None
        if self.reliable:
            self.send(self._status, None, now)
        else:
            self._transaction.respond(self._status, self._transaction.data, now)
        self._remind(now)

    def _stop_repeating(self) -> None:
        if self._repeat_timer is not None:
            self._repeat_timer.stop()
            self._repeat_timer = None


def parse_rack(text: str) -> tuple[int, int, str] | None:
    """The response number, CSeq number and method of a RAck."""
    match = _RACK.fullmatch(text)
    return (int(match[1]), int(match[2]), match[3]) if match is not None else None


def wants_reliability(request: Request) -> bool:
    """Whether a caller can acknowledge what comes reliably."""
    return RELIABLE in request.supported or RELIABLE in request.require


def _is_reliable(request: Request, settings: UserAgentSettings) -> bool:
    if RELIABLE in request.require:
        return True
    return settings.prack in ("support", "require") and RELIABLE in request.supported

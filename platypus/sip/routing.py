"""The way out: from a URI to a flow, and a request along it (RFC 3261, 8.1.2; RFC 3263, 4).

`Locator` asks the driver for the hops of a URI and for a flow to each in turn.
`Outgoing` sends one request by it, in a client transaction, to the next hop where
one fails: no flow, no answer, or 503 (RFC 3263, 4.3). What is too large for a datagram
waits in `oversize`. Dialogs and credentials are not known here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from platypus.sip.build import via_value
from platypus.sip.keys import MAGIC_COOKIE
from platypus.sip.oversize import MAX_DATAGRAM, Oversized

if TYPE_CHECKING:
    from platypus.sip.flow import Flow, Hop
    from platypus.sip.message import Request, Response
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer
    from platypus.sip.transaction import ClientTransaction

MAX_HOPS = 8  # a DNS answer longer than this would keep a request busy for minutes


class LocatorUser(Protocol):
    """Whoever wants a flow."""

    def located(self, flow: Flow, now: float) -> None:
        """A flow to one of the hops."""

    def not_located(self, reason: str, now: float) -> None:
        """No hop is left; `reason` is a sentence."""


class Locator:
    """Finds a flow to a URI, and another one when asked for the next."""

    __slots__ = ("_guard", "_hop", "_hops", "_key", "_reason", "_stack", "_uri", "_user")

    def __init__(self, stack: Stack, uri: str, user: LocatorUser) -> None:
        self._stack = stack
        self._uri = uri
        self._user = user
        self._hops: deque[Hop] = deque()
        self._hop: Hop | None = None  # that is being connected to
        self._key = 0
        self._guard: Timer | None = None
        self._reason = f"{uri} has no address"

    def start(self, now: float) -> None:
        """Resolve, then connect."""
        self._wait(self._stack.resolve(self._uri, self), now)

    def next(self, now: float) -> bool:
        """Connect to the next hop; False when none is left."""
        if not self._hops:
            return False
        self._hop = self._hops.popleft()
        self._wait(self._stack.connect(self._hop, self), now)
        return True

    def stop(self) -> None:
        """Whatever the driver answers, nobody listens."""
        self._stack.take_waiter(self._key)
        if self._guard is not None:
            self._guard.stop()

    def resolved(self, hops: list[Hop], now: float) -> None:
        """The driver resolved the URI."""
        self.stop()
        if self._uri.startswith("sips:"):
            # 26.2.2: whatever a name server says, such a request goes over TLS or not at all.
            hops = [hop for hop in hops if hop.transport == "tls"]
            self._reason = f"{self._uri} can be reached over TLS only, which is not offered there"
        self._hops.extend(self._stack.outages.order(hops[:MAX_HOPS], now))
        if not self.next(now):
            self._user.not_located(self._reason, now)

    def connected(self, flow: Flow, now: float) -> None:
        """The driver has a flow."""
        self.stop()
        self._user.located(flow, now)

    def failed(self, reason: str, now: float) -> None:
        """The driver could not resolve, or not connect."""
        self.stop()
        self._reason = reason
        if self._hop is not None:
            self._stack.outages.note(self._hop, now)
        if not self.next(now):
            self._user.not_located(reason, now)

    def _wait(self, key: int, now: float) -> None:
        self._key = key
        limit = now + 64 * self._stack.settings.t1
        self._guard = self._stack.timers.start(limit, self._took_too_long)

    def _took_too_long(self, now: float) -> None:
        self.failed(f"finding a way to {self._uri} took too long", now)


class LastLocator(Locator):
    """Of a request that has met a lost connection: it does not go again for another one."""

    __slots__ = ()


class OutgoingUser(Protocol):
    """Whoever sends a request."""

    def compose(self, flow: Flow, via: str, now: float) -> Request | None:
        """The request for this flow, `via` the topmost Via; None where there is none to send."""

    def receive_response(self, response: Response, now: float) -> None:
        """A response, as of a client transaction."""

    def request_failed(self, reason: str, now: float) -> None:
        """No hop could be reached or answered; `reason` is a sentence."""

    def request_over(self) -> None:
        """Nothing more comes of it. The last call."""


class Outgoing:
    """One request on its way: located, composed, sent, and sent elsewhere if need be."""

    __slots__ = ("_answered", "_locator", "_oversized", "_stack", "_uri", "_user", "flow",
                 "transaction")  # fmt: skip

    def __init__(self, stack: Stack, uri: str, user: OutgoingUser) -> None:
        self._stack = stack
        self._uri = uri
        self._user = user
        self._answered = False
        self._locator: Locator | None = None
        self._oversized: Oversized | None = None
        self.flow: Flow | None = None
        self.transaction: ClientTransaction | None = None

    def start(self, now: float, *, flow: Flow | None = None) -> None:
        """Send; `flow` spares the search where it is known."""
        if flow is not None:
            self.located(flow, now)
            return
        self._locator = Locator(self._stack, self._uri, self)
        self._locator.start(now)

    def resend(self, now: float) -> None:
        """Compose and send again where the last answer came from."""
        if self.flow is not None:
            self.located(self.flow, now)

    def stop(self) -> None:
        """Give up before anything was sent; a transaction that runs is left to its end."""
        if self._locator is not None:
            self._locator.stop()
            self._locator = None
        if self._oversized is not None:
            self._oversized.stop()
            self._oversized = None

    def located(self, flow: Flow, now: float) -> None:
        """Compose the request for this flow and send it."""
        self.flow = flow
        self.transaction = None  # one that still lingers is not what counts
        via = via_value(flow, MAGIC_COOKIE + self._stack.token())
        request = self._user.compose(flow, via, now)
        if request is None:
            return
        transaction = self._stack.new_client(request, flow, self)
        large = flow.transport == "udp" and len(transaction.data) > MAX_DATAGRAM
        if large and not self._stack.tcp_refusals.has(flow.remote, now):
            self._oversized = Oversized(self._stack, request, flow, self)
            self._oversized.start(now)
        else:
            self._launch(transaction, now)

    def by_stream(self, request: Request, flow: Flow, now: float) -> None:
        """The same request with another Via; its Contact may stay, for only the size moved it."""
        self._oversized, self.flow = None, flow
        request.headers.set("Via", via_value(flow, MAGIC_COOKIE + self._stack.token()))
        self._launch(self._stack.new_client(request, flow, self), now)

    def by_datagram(self, request: Request, flow: Flow, now: float) -> None:
        """Large as it is."""
        self._oversized = None
        self._launch(self._stack.new_client(request, flow, self), now)

    def _launch(self, transaction: ClientTransaction, now: float) -> None:
        self.transaction = transaction
        self._stack.launch(transaction, now)

    def not_located(self, reason: str, now: float) -> None:
        """No hop is left."""
        self._user.request_failed(reason, now)

    def receive_response(self, response: Response, now: float) -> None:
        """503 sends the request to the next hop; the rest is for the user."""
        self._note(response, now)
        if response.status == 503 and not self._answered and self._next(now):
            return
        if response.status > 100:
            self._answered = True
        self._user.receive_response(response, now)

    def transaction_failed(self, reason: str, now: float) -> None:
        """Silence or a broken transport; a request that had an answer is not repeated elsewhere."""
        if self.flow is not None and not self._answered:
            self._stack.outages.note(self.flow, now)
            self._stack.doubt(self.flow, now)
        if not self._answered and (self._next(now) or self._reconnect(now)):
            return
        if not self._is_named_in(reason):
            reason = f"{self._uri}: {reason}"
        self._user.request_failed(reason, now)

    def _is_named_in(self, reason: str) -> bool:
        """Whether a reason names the very host that the URI does: a name's address is news."""
        host = self.flow.remote[0] if self.flow is not None else ""
        return bool(host) and host in self._uri and host in reason

    def transaction_over(self, transaction: ClientTransaction) -> None:
        """The last one of this request leads to nobody any more, and nothing leads back to us."""
        if self.transaction is transaction:
            user, self.transaction = self._user, None
            del self._user
            user.request_over()

    def _reconnect(self, now: float) -> bool:
        """A connection turned out to be lost, as one that was idle for long may: once more."""
        lost = self.transaction is not None and self.transaction.lost
        if isinstance(self._locator, LastLocator) or not lost:
            return False
        self.transaction = None
        self._locator = LastLocator(self._stack, self._uri, self)
        self._locator.start(now)
        return True

    def _note(self, response: Response, now: float) -> None:
        if self.flow is None:
            return
        if response.status == 503:
            self._stack.outages.note_refusal(self.flow, response, now)
            return
        self._stack.outages.over(self.flow)
        if response.status == 481:
            self._stack.doubt(self.flow, now)

    def _next(self, now: float) -> bool:
        if self._locator is None or not self._locator.next(now):
            return False
        self.transaction = None
        return True

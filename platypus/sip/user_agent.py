"""The signalling machine as a whole: one user agent (RFC 3261), without sockets or clock.

    driver     receive, resolved, connected, failed, handle_timeout  ->  machine
    machine    effects, next_timeout                                 ->  driver
    user       register, invite, options, respond, Session methods   ->  machine
    machine    next_event                                            ->  user

Nothing here raises for what the network does. It proxies nothing, and knows no SDP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError, StateError
from platypus.sip.build import build_response, loose
from platypus.sip.calling import Calling
from platypus.sip.event_headers import PACKAGES
from platypus.sip.flow import Address, Effect, Flow, Hop
from platypus.sip.headers import NameAddr
from platypus.sip.inbound import Inbound
from platypus.sip.message import Headers
from platypus.sip.privacy import ANONYMOUS, hide_caller
from platypus.sip.privacy import USER as ANONYMOUS_USER
from platypus.sip.querying import Query
from platypus.sip.recovering import lose, reach, wake
from platypus.sip.registration import Registration
from platypus.sip.replying import reroute
from platypus.sip.session import Body, Session
from platypus.sip.settings import AccountSettings, UserAgentSettings
from platypus.sip.stack import Stack
from platypus.sip.subscription import Subscription
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.events import Event

# What we write ourselves; a caller's own fields come beside them, never twice.
_OWN_FIELDS = ("Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Length")


class UserAgent:
    """One user agent; any number of accounts and calls."""

    def __init__(
        self, *, random: Callable[[int], bytes], settings: UserAgentSettings | None = None
    ) -> None:
        self.settings = settings or UserAgentSettings()
        self._stack = Stack(random=random, settings=self.settings)
        self._inbound = Inbound(self._stack)

    # The driver's side.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One message from the network; garbage is counted in `dropped`."""
        self._inbound.receive(data, flow, now)

    def resolved(self, key: int, hops: list[Hop], now: float) -> None:
        """The answer to a Resolve: where to try, in order."""
        waiter = self._stack.take_waiter(key)
        if waiter is not None:
            waiter.resolved(hops, now)

    def connected(self, key: int, flow: Flow, now: float) -> None:
        """The answer to a Connect."""
        waiter = self._stack.take_waiter(key)
        if waiter is not None:
            waiter.connected(flow, now)

    def failed(self, key_or_flow: int | Flow, reason: str, now: float) -> None:
        """A Resolve or Connect failed, or a flow broke; `reason` is a sentence."""
        if isinstance(key_or_flow, Flow):
            self._stack.flow_failed(key_or_flow, reason, now)
            if key_or_flow.transport != "udp":
                reroute(self._stack, key_or_flow, now)
            return
        waiter = self._stack.take_waiter(key_or_flow)
        if waiter is not None:
            waiter.failed(reason, now)

    @property
    def flows(self) -> set[Flow]:
        """Those that registrations and calls count on: whether they live is the driver's to see."""
        return self._stack.flows

    def lost(self, flow: Flow, reason: str, now: float, *, heard: bool = False) -> None:
        """`flow` is no more: our address is another one, or there is no network.

        Its registrations have failed until they are made anew; its calls are moved, and those
        that nobody has answered made again. With `heard` what is sent to the old address still
        comes, so that these may go on.
        """
        lose(self._stack, flow, reason, now, heard=heard)

    def doubt(self, flow: Flow, now: float) -> None:
        """Something speaks against it that the far end of `flow` still knows us."""
        self._stack.doubt(flow, now)

    def is_seen(self, flow: Flow) -> bool:
        """Whether it is known where the far end of `flow` sees us."""
        return self._stack.seen.is_known(flow)

    def seen_at(self, flow: Flow, address: Address) -> None:
        """By a STUN server's word: what the Contact of whatever goes by `flow` will be."""
        self._stack.seen.note(flow, address)

    def reachable(self, now: float) -> None:
        """There may be a network again: what waits to be tried again is tried now."""
        reach(self._stack, now)

    def woke(self, now: float) -> None:
        """Time went on without us: what is due is done, and every binding and call is checked."""
        wake(self._stack, now)

    def effects(self) -> list[Effect]:
        """What the driver has to do, in order; each is handed out once."""
        effects = self._stack.effects
        if effects:
            self._stack.effects = []
        return effects

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is wanted; None if no timer runs."""
        return self._stack.timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Fire the timers that are due."""
        self._stack.timers.handle_timeout(now)

    def next_event(self) -> Event | None:
        """The oldest event not told yet."""
        events = self._stack.events
        return events.popleft() if events else None

    # The user's side.

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Calls that have not ended."""
        return tuple(session for session in self._stack.sessions.values() if not session.ended)

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Every registration not removed by `forget`."""
        return tuple(self._stack.registrations)

    @property
    def idle(self) -> bool:
        """Whether nothing that was sent or asked for still waits for an answer."""
        return self._stack.idle

    @property
    def dropped(self) -> int:
        """Messages that were no SIP, broke its grammar, or that nobody waited for."""
        return self._inbound.dropped

    @property
    def timers(self) -> int:
        """Timers running: none when nothing is going on."""
        return len(self._stack.timers)

    @property
    def transactions(self) -> int:
        """Transactions of both kinds, lingering ones included."""
        return len(self._stack.clients) + len(self._stack.servers)

    @property
    def usages(self) -> int:
        """Subscriptions alive, ours and others'."""
        return len(self._stack.usages)

    def register(self, account: AccountSettings, now: float) -> Registration:
        """Register an account; raises ProtocolError if its addresses are none."""
        registration = Registration(self._stack, account)
        self._stack.registrations.append(registration)
        registration.register(now)
        return registration

    def leave(self, now: float) -> None:
        """The program ends: what still waits for an ACK can do so no longer."""
        for session in list(self._stack.sessions.values()):
            session.leave(now)

    def forget(self, registration: Registration) -> None:
        """Drop a registration without a word, after `unregister` or instead of it."""
        if registration in self._stack.registrations:
            self._stack.registrations.remove(registration)
        registration.close()

    def invite(
        self,
        target: str,
        *,
        account: AccountSettings | None = None,
        body: Body = None,
        content_type: str = "application/sdp",
        headers: Iterable[tuple[str, str]] = (),
        start: bool = True,
        now: float,
    ) -> Session:
        """Call `target`. A `body` that is callable is given the local address once it is known;
        None asks the peer for the offer. Without `start` nothing is sent until
        `Session.calling.send`. Raises ProtocolError for an address that is none,
        ValueError for headers that can't be sent, StateError with too many calls.
        """
        stack = self._stack
        uri = _target(target)
        fields = Headers(headers)
        for name in _OWN_FIELDS:
            if name in fields:
                raise ValueError(f"{name} is not the caller's to set")
        if len(stack.sessions) >= self.settings.max_sessions:
            raise StateError(f"{self.settings.max_sessions} calls are all there can be")
        local, contact_user = self._identity(account)
        if account is not None and account.anonymous:
            hide_caller(fields, account, uri)
            local, contact_user = ANONYMOUS, ANONYMOUS_USER
        session = Session(
            stack,
            "uac",
            call_id=stack.token() + stack.token(),
            local=local.with_tag(stack.token()),
            remote=NameAddr(uri),
            account=account,
            contact_user=contact_user,
        )
        session.calling = Calling(session, uri, body, content_type, fields)
        if start:
            session.calling.start(now)
        return session

    def options(self, target: str, *, account: AccountSettings | None = None, now: float) -> int:
        """Ask `target` what it can do (RFC 3261, 11); `ResponseReceived` has the key returned."""
        return self.request("OPTIONS", target, account=account, now=now)

    def request(
        self,
        method: str,
        target: str,
        *,
        account: AccountSettings | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str = "",
        now: float,
    ) -> int:
        """Send a request outside any dialog; `ResponseReceived` has the key returned."""
        uri = _target(target)
        local, contact_user = self._identity(account)
        fields = Headers(headers)
        query = Query(self._stack, method, uri, local, contact_user, account, fields)
        query.start(body, content_type, now)
        return query.key

    def subscribe(
        self,
        target: str,
        package: str,
        *,
        account: AccountSettings | None = None,
        expires: int | None = None,
        now: float,
    ) -> Subscription:
        """Watch `target` (RFC 6665), for 0 seconds to ask once. Raises ProtocolError for an
        address that is none, ValueError for a package nobody here can read, StateError when
        there are too many."""
        uri = _target(target)
        known = PACKAGES.get(package)
        if known is None:
            raise ValueError(f"{package} is no package; there are: {', '.join(PACKAGES)}")
        if len(self._stack.usages) >= self.settings.max_usages:
            raise StateError(f"{self.settings.max_usages} subscriptions are all there can be")
        local, contact_user = self._identity(account)
        subscription = Subscription(
            self._stack,
            uri,
            known,
            local=local,
            contact_user=contact_user,
            account=account,
            expires=known.expires if expires is None else expires,
        )
        subscription.start(now)
        return subscription

    def respond(
        self,
        key: int,
        status: int,
        *,
        reason: str = "",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str = "",
        now: float,
    ) -> None:
        """Answer a `RequestReceived`; nothing happens if its client has given up meanwhile."""
        transaction = self._stack.pending.get(key)
        if transaction is None or transaction.request is None:
            return
        fields = [("Server", self.settings.user_agent), *headers]
        response = build_response(
            transaction.request,
            status,
            reason=reason,
            to_tag=transaction.to_tag,
            headers=fields,
            body=body,
            content_type=content_type,
        )
        transaction.respond(status, response.serialize(), now)
        if status >= 200:
            self._stack.pending.pop(key, None)

    def _identity(self, account: AccountSettings | None) -> tuple[NameAddr, str]:
        """From and the user part of Contact."""
        if account is None:
            user = self.settings.default_user
            return NameAddr(Uri("sip", user, "anonymous.invalid")), user
        aor = Uri.parse(account.aor)
        if account.outbound_proxy:
            loose(account.outbound_proxy)  # raises here, not when the request is built
        user = account.contact_user or aor.user or self.settings.default_user
        return NameAddr(aor, account.display_name), user


def _target(target: str) -> Uri:
    """A Request-URI: without headers or method (19.1.1, table 1)."""
    uri = Uri.parse(target)
    if not uri.is_sip:
        raise ProtocolError(f"{target} is not a SIP address", status=416)
    uri = uri.without_headers()
    if "method" in uri.params:
        uri = uri.without_params("method")
    return uri

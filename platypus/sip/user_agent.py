"""What a user asks of the signalling machine: one user agent (RFC 3261), without sockets or clock.

    user       register, invite, options, respond, Session methods   ->  machine
    machine    next_event                                            ->  user

Only what the user asks for raises. It proxies nothing, and knows no SDP; who drives it sees
`machine`.
"""

from __future__ import annotations

from collections.abc import Iterable

from platypus.errors import ProtocolError, StateError
from platypus.sip.build import build_response, loose
from platypus.sip.calling import Calling
from platypus.sip.event_headers import PACKAGES
from platypus.sip.headers import NameAddr
from platypus.sip.machine import Machine
from platypus.sip.message import Headers
from platypus.sip.privacy import ANONYMOUS, hide_caller
from platypus.sip.privacy import USER as ANONYMOUS_USER
from platypus.sip.querying import Query
from platypus.sip.registration import Registration
from platypus.sip.session import Body, Session
from platypus.sip.settings import AccountSettings
from platypus.sip.subscription import Subscription
from platypus.sip.uri import Uri

# What we write ourselves; a caller's own fields come beside them, never twice.
_OWN_FIELDS = ("Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Length")


class UserAgent(Machine):
    """One user agent; any number of accounts and calls."""

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Calls that have not ended."""
        return tuple(session for session in self._stack.sessions.values() if not session.ended)

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Every registration not removed by `forget`."""
        return tuple(self._stack.registrations)

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
        fields = Headers([("Server", self.settings.user_agent), *headers])
        if body:
            fields.set("Content-Type", content_type)
        response = build_response(
            transaction.request,
            status,
            reason=reason,
            to_tag=transaction.to_tag,
            headers=fields,
            body=body,
        )
        transaction.respond(status, response, now)
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

"""What every part of one user agent shares: timers, tables, tokens, effects, events.

The tables are those of RFC 3261, 17.1.3, 17.2.3 and 8.2.2.2 (merged requests).
Nothing is decided here: `user_agent` puts messages in, transactions take
themselves out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from platypus.sip import caches
from platypus.sip.digest import DigestClient
from platypus.sip.flow import Connect, Effect, Flow, Hop, Resolve, Send
from platypus.sip.keys import merge_key
from platypus.sip.lingering import Lingering
from platypus.sip.moving import Moves, flows_of
from platypus.sip.outages import Outages
from platypus.sip.oversize import Refusals
from platypus.sip.preloaded import ServiceRoutes
from platypus.sip.seen import SeenAddresses
from platypus.sip.server_transaction import (
    InviteServerTransaction,
    NonInviteServerTransaction,
    ServerTransaction,
)
from platypus.sip.timers import TimerQueue
from platypus.sip.transaction import (
    ClientTransaction,
    ClientUser,
    InviteClientTransaction,
    NonInviteClientTransaction,
    State,
)
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog, DialogKey
    from platypus.sip.events import Event
    from platypus.sip.keys import ClientKey, MergeKey, ServerKey
    from platypus.sip.message import Request
    from platypus.sip.referring import Referring
    from platypus.sip.registration import Registration
    from platypus.sip.session import Session
    from platypus.sip.settings import AccountSettings, UserAgentSettings

# Ended calls remembered, some 200 bytes each: a transfer that crosses a BYE is seconds late.
MAX_ENDED = 64


class Waiter(Protocol):
    """Whoever asked for a Resolve or Connect."""

    def resolved(self, hops: list[Hop], now: float) -> None: ...

    def connected(self, flow: Flow, now: float) -> None: ...

    def failed(self, reason: str, now: float) -> None: ...


class Usage(Protocol):
    """Whoever uses a dialog that no INVITE made."""

    def receive_request(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None: ...

    def flow_lost(self, flow: Flow) -> None: ...


class Stack:
    """Shared state of one user agent."""

    def __init__(self, *, random: Callable[[int], bytes], settings: UserAgentSettings) -> None:
        self.random = random
        self.settings = settings
        self.timers = TimerQueue()
        self.effects: list[Effect] = []
        self.events: deque[Event] = deque()
        self.clients: dict[ClientKey, ClientTransaction] = {}
        self.servers: dict[ServerKey, ServerTransaction] = {}
        self.merges: dict[MergeKey, ServerTransaction] = {}
        self.lingering = Lingering(self.timers, self._rest, self.clients, self.servers)
        self.registrations: list[Registration] = []
        self.sessions: dict[DialogKey, Session] = {}
        self.usages: dict[DialogKey, Usage] = {}  # subscriptions, ours and others'
        self.referrings: dict[DialogKey, Referring] = {}  # REFERs of ours that are not over
        self.ended: dict[DialogKey, str] = {}  # remote tags of the calls that ended last
        self.pending: dict[int, ServerTransaction] = {}  # requests the user owes a response
        self.tcp_refusals = Refusals()
        self.outages = Outages()
        self.seen = SeenAddresses()
        self.service_routes = ServiceRoutes()
        self.moves = Moves(self)
        self._waiters: dict[int, Waiter] = {}
        self._last_key = 0
        self.allow = ", ".join(settings.methods)
        self.accept = ", ".join((*settings.accept, "multipart/mixed", "multipart/alternative"))
        self.option_tags = frozenset(settings.option_tags)
        self.supported = ", ".join(settings.option_tags)
        asked = [
            tag for tag in settings.option_tags if settings.prack != "serve" or tag != "100rel"
        ]
        self.supported_as_caller = ", ".join(asked)

    def send(self, flow: Flow, data: bytes) -> None:
        """Have the driver send one message."""
        self.effects.append(Send(flow, data))

    def emit(self, event: Event) -> None:
        """Tell the user something."""
        self.events.append(event)

    def token(self) -> str:
        """64 random bits: for tags (19.3) and branches (8.1.1.7)."""
        return self.random(8).hex()

    def uniform(self, low: float, high: float) -> float:
        """A random number between the two."""
        return low + (high - low) * int.from_bytes(self.random(4), "big") / 2**32

    def new_key(self) -> int:
        """A number for what the driver or the user will answer."""
        self._last_key += 1
        return self._last_key

    @property
    def idle(self) -> bool:
        """Whether nothing we started is still on its way."""
        if self._waiters or any(session.ended for session in self.sessions.values()):
            return False
        settled = (State.ACCEPTED, State.COMPLETED)
        return all(client.state in settled for client in self.clients.values())

    def new_digest(self, account: AccountSettings) -> DigestClient | None:
        """Something that answers challenges for this account, if it has a password."""
        if account.password is None:
            return None
        user = account.auth_user or Uri.parse(account.aor).user or ""
        return DigestClient(user, account.password, self.random)

    def digest_for(self, account: AccountSettings | None) -> DigestClient | None:
        """The one its registration uses, so that nonces are reused; else a new one."""
        if account is None:
            return None
        for registration in self.registrations:
            if registration.account == account:
                return registration.digest
        return self.new_digest(account)

    def resolve(self, uri: str, waiter: Waiter) -> int:
        """Ask for the hops of `uri`."""
        key = self.new_key()
        self._waiters[key] = waiter
        self.effects.append(Resolve(key, uri))
        return key

    def connect(self, hop: Hop, waiter: Waiter) -> int:
        """Ask for a flow to `hop`."""
        key = self.new_key()
        self._waiters[key] = waiter
        self.effects.append(Connect(key, hop))
        return key

    def take_waiter(self, key: int) -> Waiter | None:
        """Who asked with this key; each is answered once."""
        return self._waiters.pop(key, None)

    def new_client(self, request: Request, flow: Flow, user: ClientUser) -> ClientTransaction:
        """A transaction for a request (but ACK) whose Via is written, not started yet."""
        kind: type[InviteClientTransaction | NonInviteClientTransaction] = (
            InviteClientTransaction if request.method == "INVITE" else NonInviteClientTransaction
        )
        return kind(self, request, flow, user)

    def launch(self, transaction: ClientTransaction, now: float) -> None:
        """Send its request."""
        self.clients[transaction.key] = transaction
        transaction.start(now)

    def start_client(
        self, request: Request, flow: Flow, user: ClientUser, now: float
    ) -> ClientTransaction:
        """Send a request (but ACK) whose Via is written, in a transaction of its own."""
        transaction = self.new_client(request, flow, user)
        self.launch(transaction, now)
        return transaction

    def start_server(
        self, key: ServerKey, request: Request, flow: Flow, now: float
    ) -> ServerTransaction:
        """A transaction for a new request (but ACK), to be answered on `flow`."""
        transaction: ServerTransaction
        if request.method == "INVITE":
            transaction = InviteServerTransaction(self, key, request, flow)
        else:
            transaction = NonInviteServerTransaction(self, key, request, flow, now)
        self.servers[key] = transaction
        if not request.to.tag and request.method != "CANCEL":
            transaction.merge_key = merge_key(request)
            self.merges.setdefault(transaction.merge_key, transaction)
        return transaction

    def client_ended(self, transaction: ClientTransaction) -> None:
        """Forget it."""
        self.clients.pop(transaction.key, None)

    def server_ended(self, transaction: ServerTransaction) -> None:
        """Forget it."""
        self.servers.pop(transaction.key, None)
        self.pending.pop(transaction.user_key, None)
        merge = transaction.merge_key
        if merge is not None and self.merges.get(merge) is transaction:
            del self.merges[merge]

    def _rest(self) -> None:
        """Nobody has asked for anything for 64*T1: what a rush has left can go.

        A dict keeps the memory that it once had until it is cleared, and one small value the whole
        megabyte around it: what lasts is not made anew here.
        """
        self.ended.clear()
        for table in (self.clients, self.servers, self.merges, self.pending, self.sessions):
            if not table:
                table.clear()
        caches.forget()

    def note_ended(self, dialog: Dialog) -> None:
        """A call is over: an INVITE that was to replace it comes too late (RFC 3891, 3)."""
        if len(self.ended) >= MAX_ENDED:
            del self.ended[next(iter(self.ended))]
        self.ended[dialog.call_id, dialog.local.tag or ""] = dialog.remote.tag or ""

    def flow_failed(
        self, flow: Flow, reason: str, now: float, *, but_invites: bool = False
    ) -> None:
        """Every request on its way over `flow` fails (17.1.4), and a connection is forgotten.

        A datagram that was refused leaves the flow what it is, but a doubt whether we are
        still registered there. INVITEs are left to wait where their answers still come.
        """
        if flow.transport != "udp":
            self.forget_flow(flow)
            for registration in self.registrations:
                registration.flow_lost(flow, f"the connection was lost: {reason}", now)
        for transaction in [client for client in self.clients.values() if client.flow == flow]:
            if not but_invites or not isinstance(transaction, InviteClientTransaction):
                transaction.fail(reason, now)
        for registration in self.registrations:
            registration.refused(flow, now)

    def doubt(self, flow: Flow, now: float) -> None:
        """Whoever is at the other end of `flow` may have forgotten us."""
        for registration in self.registrations:
            registration.doubt(flow, now)

    def forget_flow(self, flow: Flow) -> None:
        """Whatever would go by `flow` has to find another."""
        self.seen.forget(flow)
        for session in self.sessions.values():
            session.flow_lost(flow)
        for usage in self.usages.values():
            usage.flow_lost(flow)

    @property
    def flows(self) -> set[Flow]:
        """Those that registrations and calls count on."""
        found = {each.flow for each in self.registrations if each.flow is not None}
        for session in self.sessions.values():
            if not session.ended:
                found.update(flows_of(session))
        return found

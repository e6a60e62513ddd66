"""Somebody's subscription to our state (RFC 6665, section 4.2).

One `Watcher` is one dialog. Whether somebody may watch is the user's decision
(`WatcherArrived`), and so is what the bodies say: one is asked for by `NotifyWanted`
whenever the whole state is owed. One NOTIFY is on its way at a time; of what changes
meanwhile only the newest is sent, so that a slow watcher is never flooded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.dialog import Dialog
from platypus.sip.event_headers import PACKAGES, EventType
from platypus.sip.events import NotifyWanted, WatcherArrived, WatcherLeft
from platypus.sip.requesting import InDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

DEFAULT_EXPIRES = 3600  # RFC 4235, 3.4; RFC 3842, 3.4 leaves it open
MAX_EXPIRES = 7200
# Below this the refreshes would cost more than the news (RFC 6665, 4.2.1.1 allows 423 under an
# hour); a test must be able to see one expire.
MIN_EXPIRES = 10
MAX_WATCHERS = 64  # of everything: each is told of every call
RETRY_AFTER = 600


class Watcher:
    """One who is told. `accept` or `refuse` is owed once, `notify` whenever it is wanted."""

    def __init__(
        self,
        stack: Stack,
        transaction: ServerTransaction,
        request: Request,
        flow: Flow,
        account: AccountSettings | None,
    ) -> None:
        self.event = EventType.of(request)
        self.request = request
        self.flow = flow
        self.account = account
        self.dialog = Dialog.from_request(request, transaction.to_tag, flow)
        self._stack = stack
        self._transaction: ServerTransaction | None = transaction
        self._contact_user = request.uri.user or stack.settings.default_user
        self._digest = stack.digest_for(account)
        self._accepted = False
        self._expires_at = 0.0
        self._expiry: Timer | None = None
        self._notify: InDialog | None = None  # on its way
        self._next: tuple[str, Callable[[], bytes]] | None = None
        self._reason = ""  # of the end

    @property
    def package(self) -> str:
        """What is watched."""
        return self.event.package

    @property
    def ended(self) -> bool:
        """Whether it is over, but perhaps for a last NOTIFY."""
        return bool(self._reason)

    def start(self) -> None:
        """Ask the user."""
        self._stack.usages[self.dialog.call_id, self.dialog.local.tag or ""] = self
        self._stack.emit(WatcherArrived(self, self.request))

    def accept(self, now: float) -> None:
        """Let them watch. `NotifyWanted` follows: the first NOTIFY is owed at once (4.2.2)."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self._accepted = True
            self._grant(transaction, self.request, now)

    def refuse(self, status: int, now: float, headers: list[tuple[str, str]] | None = None) -> None:
        """A final response of 300 to 699."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.answer(status, now, headers or ())
            self._forget()

    def notify(self, content_type: str, body: Callable[[], bytes], now: float) -> None:
        """Tell the whole state; `body` is called when it is sent, so that it is the newest."""
        if not self._accepted or self._reason == "gone":
            return
        self._next = content_type, body
        self._send(now)

    def end(self, reason: str, now: float) -> None:
        """Tell that there will be no more, and why (4.2.2)."""
        if not self.ended:
            self._reason = reason
            self._stop()
            self._send(now)

    def receive_request(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        """A SUBSCRIBE inside the dialog: a refresh, or the end."""
        if request.method != "SUBSCRIBE" or EventType.of(request) != self.event or self.ended:
            transaction.answer(481, now)
        elif not self.dialog.in_order(request):
            transaction.answer(500, now)
        else:
            self.dialog.refresh_target(request.contacts)
            self._grant(transaction, request, now)

    def flow_lost(self, flow: Flow) -> None:
        """The next NOTIFY finds another way."""
        self.dialog.flow_lost(flow)

    def receive_response(self, response: Response, now: float) -> None:
        """What came of a NOTIFY: whoever does not know of it is not told again (4.2.2)."""
        if response.status < 200:
            return
        self._notify = None
        if response.status in (404, 405, 410, 481, 489, 501, 604):
            self._forget()
        else:
            self._send(now)

    def request_failed(self, reason: str, now: float) -> None:
        """Nobody answered a NOTIFY."""
        self._notify = None
        self._forget()

    def _grant(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        asked = DEFAULT_EXPIRES if request.expires is None else request.expires
        if 0 < asked < MIN_EXPIRES:
            transaction.answer(423, now, [("Min-Expires", str(MIN_EXPIRES))])
            if not self._expires_at:
                self._forget()
            return
        granted = min(asked, MAX_EXPIRES)
        self._expires_at = now + granted
        self._stop()
        routes = [("Record-Route", str(route)) for route in request.record_routes]
        contact = self._contact(transaction.flow)
        transaction.answer(200, now, [*routes, ("Contact", contact), ("Expires", str(granted))])
        if granted:
            self._expiry = self._stack.timers.start(self._expires_at, self._expired)
        else:
            self._reason = "timeout"  # 4.2.2: the last NOTIFY still has the state
        self._stack.emit(NotifyWanted(self))

    def _contact(self, flow: Flow) -> str:
        secure = self.request.uri.scheme == "sips"
        return self._stack.seen.contact(flow, self._contact_user, secure=secure)

    def _expired(self, now: float) -> None:
        self._expiry = None
        self.end("timeout", now)

    def _send(self, now: float) -> None:
        """The next NOTIFY, if one is wanted and none is on its way."""
        if self._notify is not None or self._reason == "gone":
            return
        last = self.ended
        if self._next is None and not last:
            return
        left = max(0, round(self._expires_at - now))
        state = f"terminated;reason={self._reason}" if last else f"active;expires={left}"
        fields = [
            ("Event", str(self.event)),
            ("Subscription-State", state),
            ("User-Agent", self._stack.settings.user_agent),
        ]
        content_type, body = self._next or ("", bytes)
        self._next = None
        self._notify = InDialog(
            self._stack,
            self.dialog,
            "NOTIFY",
            self,
            digest=self._digest,
            headers=fields,
            contact=self._contact,
            body=body(),
            content_type=content_type,
        )
        self._notify.start(now)
        if last:
            self._forget()

    def _forget(self) -> None:
        self._stop()
        self._reason = "gone"
        key = (self.dialog.call_id, self.dialog.local.tag or "")
        if self._stack.usages.pop(key, None) is not None:
            self._stack.emit(WatcherLeft(self))

    def _stop(self) -> None:
        if self._expiry is not None:
            self._expiry.stop()
            self._expiry = None


def receive_subscribe(
    stack: Stack,
    transaction: ServerTransaction,
    request: Request,
    flow: Flow,
    account: AccountSettings | None,
    now: float,
) -> None:
    """A SUBSCRIBE outside any dialog: refused, or somebody new to be let in (4.2.1)."""
    settings = stack.settings
    package = EventType.of(request).package
    if package not in settings.packages:
        transaction.answer(489, now, [("Allow-Events", ", ".join(settings.packages))])
    elif not request.contacts:
        transaction.answer(400, now)
    elif not _reads(request, PACKAGES[package].accept):
        transaction.answer(406, now)
    elif sum(isinstance(usage, Watcher) for usage in stack.usages.values()) >= MAX_WATCHERS:
        transaction.answer(503, now, [("Retry-After", str(RETRY_AFTER))])
    else:
        Watcher(stack, transaction, request, flow, account).start()


def _reads(request: Request, content_type: str) -> bool:
    """Whether a watcher can read the one format we have; without Accept it can (RFC 6665, 7.5)."""
    kinds = [value.partition(";")[0].strip().lower() for value in request.headers.get_all("Accept")]
    return not kinds or bool({content_type, "application/*", "*/*"}.intersection(kinds))

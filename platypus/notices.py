"""What reaches a phone beside calls: lamps, mailboxes, presence, messages, and pickup.

One object of the engine's, so that it need not know which of them an event is for:

    watching    our subscriptions, and what they tell
    watched     who watches our calls
    messaging   MESSAGE in and out
    pickup      a call that rings elsewhere, found by its dialog state
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.incoming import account_for
from platypus.messaging import Messaging
from platypus.pickup import Pickups
from platypus.sip import events as sip
from platypus.watched import Watched
from platypus.watching import Watching

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.engine import Engine
    from platypus.options import WatcherRule


class Notices:
    """The parts, and which event is for which."""

    def __init__(self, engine: Engine, watchers: WatcherRule) -> None:
        self._engine = engine
        self._lost: set[Account] = set()
        self.watching = Watching(engine)
        self.watched = Watched(engine, watchers)
        self.messaging = Messaging(engine)
        self.pickups = Pickups(engine, self.watching)

    def receive(self, event: sip.Event) -> bool:
        """Whether the event was about any of this."""
        match event:
            case sip.SubscriptionChanged() | sip.NotificationReceived():
                self.watching.receive(event)
            case sip.WatcherArrived() | sip.NotifyWanted() | sip.WatcherLeft():
                return self.watched.receive(event)
            case sip.RequestReceived():
                self._receive_request(event)
            case sip.ResponseReceived():
                return self.messaging.receive_response(event)
            case _:
                return False
        return True

    def registration_changed(self, account: Account) -> None:
        """An account is with its server, or is not any more."""
        if account.state == "failed":
            self._lost.add(account)
        elif account.state == "registered":
            self.reachable(account)
            if account in self._lost:  # the server may have forgotten who watches
                self._lost.remove(account)
                self.watching.again(account)

    def reachable(self, account: Account) -> None:
        """An account can be told things: its mailbox is watched, if that is wanted."""
        if account.mwi and self.watching.find(account.aor, "message-summary") is None:
            self.watching.watch(account.aor, "message-summary", account)

    def leave(self) -> None:
        """The engine closes."""
        self.pickups.close()
        self.watching.leave()
        self.watched.leave()

    def _receive_request(self, event: sip.RequestReceived) -> None:
        headers: list[tuple[str, str]] = []
        request = event.request
        match request.method:
            case "MESSAGE":
                status, headers = self.messaging.receive_request(request)
            case "NOTIFY" if event.session is None:
                account = account_for(self._engine.accounts, request)
                status = self.watching.receive_unsolicited(request, account)
            case _:
                status = 481
        now = self._engine.now()
        self._engine.user_agent.respond(event.key, status, headers=headers, now=now)

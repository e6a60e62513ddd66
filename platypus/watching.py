"""What others do, as far as we asked to be told: lamps, mailboxes, presence (RFC 6665).

The machine keeps the subscriptions; here their bodies become events. A body that
can't be read is passed over, a piece that went missing is fetched again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from platypus.errors import ProtocolError, StateError
from platypus.events import ErrorOccurred, MessageWaiting, Notified
from platypus.sip import events as sip
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.engine import Engine
    from platypus.sip.message import Request
    from platypus.sip.packages.dialog_info import DialogEntry, DialogTable
    from platypus.sip.packages.message_summary import MessageSummary
    from platypus.sip.subscription import Subscription

logger = logging.getLogger("platypus.engine")


class Watch:
    """One address that is watched, and what is known of it. `told` hears of every change."""

    def __init__(
        self, engine: Engine, to: str, package: str, account: Account | None, *, fetch: bool = False
    ) -> None:
        self.to = to
        self.package = package
        self.account = account
        self.told: Callable[[Watch], None] | None = None
        self._engine = engine
        self._is_fetch = fetch  # for whoever asked, not for everybody
        self.problem = ""  # why the subscription failed last
        self._complained = False
        self._tables: dict[str, DialogTable] = {}  # by notifier
        self._mailboxes: dict[str, MessageSummary] = {}
        self.subscription: Subscription = self._subscribe()

    @property
    def bare(self) -> str:
        """The address without parameters."""
        return bare(self.to)

    @property
    def dialogs(self) -> list[DialogEntry]:
        """The dialogs last told of, by whoever still tells us."""
        return [dialog for table in self._tables.values() for dialog in table.dialogs.values()]

    @property
    def is_told(self) -> bool:
        """Whether dialog state came at all."""
        return any(table.version is not None for table in self._tables.values())

    @property
    def is_current(self) -> bool:
        """Whether dialog state came, and goes on coming."""
        return self.is_told and self.subscription.state == "active"

    def again(self) -> None:
        """It is wanted, perhaps once more: tell the state soon."""
        state = self.subscription.state
        if state in ("failed", "terminated"):
            self.subscription.close()
            self._complained = False
            self.subscription = self._subscribe()
        for leg in tuple(self.subscription.legs):
            self.subscription.refetch(leg, self._engine.now())

    def changed(self, event: sip.SubscriptionChanged) -> None:
        """The machine says how the subscription stands."""
        self.problem = event.reason
        if event.state in ("active", "pending"):
            self._complained = False
        elif event.state == "failed" and not self._complained:
            self._complained = True  # once: it is tried again for as long as it takes
            if not self._is_fetch:
                message = f"{self.bare} does not tell its {self.package}: {event.reason}"
                self._engine.publish(ErrorOccurred(message))
        if self.told is not None:
            self.told(self)

    def receive(self, event: sip.NotificationReceived) -> None:
        """A NOTIFY."""
        living = {*self.subscription.legs, event.leg}
        for known in (self._tables, self._mailboxes):
            for leg in known.keys() - living:
                del known[leg]
        if event.request.body:
            try:
                self._read(event)
            except ProtocolError as problem:
                logger.info("%s of %s can't be read: %s", self.package, self.bare, problem)
        if self.told is not None:
            self.told(self)

    def _read(self, event: sip.NotificationReceived) -> None:
        body = event.request.body
        match self.package:
            case "dialog":
                self._read_dialogs(body, event.leg)
            case "message-summary":
                from platypus.sip.packages.message_summary import parse_message_summary

                self._mailboxes[event.leg] = parse_message_summary(body)
                publish_summary(
                    self._engine, self.account, self.bare, list(self._mailboxes.values())
                )
            case "presence":
                from platypus.sip.packages.presence import parse_presence

                found = parse_presence(body)
                self._publish(found.basic, found.note or None)

    def _read_dialogs(self, body: bytes, leg: str) -> None:
        from platypus.sip.packages.dialog_info import (
            DialogTable,
            Update,
            busiest,
            parse_dialog_info,
        )

        info = parse_dialog_info(body)
        table = self._tables.setdefault(leg, DialogTable())
        match table.apply(info):
            case Update.TAKEN:
                self._publish(busiest(self.dialogs), None)
            case Update.MISSED:
                self.subscription.refetch(leg, self._engine.now())

    def _publish(self, state: str, note: str | None) -> None:
        if not self._is_fetch:
            self._engine.publish(Notified(self.package, self.bare, state, note))

    def _subscribe(self) -> Subscription:
        return self._engine.user_agent.subscribe(
            self.to,
            self.package,
            account=self.account.settings if self.account is not None else None,
            expires=0 if self._is_fetch else None,
            now=self._engine.now(),
        )


class Watching:
    """Everything that one engine watches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watches: dict[tuple[str, str], Watch] = {}
        self._fetches: list[Watch] = []

    def watch(self, to: str, package: str, account: Account | None) -> Watch:
        """Be told of `package` of a SIP URI; of one that is watched already, the state again."""
        key = (bare(to), package)
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = self._make(to, package, account)
        else:
            watch.again()
        self._engine.pump()
        return watch

    def again(self, account: Account) -> None:
        """Ask for the state of everything this account watches: something may have been missed."""
        for watch in self._watches.values():
            if watch.account is account:
                watch.again()
        self._engine.pump()

    def unwatch(self, to: str, package: str) -> None:
        """Not any more. Raises StateError where it was not watched."""
        watch = self._watches.pop((bare(to), package), None)
        if watch is None:
            raise StateError(f"the {package} of {bare(to)} is not watched")
        watch.subscription.unsubscribe(self._engine.now())
        self._engine.pump()

    def fetch(self, to: str, package: str, account: Account | None) -> Watch:
        """Ask once; the answer is for whoever asked, by `Watch.told`."""
        watch = self._make(to, package, account, fetch=True)
        self._fetches.append(watch)
        self._engine.pump()
        return watch

    def forget(self, watch: Watch) -> None:
        """A fetch is done, or given up."""
        if watch in self._fetches:
            self._fetches.remove(watch)
            watch.subscription.close()

    def find(self, to: str, package: str) -> Watch | None:
        """What is watched already."""
        return self._watches.get((bare(to), package))

    def receive(self, event: sip.SubscriptionChanged | sip.NotificationReceived) -> None:
        """What the machine says of a subscription."""
        for watch in (*self._watches.values(), *self._fetches):
            if watch.subscription is event.subscription:
                if isinstance(event, sip.NotificationReceived):
                    watch.receive(event)
                else:
                    watch.changed(event)

    def receive_unsolicited(self, request: Request, account: Account | None) -> int:
        """A NOTIFY nobody asked for: the status to answer with. Only mailboxes send such."""
        from platypus.sip.event_headers import PACKAGES, EventType
        from platypus.sip.packages.message_summary import CONTENT_TYPE, parse_message_summary

        package = EventType.of(request).package
        if package != "message-summary":
            return 481 if package in PACKAGES else 489
        if account is None:
            return 481
        if request.body and request.content_type != CONTENT_TYPE:
            return 415
        if request.body:
            try:
                summary = parse_message_summary(request.body)
            except ProtocolError as problem:
                logger.info("a message summary can't be read: %s", problem)
                return 400
            publish_summary(self._engine, account, account.aor, [summary])
        return 200

    def leave(self) -> None:
        """The engine closes: nobody needs to tell us any more."""
        for watch in self._watches.values():
            watch.subscription.unsubscribe(self._engine.now())
        for watch in self._fetches:
            watch.subscription.close()

    def _make(
        self, to: str, package: str, account: Account | None, *, fetch: bool = False
    ) -> Watch:
        try:
            return Watch(self._engine, to, package, account, fetch=fetch)
        except (ProtocolError, ValueError) as problem:
            raise StateError(f"{to} can't be watched: {problem}") from problem


def publish_summary(
    engine: Engine, account: Account | None, mailbox: str, parts: list[MessageSummary]
) -> None:
    """One event for a mailbox, also where several servers hold parts of it (RFC 3842, 3.9)."""
    engine.publish(
        MessageWaiting(
            account,
            mailbox,
            any(part.waiting for part in parts),
            sum(part.new for part in parts),
            sum(part.old for part in parts),
        )
    )


def bare(to: str) -> str:
    """A SIP URI without parameters and headers."""
    return str(Uri.parse(to).without_headers().without_params())

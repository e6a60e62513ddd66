"""Who watches our calls, and what they are told (RFC 4235).

Dialog state says who calls whom, and its tags let a call be taken over (RFC 3891). So
only the server an account is with may see it, in the name of whoever it lets ask;
a phone that has no account stands alone, and tells whoever asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from platypus.errors import ConfigError, ProtocolError
from platypus.events import CallEnded, CallState, CallStateChanged, IncomingCall
from platypus.options import WatcherRule
from platypus.sip import events as sip
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from platypus.account import Account
    from platypus.call import Call
    from platypus.engine import Engine
    from platypus.events import Event
    from platypus.sip.packages.dialog_info import DialogEntry, DialogState
    from platypus.sip.watcher import Watcher

CONTENT_TYPE = "application/dialog-info+xml"


class Watched:
    """The watchers of one engine's calls."""

    def __init__(self, engine: Engine, rule: WatcherRule) -> None:
        if rule not in get_args(WatcherRule):
            raise ConfigError(f"watchers can't be {rule!r}: {', '.join(get_args(WatcherRule))}")
        self._engine = engine
        self._rule = rule
        self._versions: dict[Watcher, int] = {}  # of the next document for each
        self._stop_listening: Callable[[], None] = _nothing

    def receive(self, event: sip.WatcherArrived | sip.NotifyWanted | sip.WatcherLeft) -> bool:
        """What the machine says of a watcher; whether it is one of ours."""
        watcher, now = event.watcher, self._engine.now()
        if not isinstance(event, sip.WatcherArrived) and watcher not in self._versions:
            return False
        match event:
            case sip.WatcherArrived() if self._engine.leaving or not self._may_watch(watcher):
                watcher.refuse(403, now)
            case sip.WatcherArrived():
                if not self._versions:
                    self._stop_listening = self._engine.subscribe(self._happened)
                self._versions[watcher] = 0
                watcher.accept(now)
            case sip.NotifyWanted():
                self._notify(watcher)
            case sip.WatcherLeft():
                del self._versions[watcher]
                if not self._versions:
                    self._stop_listening()
        return True

    def leave(self) -> None:
        """The engine closes: whoever watches is told to come back later."""
        for watcher in tuple(self._versions):
            watcher.end("probation", self._engine.now())

    def _may_watch(self, watcher: Watcher) -> bool:
        if self._rule != "server":
            return self._rule == "anybody"
        accounts = self._engine.accounts
        host = watcher.flow.remote[0]
        return not accounts or any(host in _servers(account) for account in accounts)

    def _happened(self, event: Event) -> None:
        if isinstance(event, IncomingCall | CallStateChanged | CallEnded):
            for watcher in tuple(self._versions):
                self._notify(watcher)
            self._engine.pump()

    def _notify(self, watcher: Watcher) -> None:
        watcher.notify(CONTENT_TYPE, lambda: self._body(watcher), self._engine.now())

    def _body(self, watcher: Watcher) -> bytes:
        from platypus.sip.packages.dialog_info import MAX_DIALOGS, DialogInfo

        version = self._versions.get(watcher, 0)
        if watcher in self._versions:
            self._versions[watcher] = version + 1
        asked = watcher.account
        calls = [
            call
            for call in self._engine.calls
            if asked is None or call.account is None or call.account.settings == asked
        ]
        entity = asked.aor if asked is not None else str(watcher.dialog.local.uri)
        dialogs = tuple(map(describe, calls[-MAX_DIALOGS:]))
        return DialogInfo(entity, version, True, dialogs).serialize()


def describe(call: Call) -> DialogEntry:
    """A call of ours, as a watcher sees it (RFC 4235, 3.7.1)."""
    from platypus.sip.packages.dialog_info import DialogEntry

    session = call.session
    dialog = session.dialog
    remote = dialog.remote if dialog is not None else session.remote
    if dialog is not None:
        target = str(dialog.remote_target)
    elif call.invite is not None and call.invite.contacts:
        target = str(call.invite.contacts[0].uri.without_headers())
    else:
        target = ""
    return DialogEntry(
        id=call.id,
        state=_state(call),
        call_id=session.call_id,
        local_tag=session.local_tag,
        remote_tag=remote.tag or "",
        direction="initiator" if call.direction == "outgoing" else "recipient",
        remote_identity=call.remote,
        remote_target=target,
    )


def _state(call: Call) -> DialogState:
    match call.state:
        case CallState.TRYING:
            return "trying"
        case CallState.CONFIRMED:
            return "confirmed"
        case CallState.ENDED:
            return "terminated"
        case _:
            return "early"


def _servers(account: Account) -> set[str]:
    """Hosts that speak for an account's server: by name, and where it is registered."""
    settings = account.settings
    hosts = set()
    for text in (settings.aor, settings.registrar, settings.outbound_proxy):
        if text:
            try:
                hosts.add(Uri.parse(text).host)
            except ProtocolError:
                continue
    if account.server is not None:
        hosts.add(account.server)
    return hosts


def _nothing() -> None:
    """Nobody listens yet."""

"""What users are told of each other: busy lamps, and what waits in their mailbox.

    SUBSCRIBE dialog            anybody's calls (RFC 4235), for whoever has a password
    SUBSCRIBE message-summary   one's own mailbox (RFC 3842): what was said to 615

Phones that did not subscribe to their mailbox are told all the same, unasked.
The tags a lamp is given are those of the PBX's own legs, so that a call that rings can
be picked up with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from platypus.pbx.bridge import first_hop
from platypus.sip.packages import dialog_info, message_summary
from platypus.sip.packages.dialog_info import DialogEntry, DialogInfo, DialogState
from platypus.sip.packages.message_summary import MessageSummary
from platypus.sip.session_state import SessionState
from platypus.sip.settings import AccountSettings

if TYPE_CHECKING:
    from platypus.pbx.bridge import Bridge
    from platypus.pbx.registrar import Binding
    from platypus.sip.dialog import Dialog
    from platypus.sip.session import Session
    from platypus.sip.user_agent import UserAgent
    from platypus.sip.watcher import Watcher

PACKAGES = ("dialog", "message-summary")

# What a lamp shows of a leg.
STATES: dict[SessionState, DialogState] = {
    SessionState.CALLING: "trying",
    SessionState.RINGING: "early",
    SessionState.ANSWERING: "confirmed",
    SessionState.CONFIRMED: "confirmed",
    SessionState.ENDED: "terminated",
}


class Watchers:
    """Who watches, and what they were told last. `uri` gives the address of a user."""

    def __init__(
        self, agent: UserAgent, now: Callable[[], float], uri: Callable[[str], str]
    ) -> None:
        self._agent = agent
        self._now = now
        self._uri = uri
        self._watched: dict[Watcher, str] = {}  # whom
        self._versions: dict[Watcher, int] = {}
        self._told: dict[Watcher, tuple[DialogEntry, ...]] = {}
        self._dialogs: dict[str, tuple[DialogEntry, ...]] = {}  # of each user who has any
        self._mailboxes: dict[str, int] = {}  # new messages

    def accept(self, watcher: Watcher, user: str) -> None:
        """Let somebody watch a user."""
        self._watched[watcher] = user
        self._versions[watcher] = 0
        watcher.accept(self._now())

    def forget(self, watcher: Watcher) -> None:
        """They are gone."""
        for known in (self._watched, self._versions, self._told):
            known.pop(watcher, None)

    def tell(self, watcher: Watcher) -> None:
        """Tell the whole state."""
        user = self._watched.get(watcher, "")
        if watcher.package == "dialog":
            self._told[watcher] = self._dialogs.get(user, ())
            content_type = dialog_info.CONTENT_TYPE
            watcher.notify(content_type, lambda: self._lamp(watcher, user), self._now())
        else:
            summary = self._summary(user).serialize()
            watcher.notify(message_summary.CONTENT_TYPE, lambda: summary, self._now())

    def update(self, sessions: Iterable[Session], bridges: Iterable[Bridge]) -> None:
        """The calls are now these: of extensions, and between users."""
        self._dialogs = {}
        for session in sessions:
            if session.request is not None and not session.ended:
                called = self._uri(session.request.uri.user or "")
                self._add(session.remote.uri.user, session, "initiator", called)
        for bridge in bridges:
            self._add_bridge(bridge)
        for watcher, user in tuple(self._watched.items()):
            if watcher.package == "dialog":
                known = self._dialogs.get(user, ())
                if self._told.get(watcher) != known:
                    self.tell(watcher)

    def recorded(self, user: str, bindings: Iterable[Binding]) -> None:
        """Somebody has said something to their mailbox."""
        self._mailboxes[user] = self._mailboxes.get(user, 0) + 1
        watching = [
            watcher
            for watcher, whom in self._watched.items()
            if whom == user and watcher.package == "message-summary"
        ]
        for watcher in watching:
            self.tell(watcher)
        if not watching:
            for binding in bindings:
                self._tell_unasked(user, binding)

    def _add_bridge(self, bridge: Bridge) -> None:
        caller, request = bridge.caller, bridge.caller.request
        if request is None:
            return
        calling, called = caller.remote.uri.user or "", request.uri.user or ""
        if not caller.ended:
            self._add(calling, caller, "initiator", self._uri(called))
        for phone in bridge.phones:
            if not phone.ended:
                self._add(called, phone, "recipient", self._uri(calling))

    def _add(
        self, user: str | None, session: Session, direction: dialog_info.Direction, peer: str
    ) -> None:
        """A leg of ours is the dialog of the user at its other end: tags change places."""
        entry = DialogEntry(
            id=session.id,
            state=STATES[session.state],
            call_id=session.call_id,
            local_tag=_remote_tag(session),
            remote_tag=session.local_tag,
            direction=direction,
            remote_identity=peer,
            remote_target=peer,
        )
        self._dialogs[user or ""] = (*self._dialogs.get(user or "", ()), entry)

    def _lamp(self, watcher: Watcher, user: str) -> bytes:
        version = self._versions.get(watcher, 0)
        if watcher in self._versions:
            self._versions[watcher] = version + 1
        dialogs = self._dialogs.get(user, ())[: dialog_info.MAX_DIALOGS]
        return DialogInfo(self._uri(user), version, True, dialogs).serialize()

    def _summary(self, user: str) -> MessageSummary:
        new = self._mailboxes.get(user, 0)
        return MessageSummary(new > 0, new, 0, self._uri(user))

    def _tell_unasked(self, user: str, binding: Binding) -> None:
        self._agent.request(
            "NOTIFY",
            str(binding.uri.without_headers()),
            account=AccountSettings(aor=self._uri(user), outbound_proxy=first_hop(binding)),
            headers=[("Event", "message-summary"), ("Subscription-State", "active")],
            body=self._summary(user).serialize(),
            content_type=message_summary.CONTENT_TYPE,
            now=self._now(),
        )


def _remote_tag(session: Session) -> str:
    """Of the phone at the other end; of a phone that only rings, its early dialog's."""
    dialog: Dialog | None = session.dialog
    if dialog is None and session.calling is not None:
        dialog = next(iter(session.calling.early_dialogs), None)
    return (dialog.remote if dialog is not None else session.remote).tag or ""

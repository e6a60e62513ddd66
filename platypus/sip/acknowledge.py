"""The end of an INVITE's handshake, outside transactions (RFC 3261, 13.2.2.4 and 13.3.1.4).

`Acknowledgement` is the caller's ACK for a 2xx, sent again whenever the 2xx comes
again. `Answer` is the callee's 2xx, sent again until the ACK is there. Neither
knows what the bodies say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from platypus.sip.build import via_value
from platypus.sip.keys import MAGIC_COOKIE
from platypus.sip.routing import Locator

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

_CREDENTIALS = ("Authorization", "Proxy-Authorization")


class Acknowledgement:
    """One ACK for a 2xx: composed once, sent as often as the 2xx comes."""

    __slots__ = ("_body", "_content_type", "_data", "_dialog", "_flow", "_invite", "_stack")

    def __init__(self, stack: Stack, dialog: Dialog, invite: Request) -> None:
        self._stack = stack
        self._dialog = dialog
        self._invite = invite
        self._body = b""
        self._content_type = ""
        self._data = b""
        self._flow: Flow | None = None

    def answer(self, body: bytes, content_type: str, now: float) -> None:
        """Send it with our answer to the offer in the 2xx."""
        self._body = body
        self._content_type = content_type
        self.start(now)

    def start(self, now: float) -> None:
        """Find the way, which is the dialog's and need not be the INVITE's, and send."""
        flow = self._dialog.known_flow
        if flow is not None:
            self.located(flow, now)
        else:
            Locator(self._stack, self._dialog.next_hop, self).start(now)

    def repeat(self) -> None:
        """The 2xx came again, so the ACK was lost (or is not sent yet)."""
        if self._flow is not None:
            self._stack.send(self._flow, self._data)

    def located(self, flow: Flow, now: float) -> None:
        """Compose and send."""
        dialog, invite = self._dialog, self._invite
        dialog.located = (dialog.next_hop, flow)
        via = via_value(flow, MAGIC_COOKIE + self._stack.token())
        ack = dialog.request("ACK", invite.cseq.number, via)
        # 22.1: an ACK can't be challenged, so it carries what its INVITE carried.
        for name in _CREDENTIALS:
            for value in invite.headers.get_all(name):
                ack.headers.add(name, value)
        if self._body:
            ack.headers.set("Content-Type", self._content_type)
            ack.body = self._body
        self._flow = flow
        self._data = ack.serialize()
        self._stack.send(flow, self._data)

    def not_located(self, reason: str, now: float) -> None:
        """The peer will miss the ACK and hang up by itself; there is nobody to tell here."""


class AnswerUser(Protocol):
    """Whoever answered an INVITE with a 2xx."""

    def never_acknowledged(self, answer: Answer, now: float) -> None:
        """No ACK came within 64*T1 (13.3.1.4)."""


class Answer:
    """A 2xx to INVITE, repeated from T1 to T2 until acknowledged, over any transport."""

    __slots__ = ("_data", "_deadline", "_interval", "_stack", "_timer", "_transaction", "_user",
                 "cseq", "is_offer")  # fmt: skip

    def __init__(
        self,
        stack: Stack,
        transaction: ServerTransaction,
        data: bytes,
        user: AnswerUser,
        *,
        cseq: int,
        is_offer: bool,
    ) -> None:
        self._stack = stack
        self._transaction = transaction
        self._data = data
        self._user = user
        self._interval = stack.settings.t1
        self._deadline = 0.0
        self._timer: Timer | None = None
        self.cseq = cseq
        self.is_offer = is_offer  # the answer to it comes in the ACK

    def start(self, now: float) -> None:
        """Send it through its transaction, then repeat it."""
        self._deadline = now + 64 * self._stack.settings.t1
        self._transaction.respond(200, self._data, now)
        self._timer = self._stack.timers.start(now + self._interval, self._repeat)

    def stop(self) -> None:
        """The ACK came, or nobody cares any more."""
        if self._timer is not None:
            self._timer.stop()

    def _repeat(self, now: float) -> None:
        if now >= self._deadline:
            self._user.never_acknowledged(self, now)
            return
        self._stack.send(self._transaction.flow, self._data)
        self._interval = min(self._interval * 2, self._stack.settings.t2)
        due = min(now + self._interval, self._deadline)
        self._timer = self._stack.timers.start(due, self._repeat)

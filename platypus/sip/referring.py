"""Asking the peer of a call to call somebody else: the sender of a REFER (RFC 3515, 2.4).

The REFER makes a subscription in the call's dialog, by whose NOTIFYs the peer says
how far its new call has come. It lives on when the peer ends the first call early,
as many do. With `Refer-Sub: false` (RFC 4488) there is none, and nothing is told
but that the peer agreed. What becomes of the first call is the user's matter.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from platypus.sip.build import reason_phrase
from platypus.sip.event_headers import EventType, SubscriptionState
from platypus.sip.events import ReferProgressed
from platypus.sip.grammar import MAX_CSEQ, parse_number
from platypus.sip.requesting import InDialog
from platypus.sip.responding import contact_for
from platypus.sip.sipfrag import CONTENT_TYPE, parse_sipfrag

if TYPE_CHECKING:
    from platypus.sip.dialog import Dialog
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.session import Session
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

# A notifier that names no duration, or an absurd one: how long a phone may ring is all it takes.
LONGEST = 600.0
DEFAULT_EXPIRES = 180.0

_TIMEOUT = 408


class ReferringState(StrEnum):
    """How far our REFER has come.

    state      input                           next
    --------   -----------------------------   --------------------------------
    SENT       2xx                             ACCEPTED, timer N (RFC 6665)
    SENT       2xx with Refer-Sub: false       OVER, told with that status
    SENT       anything else, or no answer     OVER, told with its status or 408
    SENT       NOTIFY (it overtook the 2xx)    ACCEPTED
    ACCEPTED   NOTIFY of 1xx                   ACCEPTED, told; its expiry
    ACCEPTED   NOTIFY of a final status        OVER, told
    ACCEPTED   NOTIFY, terminated              OVER, told with the last status
    ACCEPTED   no NOTIFY in time               OVER, told with 408
    any        our side hangs up               OVER, not told
    """

    SENT = "sent"
    ACCEPTED = "accepted"
    OVER = "over"


class Referring:
    """One REFER of ours in the dialog of `session`, and its subscription."""

    def __init__(
        self, session: Session, dialog: Dialog, refer_to: str, *, referred_by: str, subscribe: bool
    ) -> None:
        self.session = session
        self.state = ReferringState.SENT
        self._stack = session.stack
        self._key = (dialog.call_id, dialog.local.tag or "")
        self._dialog = dialog
        self._subscribe = subscribe
        self._first = dialog.local_cseq + 1  # the subscription's id is a CSeq of ours from here on
        self._last = (100, "")  # what the newest NOTIFY said
        self._timer: Timer | None = None
        fields = [("Refer-To", refer_to), ("Referred-By", referred_by)]
        if session.flow is not None:
            fields.append(("Contact", contact_for(session, session.flow)))
        if not subscribe:
            fields += [("Refer-Sub", "false"), ("Supported", "norefersub")]
        fields.append(("User-Agent", self._stack.settings.user_agent))
        self._request = InDialog(
            self._stack, dialog, "REFER", self, digest=session.digest, headers=fields
        )

    @property
    def over(self) -> bool:
        return self.state is ReferringState.OVER

    def start(self, now: float) -> None:
        """Send it. NOTIFYs may come before its answer."""
        self._stack.referrings[self._key] = self
        self._request.start(now)

    def stop(self) -> None:
        """Nobody wants to know any more."""
        self.state = ReferringState.OVER
        self._request.attempts.stop()
        if self._timer is not None:
            self._timer.stop()
        if self._stack.referrings.get(self._key) is self:
            del self._stack.referrings[self._key]

    def receive_response(self, response: Response, now: float) -> None:
        """The answer to the REFER."""
        if response.status < 200 or self.state is ReferringState.OVER:
            return
        if response.status >= 300:
            self._over(response.status, response.reason, now)
            return
        declined = (response.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower()
        if not self._subscribe and declined == "false":
            self._over(response.status, response.reason, now)
        elif self.state is ReferringState.SENT:
            self.state = ReferringState.ACCEPTED
            self._wait(64 * self._stack.settings.t1, now)  # RFC 6665, 4.1.2.4: timer N

    def request_failed(self, reason: str, now: float) -> None:
        """No answer to the REFER."""
        if self.state is ReferringState.SENT:
            self._over(_TIMEOUT, reason, now)

    def takes(self, request: Request) -> bool:
        """Whether a NOTIFY is of this subscription (RFC 3515, 2.4.6)."""
        event = EventType.of(request)
        if event.package != "refer" or not self._is_from_peer(request):
            return False
        number = parse_number(event.id, MAX_CSEQ)
        return number is None or number >= self._first

    def receive_notify(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A NOTIFY of this subscription."""
        if not self._dialog.in_order(request):
            transaction.answer(500, now)  # RFC 3261, 12.2.2
            return
        found = parse_sipfrag(request.body) if request.content_type == CONTENT_TYPE else None
        transaction.answer(200, now)
        subscription = SubscriptionState.of(request)
        expires = subscription.expires
        if found is not None:
            self._last = found
        status, reason = self._last
        if subscription.state == "terminated" or expires == 0 or status >= 200:
            self._over(status, reason, now)
            return
        self.state = ReferringState.ACCEPTED
        self._wait(min(expires or DEFAULT_EXPIRES, LONGEST), now)
        if found is not None:
            self._tell(status, reason, done=False)

    def _is_from_peer(self, request: Request) -> bool:
        return (request.from_.tag or "") == (self._dialog.remote.tag or "")

    def _wait(self, seconds: float, now: float) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._stack.timers.start(now + seconds, self._too_silent)

    def _too_silent(self, now: float) -> None:
        self._over(_TIMEOUT, "the other side said no more of the transfer", now)

    def _over(self, status: int, reason: str, now: float) -> None:
        self.stop()
        self._tell(status, reason, done=True)

    def _tell(self, status: int, reason: str, *, done: bool) -> None:
        words = reason or reason_phrase(status)
        self._stack.emit(ReferProgressed(self.session, status, words, done))


def receive_notify(
    stack: Stack, transaction: ServerTransaction, request: Request, now: float
) -> bool:
    """Whether a NOTIFY was for a REFER of ours; its call may be over already (RFC 5057, 4.1)."""
    if request.method != "NOTIFY":
        return False
    referring = stack.referrings.get((request.call_id, request.to.tag or ""))
    if referring is None or not referring.takes(request):
        return False
    referring.receive_notify(transaction, request, now)
    return True

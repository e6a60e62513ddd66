"""One dialog of a subscription: one notifier that tells us things (RFC 6665, 4.1.2, 4.4).

It is refreshed before it ends, and over when its notifier says so, forgets it (481)
or lets it expire. What is done about that is the subscription's matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.dialog import Dialog
from platypus.sip.event_headers import SubscriptionState
from platypus.sip.requesting import InDialog

if TYPE_CHECKING:
    from platypus.sip.events import SubscriptionStatus
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.subscription import Subscription
    from platypus.sip.timers import Timer

REFRESH_MARGIN = 40.0  # a refresh that nobody answers is over after 32 s
# A notifier that never sends its whole state must not keep us asking in a loop.
REFETCH_INTERVAL = 2.0
RETRY = 5.0  # after a refresh that failed, while the subscription still lasts
# RFC 5057, 5.1 and RFC 6665, 4.1.2.2: refusals of a refresh that end the dialog, or its use.
ENDING = frozenset((404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604))


class Leg:
    """What one notifier and we have agreed on."""

    def __init__(
        self, subscription: Subscription, request: Request, local_tag: str, flow: Flow, cseq: int
    ) -> None:
        self.tag = request.from_.tag or ""
        self.state: SubscriptionStatus = "subscribing"
        self.dialog = Dialog.from_request(request, local_tag, flow)
        self.dialog.local_cseq = cseq
        self.since = 0.0  # of the first NOTIFY
        self._subscription = subscription
        self._timers = subscription.stack.timers
        self._expires_at: float | None = None
        self._expiry: Timer | None = None
        self._refresh: Timer | None = None
        self._request: InDialog | None = None  # a SUBSCRIBE on its way
        self._sent_at = float("-inf")
        self._again = False  # something was asked for while one was on its way
        self._leaving = False

    def receive(self, state: SubscriptionState, request: Request, now: float) -> None:
        """A NOTIFY that was answered."""
        self.since = self.since or now
        self.dialog.refresh_target(request.contacts)
        if state.state == "terminated":
            self._end(state, now)
            return
        if self._subscription.is_fetch:
            self._end(SubscriptionState("terminated"), now)  # 4.4.3: it should have said so
            return
        self.state = state.state
        if state.expires is not None:
            self._lasts_until(now + state.expires, now)
        elif self._expires_at is None:
            asked = now + max(self._subscription.expires, 1)
            self._lasts_until(max(self._subscription.lasts_until or asked, now), now)
        self._subscription.leg_changed(self.state)
        if not self._subscription.wanted:
            self.leave(now)

    def granted(self, expires: int, sent_at: float, now: float) -> None:
        """A 2xx to a SUBSCRIBE says how long this lasts."""
        self._lasts_until(max(sent_at + expires, now), now)

    def refresh(self, now: float) -> None:
        """Subscribe again within the dialog, which also brings the whole state."""
        if self._request is not None:
            self._again = True
            return
        self._stop_refresh()
        subscription = self._subscription
        expires = 0 if self._leaving else subscription.expires
        self._sent_at = now
        self._request = InDialog(
            subscription.stack,
            self.dialog,
            "SUBSCRIBE",
            self,
            digest=subscription.digest,
            headers=[*subscription.fields, ("Expires", str(expires))],
            contact=subscription.contact,
        )
        self._request.start(now)

    def refetch(self, now: float) -> None:
        """Subscribe again for the whole state, now or as soon as it would be no nuisance."""
        due = self._sent_at + REFETCH_INTERVAL
        if now >= due:
            self.refresh(now)
        elif self._request is None and not self._leaving:
            self._stop_refresh()
            self._refresh = self._timers.start(due, self.refresh)

    def leave(self, now: float) -> None:
        """Not wanted any more (4.1.2.3): the last NOTIFY is waited for, but not for ever."""
        if self._leaving:
            return
        self._leaving = True
        self.refresh(now)
        self._stop_expiry()
        wait = 64 * self._subscription.stack.settings.t1
        self._expiry = self._timers.start(now + wait, self._expired)

    def stop(self) -> None:
        """Nothing more is to happen here."""
        self._stop_refresh()
        self._stop_expiry()
        if self._request is not None:
            self._request.attempts.stop()
            self._request = None

    def receive_response(self, response: Response, now: float) -> None:
        """What came of a SUBSCRIBE inside the dialog."""
        if response.status < 200 or self._request is None:
            return
        problem = self._request.attempts.problem
        self._request = None
        status = response.status
        if status < 300:
            self.dialog.refresh_target(response.contacts)
            if not self._leaving:
                self.granted(self._subscription.granted(response), self._sent_at, now)
            self._catch_up(now)
        elif self._leaving:
            self._end(SubscriptionState("terminated"), now)
        elif status == 423 and self._subscription.ask_longer(response):
            self.refresh(now)
        elif status == 481:
            self._end(SubscriptionState("terminated", reason="deactivated"), now)
        elif status in ENDING or status in (401, 403, 407):
            self._refused(response, problem, now)
        else:
            self._try_later(now)

    def request_failed(self, reason: str, now: float) -> None:
        """Nobody answered; the subscription lasts as long as was granted (4.1.2.2)."""
        if self._request is None:
            return  # stopped meanwhile
        nowhere = self._request.attempts.flow is None
        self._request = None
        if self._leaving:
            self._end(SubscriptionState("terminated"), now)
        elif nowhere and self._subscription.detour is not None:
            # Its route is of a network that we have left (of IPv4, say); our server is of this.
            self._end(SubscriptionState("terminated", reason="deactivated"), now)
        else:
            self._try_later(now)

    def _refused(self, response: Response, problem: str, now: float) -> None:
        subscription = self._subscription
        if len(subscription.legs) > 1:
            self._end(SubscriptionState("terminated", reason="noresource"), now)
        else:
            subscription.refused(response, problem, now)

    def _catch_up(self, now: float) -> None:
        if self._again:
            self._again = False
            self.refresh(now)

    def _try_later(self, now: float) -> None:
        self._again = False
        self._stop_refresh()
        self._refresh = self._timers.start(now + RETRY, self.refresh)

    def _lasts_until(self, when: float, now: float) -> None:
        if self._leaving or self._subscription.is_fetch:
            return
        self._stop_expiry()
        self._expires_at = when
        self._expiry = self._timers.start(when, self._expired)
        self._stop_refresh()
        if self._request is None:
            lasts = when - now
            due = now + max(lasts / 2, lasts - REFRESH_MARGIN)
            self._refresh = self._timers.start(due, self.refresh)

    def _expired(self, now: float) -> None:
        self._expiry = None
        self._end(SubscriptionState("terminated", reason="timeout"), now)

    def _end(self, last: SubscriptionState, now: float) -> None:
        self.stop()
        self._subscription.leg_ended(self, last, now)

    def _stop_refresh(self) -> None:
        if self._refresh is not None:
            self._refresh.stop()
            self._refresh = None

    def _stop_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.stop()
            self._expiry = None

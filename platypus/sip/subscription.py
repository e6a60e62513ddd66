"""Subscriptions of ours to somebody's state (RFC 6665, section 4.1).

One `Subscription` is what the user wants to know; each notifier that answers makes a
dialog of its own, a `subscription_leg.Leg`. What the bodies say is not known here.
A subscription that was lost is made again: at once where the notifier asks for it,
later where it failed, never where it was refused for good. Where there is no way from here but
to the server we are registered at, it goes by that one, as calls do that move (`reinviting`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.build import own_address, reason_phrase
from platypus.sip.event_headers import (
    EventType,
    Package,
    SubscriptionState,
    min_expires,
    retry_after,
)
from platypus.sip.events import NotificationReceived, SubscriptionChanged, SubscriptionStatus
from platypus.sip.preloaded import route_for
from platypus.sip.requesting import Attempts, out_of_dialog
from platypus.sip.subscription_leg import Leg

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.headers import NameAddr
    from platypus.sip.message import Request, Response
    from platypus.sip.server_transaction import ServerTransaction
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer
    from platypus.sip.uri import Uri

FIRST_RETRY = 4.0
LONGEST_RETRY = 300.0
MAX_TOO_BRIEF = 3  # 423s in a row
# One that ends sooner was no success: a notifier that says "again, at once" is not hurried for it.
LASTING = 60.0
MAX_LEGS = 8  # notifiers behind one address; more are refused

# Asking again changes nothing, unless a Retry-After says otherwise.
FINAL = frozenset((400, 401, 403, 405, 407, 410, 414, 415, 416, 420, 489, 501, 505, 603, 604, 606))
# RFC 6665, 4.1.3: what a notifier that ends a subscription says of trying again.
NEVER_AGAIN = frozenset(("rejected", "noresource", "invariant"))
AT_ONCE = frozenset(("deactivated", "timeout"))


class Subscription:
    """What we want to know of one address.

    state         meaning
    -----------   ----------------------------------------------------------
    subscribing   SUBSCRIBE on its way, or taken and no NOTIFY yet
    pending       a notifier has it, and has yet to decide
    active        a notifier tells us what happens
    failed        refused, unanswered or lost; tried again if `retry_in` was told
    terminated    over: not wanted any more, or fetched
    """

    def __init__(
        self,
        stack: Stack,
        target: Uri,
        package: Package,
        *,
        local: NameAddr,
        contact_user: str,
        account: AccountSettings | None,
        expires: int,
    ) -> None:
        self.stack = stack
        self.package = package
        self.account = account
        self.target = target
        self.state: SubscriptionStatus = "subscribing"
        self.legs: dict[str, Leg] = {}  # by the notifier's tag
        self.expires = expires  # asked for; 423 raises it, 0 fetches
        self.digest = stack.digest_for(account)
        self._local = local
        self._contact_user = contact_user
        self._route: list[str] = []
        self._wanted = True
        self._attempts: Attempts | None = None
        self._call_id = ""
        self._tag = ""
        self._cseq = 0
        self._sent_at = 0.0
        self.lasts_until: float | None = None  # by the 2xx, for a NOTIFY that does not say
        self._timer: Timer | None = None  # timer N, or the wait before another attempt
        self._failures = 0
        self._too_brief = 0
        self._detoured = False

    @property
    def wanted(self) -> bool:
        """Whether it is to be kept; not while it is being removed."""
        return self._wanted

    @property
    def is_fetch(self) -> bool:
        """Whether the state is asked for once (RFC 6665, 4.4.3)."""
        return self.expires == 0

    def start(self, now: float) -> None:
        """SUBSCRIBE, in a dialog yet to be made."""
        self._stop_timer()
        self._forget()
        self._detoured = False
        self._call_id = self.stack.token() + self.stack.token()
        self._tag = self.stack.token()
        self.stack.usages[self._call_id, self._tag] = self
        self._send(now)

    def refetch(self, tag: str, now: float) -> None:
        """Ask one notifier, by its tag, for its whole state: something of it was missed."""
        leg = self.legs.get(tag)
        if leg is not None:
            leg.refetch(now)

    def unsubscribe(self, now: float) -> None:
        """It is not wanted any more; `terminated` tells when it is gone."""
        if not self._wanted:
            return
        self._wanted = False
        self._stop_timer()
        if self.legs:
            for leg in tuple(self.legs.values()):
                leg.leave(now)
        elif self._attempts is None:
            self._over()
        else:
            self._wait_for_notify(now)  # a notifier that took it is told with its first NOTIFY

    def close(self) -> None:
        """Stop everything without a word."""
        self._wanted = False
        self._stop_timer()
        self._forget()

    def build(self, flow: Flow, via: str, now: float) -> Request:
        """The first SUBSCRIBE (4.1.2.1)."""
        self._sent_at = now
        if self.account is None:
            self._local = own_address(flow, self._contact_user)
        request = out_of_dialog(
            "SUBSCRIBE",
            self.target,
            via,
            from_=str(self._local.with_tag(self._tag)),
            to=f"<{self.target}>",
            call_id=self._call_id,
            cseq=self.next_cseq(),
        )
        for uri in self._route:
            request.headers.add("Route", f"<{uri}>")
        request.headers.add("Contact", self.contact(flow))
        for name, value in self.fields:
            request.headers.add(name, value)
        request.headers.add("Expires", str(self.expires))
        return request

    def contact(self, flow: Flow) -> str:
        """Where we are to be told."""
        secure = self.target.scheme == "sips"
        return self.stack.seen.contact(flow, self._contact_user, secure=secure)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What every SUBSCRIBE of this subscription says."""
        return [
            ("Event", self.package.name),
            ("Accept", self.package.accept),
            ("Allow", self.stack.allow),
            ("User-Agent", self.stack.settings.user_agent),
        ]

    def next_cseq(self) -> int:
        """The number of another attempt; the legs go on from there."""
        self._cseq += 1
        return self._cseq

    def receive_response(self, response: Response, now: float) -> None:
        """What came of the first SUBSCRIBE; a NOTIFY may have been faster."""
        if response.status < 200 or self._attempts is None:
            return
        problem = self._attempts.problem
        self._attempts = None
        if response.status < 300:
            self._too_brief = 0
            granted = self.granted(response)
            self.lasts_until = self._sent_at + granted
            for leg in tuple(self.legs.values()):
                leg.granted(granted, self._sent_at, now)
            if not self.legs and self._call_id:
                self._wait_for_notify(now)
        elif not self._wanted:
            self._over()
        elif response.status == 423 and self.ask_longer(response):
            self._send(now)
        elif response.status < 400 and response.contacts and self._follow(response, now):
            pass
        else:
            self.refused(response, problem, now)

    @property
    def detour(self) -> str | None:
        """The server of our account, while that one knows us: there is a way to it."""
        for registration in self.stack.registrations:
            if registration.account == self.account and registration.state == "registered":
                return registration.account.server
        return None

    def request_failed(self, reason: str, now: float) -> None:
        """Nobody answered, or nobody could be asked."""
        nowhere = self._attempts is not None and self._attempts.flow is None
        self._attempts = None
        server = self.detour if nowhere and not self._detoured else None
        if self._wanted and server is not None:
            self._detoured = True
            self._send(now, server)
        elif self._wanted:
            self._fail(None, f"it can't be reached: {reason}", self._backoff(), now)
        else:
            self._over()

    def granted(self, response: Response) -> int:
        """How long a 2xx says it lasts; without a word, what was asked for."""
        expires = response.expires
        return self.expires if expires is None else min(expires, max(self.expires, 1))

    def ask_longer(self, response: Response) -> bool:
        """423 Interval Too Brief (4.1.2.1): whether there is something else to ask for."""
        self._too_brief += 1
        minimum = min_expires(response)
        if minimum <= self.expires or self._too_brief > MAX_TOO_BRIEF or self.is_fetch:
            return False
        self.expires = minimum
        return True

    def flow_lost(self, flow: Flow) -> None:
        """What is asked next finds another way."""
        for leg in self.legs.values():
            leg.dialog.flow_lost(flow)

    def receive_request(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        """A request with our tag: only a NOTIFY has any business here."""
        if request.method != "NOTIFY" or EventType.of(request).package != self.package.name:
            transaction.answer(481, now)
            return
        tag = request.from_.tag or ""
        leg = self.legs.get(tag)
        if leg is None:
            full = len(self.legs) >= MAX_LEGS or (self.legs and not self.package.forks)
            if full or not self._tag:
                transaction.answer(481, now)
                return
            # 4.4.1: the NOTIFY makes the dialog, whether the 200 was here or not.
            leg = self.legs[tag] = Leg(self, request, self._tag, flow, self._cseq)
            self._stop_timer()
        elif not leg.dialog.in_order(request):
            transaction.answer(500, now)
            return
        if not self._is_readable(request):
            transaction.answer(415, now, [("Accept", self.package.accept)])
        else:
            transaction.answer(200, now)
            self.stack.emit(NotificationReceived(self, self.package.name, request, tag))
        leg.receive(SubscriptionState.of(request), request, now)

    def leg_changed(self, state: SubscriptionStatus) -> None:
        """A notifier says how it stands: one that tells something is enough."""
        if not self._wanted:
            return
        active = state == "active" or any(leg.state == "active" for leg in self.legs.values())
        self._change("active" if active else state)

    def leg_ended(self, leg: Leg, last: SubscriptionState, now: float) -> None:
        """A notifier is gone; with the last of them the subscription."""
        self.legs.pop(leg.tag, None)
        if self.legs:
            return
        if not self._wanted or self.is_fetch:
            self._over()
            return
        if now - leg.since >= LASTING:
            self._failures = 0
        self._again(last, now)

    def refused(self, response: Response, problem: str, now: float) -> None:
        """A refusal, of the first SUBSCRIBE or of a refresh that ends it all."""
        status = response.status
        wait = retry_after(response)
        if status == 423 or (status in FINAL and wait is None):
            retry_in = None
        else:
            retry_in = self._backoff() if wait is None else max(wait, 1.0)
        reason = f"{status} {response.reason or reason_phrase(status)}"
        if status in (401, 407):
            reason += f": {problem}"
        elif status == 489:
            reason += f": it knows nothing of {self.package.name}"
        self._fail(status, reason, retry_in, now)

    def _again(self, last: SubscriptionState, now: float) -> None:
        reason = f"the subscription ended: {last.reason or 'no reason given'}"
        if last.reason in NEVER_AGAIN:
            self._fail(None, reason, None, now)
            return
        if last.reason in AT_ONCE or last.retry_after is None:
            probation = last.reason in ("probation", "giveup")
            retry_in = self._backoff() if self._failures or probation else 0.0
        else:
            retry_in = last.retry_after
        if retry_in > 0:
            self._fail(None, reason, retry_in, now)
        else:
            self._failures += 1
            self._change("subscribing")
            self.start(now)

    def _send(self, now: float, server: str | None = None) -> None:
        self._route = route_for(self.stack, self.account, self.target)
        first = self._route[0] if self._route else str(self.target)
        self._attempts = Attempts(self.stack, server or first, self, self.digest)
        self._attempts.start(now)

    def _follow(self, response: Response, now: float) -> bool:
        """A 3xx names somebody else to ask, this once."""
        uri = response.contacts[0].uri.without_headers()
        self._failures += 1
        if not uri.is_sip or self._failures > self.stack.settings.max_redirects:
            return False
        self.target = uri
        self._send(now)
        return True

    def _wait_for_notify(self, now: float) -> None:
        """Timer N (4.1.2.4)."""
        self._stop_timer()
        wait = 64 * self.stack.settings.t1
        self._timer = self.stack.timers.start(now + wait, self._no_notify)

    def _no_notify(self, now: float) -> None:
        self._timer = None
        if self._wanted and not self.is_fetch:
            self._fail(None, "it was taken, and no NOTIFY came", self._backoff(), now)
        elif self._wanted:
            self._fail(None, "no NOTIFY came", None, now)
        else:
            self._over()

    def _is_readable(self, request: Request) -> bool:
        if not request.body:
            return True
        encoding = (request.headers.get("Content-Encoding") or "identity").lower()
        return request.content_type == self.package.accept and encoding == "identity"

    def _fail(self, code: int | None, reason: str, retry_in: float | None, now: float) -> None:
        self._stop_timer()
        self._forget()
        self._failures += 1
        if retry_in is not None:
            self._timer = self.stack.timers.start(now + retry_in, self._retry)
        self._change("failed", code, reason, retry_in)

    def _retry(self, now: float) -> None:
        self._timer = None
        self._change("subscribing")
        self.start(now)

    def _backoff(self) -> float:
        """Doubling, and spread so that phones don't come back in step."""
        longest = min(FIRST_RETRY * 2.0 ** min(self._failures, 16), LONGEST_RETRY)
        return self.stack.uniform(longest / 2, longest)

    def _forget(self) -> None:
        """No NOTIFY is for us any more, nor an answer on its way."""
        if self._attempts is not None:
            self._attempts.abandon()
            self._attempts = None
        self.stack.usages.pop((self._call_id, self._tag), None)
        self._call_id = self._tag = ""
        self.lasts_until = None
        self._cseq = 0
        for leg in self.legs.values():
            leg.stop()
        self.legs.clear()

    def _over(self) -> None:
        self._wanted = False
        self._stop_timer()
        self._forget()
        self._change("terminated")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _change(
        self,
        state: SubscriptionStatus,
        code: int | None = None,
        reason: str = "",
        retry_in: float | None = None,
    ) -> None:
        if state == self.state and state != "failed":
            return
        self.state = state
        self.stack.emit(SubscriptionChanged(self, state, code, reason, retry_in))

"""A registration (RFC 3261, section 10.2; failed flows and retries as in RFC 5626, 4.4 and 4.5).

The state is the truth at every moment: `registered` begins with a 200 that lists
our Contact and ends at the latest when the time granted there is over, counted
from when the REGISTER was sent. Whoever refuses our credentials is not asked
again with the same ones. What a REGISTER says is `register_request`'s, what our Contact says
`binding`'s, whether the server still knows us `vouching`'s; resolving, challenges and other
hops are `requesting`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.backoff import Backoff
from platypus.sip.binding import FIRST_HOP_LACKS_OUTBOUND, Binding
from platypus.sip.events import RegistrationChanged, RegistrationState
from platypus.sip.grammar import parse_number
from platypus.sip.refusals import OF_CREDENTIALS, why_refused
from platypus.sip.register_request import RegisterRequests
from platypus.sip.requesting import Attempts
from platypus.sip.uri import Uri
from platypus.sip.vouching import Vouching

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Request, Response
    from platypus.sip.settings import AccountSettings
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

# A refresh that nobody answers is over (64*T1 = 32 s) and retried before the binding expires.
REFRESH_MARGIN = 40.0
# A switch that comes back brings a whole office with it.
HURRY_SPREAD = 1.0
SETTLED = 2.0  # an attempt older than this may have been made for the network of before
# RFC 3261, 10.2.8: a registrar that asks for longer and longer intervals is not followed for ever.
MAX_TOO_BRIEF = 3


class Registration:
    """The binding of one account's address of record to this user agent.

    state          meaning
    ------------   ----------------------------------------------------------
    unregistered   not wanted, or removed
    registering    the first REGISTER, or one after a failure, is on its way
    registered     bound until `expires_at`; a refresh may be on its way
    failed         refused, unanswered or expired; `reason` says which
    """

    def __init__(self, stack: Stack, account: AccountSettings) -> None:
        self.account = account
        self.state: RegistrationState = "unregistered"
        self.expires_at: float | None = None
        self.contact: str | None = None
        self.flow: Flow | None = None  # by which the last REGISTER went
        self.code: int | None = None
        self.reason = ""
        self._stack = stack
        self._aor = Uri.parse(account.aor)
        self._requests = RegisterRequests(stack, account, self._aor)
        self._target = self._requests.registrar  # another one while a 3xx is followed
        self.digest = stack.new_digest(account)
        self._wanted = False
        self._bound = False  # whether a binding may exist that we have not seen removed
        self._attempts: Attempts | None = None
        self._expires = account.expires  # asked for; 423 raises it
        self._asked = 0  # in the REGISTER on its way
        self._sent_at = 0.0
        self._began = 0.0  # the attempts of now
        self._binding = Binding(stack, self._aor, user=self.user, instance=account.instance_id)
        self._backoff = Backoff(stack)
        self._vouching = Vouching(stack, self.refresh)
        self._too_brief = 0
        self._redirects = 0
        self._refresh_timer: Timer | None = None
        self._expiry_timer: Timer | None = None

    @property
    def user(self) -> str:
        """The user part of our Contact, by which incoming requests are known."""
        return self.account.contact_user or self._aor.user or self._stack.settings.default_user

    def is_aor(self, uri: Uri) -> bool:
        """Whether `uri` is this account's address of record, whatever its parameters."""
        ours = self._aor
        return uri.user == ours.user and uri.host.lower() == ours.host.lower()

    @property
    def flow_timer(self) -> int | None:
        """How often the registrar wants a keep-alive, in seconds (RFC 5626, 4.4.1)."""
        return self._binding.flow_timer

    def register(self, now: float) -> None:
        """Register, or try again after a refusal: the only way the same credentials go again."""
        if self.digest is not None:
            self.digest.reset()
        self._backoff.reset()
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """Register now instead of when it is due; nothing if a REGISTER is on its way."""
        self._wanted = True
        if self._attempts is None:
            self._send(now)

    def unregister(self, now: float) -> None:
        """Remove the binding; a REGISTER on its way is awaited first (10.2)."""
        self._wanted = False
        self._stop_refreshing()
        if self._attempts is not None:
            if self._bound:
                return
            self._attempts.stop()  # still looking for the registrar: nothing was sent
            self._attempts = None
        if self._bound:
            self._send(now)
        else:
            self._gone("")

    def flow_lost(self, flow: Flow, reason: str, now: float) -> None:
        """The way we registered by is no more: nobody reaches us until we are back."""
        if flow != self.flow or self.state != "registered":
            return
        self.flow = None
        self._stop_expiry()
        self._stop_refreshing()
        self._change("failed", reason=reason, retry_in=0.0)
        self.refresh(now)

    def refused(self, flow: Flow, now: float) -> None:
        """A datagram to the registrar was refused: it may be gone, and know nothing when back."""
        if flow == self.flow and self.state == "registered" and self._wanted:
            self.refresh(now)

    def doubt(self, flow: Flow, now: float) -> None:
        """Whoever is at the other end of `flow` was silent, or knows less than it should."""
        if flow == self.flow and self.state == "registered" and self._wanted:
            self._vouching.doubt(now)

    def heard(self, flow: Flow, now: float) -> None:
        """A request to our Contact came by `flow`: there is a binding."""
        if flow == self.flow:
            self._vouching.heard(now)

    def hurry(self, now: float) -> None:
        """The network is another one, or back: do soon what would be done later.

        Not what waits for the user: the same credentials are not refused twice.
        """
        waits = self._refresh_timer is not None or self._attempts is not None
        fresh = self._attempts is not None and now - self._began < SETTLED
        if not self._wanted or not waits or fresh:
            return
        if self._attempts is not None:
            self._attempts.abandon()
            self._attempts = None
        self._stop_refreshing()
        soon = now + self._stack.uniform(0, HURRY_SPREAD)
        self._refresh_timer = self._stack.timers.start(soon, self.refresh)

    def close(self) -> None:
        """Stop everything without a word: the user agent forgets this registration."""
        self._stop_refreshing()
        self._stop_expiry()
        if self._attempts is not None:
            self._attempts.abandon()
            self._attempts = None

    def _send(self, now: float, registrar: Uri | None = None) -> None:
        self._stop_refreshing()
        target = registrar or self._requests.registrar
        self._target = target
        next_hop = self.account.outbound_proxy or str(target)
        self._attempts = Attempts(self._stack, next_hop, self, self.digest)
        self._began = now
        if self._wanted and self.state != "registered":
            self._change("registering")
        self._attempts.start(now)

    def build(self, flow: Flow, via: str, now: float) -> Request:
        """The REGISTER for this flow."""
        self.flow = flow
        self._sent_at = now
        self._bound = True
        self._asked = self._expires if self._wanted else 0
        return self._requests.build(self._target, self._binding, flow, via, self._asked, now)

    def next_cseq(self) -> int:
        """The number of the next REGISTER."""
        return self._requests.next_cseq()

    def receive_response(self, response: Response, now: float) -> None:
        """The registrar's word."""
        status = response.status
        if status < 200 or self._attempts is None:
            return
        problem = self._attempts.problem
        self._attempts = None
        if status < 300:
            self._granted(response, now)
        elif not self._wanted and self._asked == 0:
            self._gone(f"the registrar answered {status} {response.reason} to the removal")
        elif (status == 423 and self._ask_longer(response)) or (
            status == FIRST_HOP_LACKS_OUTBOUND and self._binding.without_flows()
        ):
            self._send(now)
        elif status < 400 and self._follow(response, now):
            pass
        else:
            reason = why_refused(self.account, response, problem)
            again = None if status in OF_CREDENTIALS else self._backoff.delay_after(response)
            self._failed(status, reason, again, now)

    def request_failed(self, reason: str, now: float) -> None:
        """No registrar could be reached, or none answered."""
        self._attempts = None
        if not self._wanted and self._asked == 0:
            self._gone(f"the registrar did not confirm the removal: {reason}")
        else:
            reason = f"the registrar can't be reached: {reason}"
            self._failed(None, reason, self._backoff.delay(), now)

    def _granted(self, response: Response, now: float) -> None:
        self._backoff.reset()
        self._too_brief = self._redirects = 0
        if self._asked == 0:
            self._bound = False
            self._binding.gone()
            if self._wanted:
                self._send(now)
            else:
                self._gone("")
            return
        expires = self._binding.granted(response, self._asked)
        if not self._wanted:
            self._send(now)
        elif expires <= 0 or self._sent_at + expires <= now:
            self._failed(
                response.status, "the registrar keeps no binding", self._backoff.delay(), now
            )
        else:
            self._stop_expiry()
            self._stack.service_routes.take(self.account, response)
            self.expires_at = self._sent_at + expires
            timers = self._stack.timers
            self._expiry_timer = timers.start(self.expires_at, self._expired)
            due = self._sent_at + max(expires / 2, expires - REFRESH_MARGIN)
            self._refresh_timer = timers.start(max(due, now), self.refresh)
            if self.state != "registered":
                self._stack.moves.hurry(now)  # there is a way to our server again
            self._change("registered", expires=expires, contact=str(self._binding.uri))
            if self.flow is None:
                return
            self._vouching.confirmed(self.flow, now)
            if self._binding.held(self.expires_at, self.flow, response):
                self._send(now)

    def _ask_longer(self, response: Response) -> bool:
        """423 Interval Too Brief (10.2.8)."""
        self._too_brief += 1
        minimum = parse_number(response.headers.get("Min-Expires") or "", 2**32 - 1)
        if not minimum or minimum <= self._expires or self._too_brief > MAX_TOO_BRIEF:
            return False
        self._expires = minimum
        return True

    def _follow(self, response: Response, now: float) -> bool:
        """Ask the registrar that a 3xx names, this once."""
        self._redirects += 1
        if not response.contacts or self._redirects > self._stack.settings.max_redirects:
            return False
        uri = response.contacts[0].uri.without_headers()
        if not uri.is_sip:
            return False
        self._send(now, uri)
        return True

    def _failed(self, code: int | None, reason: str, retry_in: float | None, now: float) -> None:
        self._stop_expiry()
        self._stop_refreshing()
        if not self._wanted:
            self._gone(reason)
            return
        self._backoff.failed()
        if code is not None:
            self._binding.refused()
        if retry_in is not None:
            self._refresh_timer = self._stack.timers.start(now + retry_in, self.refresh)
        self._change("failed", code=code, reason=reason, retry_in=retry_in)

    def _expired(self, now: float) -> None:
        """The granted time is over, whatever is on its way."""
        self._expiry_timer = None
        if not self._wanted:
            self._gone("the binding expired")
            return
        self._stop_expiry()
        retry_in = 0.0
        if self._refresh_timer is not None and self._refresh_timer.callback is not None:
            retry_in = max(0.0, self._refresh_timer.when - now)
        reason = "the registration expired before the registrar answered its refresh"
        self._change("failed", reason=reason, retry_in=retry_in)

    def _gone(self, reason: str) -> None:
        self._stop_expiry()
        self._stop_refreshing()
        self._bound = False
        self._change("unregistered", reason=reason)

    def _stop_refreshing(self) -> None:
        self._vouching.stop()
        if self._refresh_timer is not None:
            self._refresh_timer.stop()
            self._refresh_timer = None

    def _stop_expiry(self) -> None:
        if self._expiry_timer is not None:
            self._expiry_timer.stop()
            self._expiry_timer = None
        self._stack.service_routes.forget(self.account)
        self.expires_at = None
        self.contact = None

    def _change(
        self,
        state: RegistrationState,
        *,
        expires: int | None = None,
        contact: str | None = None,
        code: int | None = None,
        reason: str = "",
        retry_in: float | None = None,
    ) -> None:
        if state == self.state and state in ("registering", "unregistered"):
            return
        self.state, self.code, self.reason = state, code, reason
        if contact is not None:
            self.contact = contact
        self._stack.emit(RegistrationChanged(self, state, expires, contact, code, reason, retry_in))

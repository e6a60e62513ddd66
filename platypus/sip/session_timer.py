"""Session timers, in both roles (RFC 4028).

Two sides agree on an interval and on who refreshes. Whoever does sends an UPDATE
at half of it, or asks its user for a re-INVITE where the peer takes no UPDATE; a
session that is not refreshed is ended by BYE shortly before the interval is over.
A peer without timers is never refused.

    interval 1800, we refresh      refresh at 900; BYE at 1768 without an answer
    interval 1800, the peer does   BYE at 1768 without a refresh
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from platypus.errors import ProtocolError, StateError
from platypus.sip.events import RefreshDue
from platypus.sip.grammar import MAX_DELTA_SECONDS, parse_number, parse_params
from platypus.sip.reason import Reason

if TYPE_CHECKING:
    from platypus.sip.message import Request, Response
    from platypus.sip.session import Fields, Session
    from platypus.sip.timers import Timer

TIMER = "timer"
DEFAULT_MIN_SE = 90  # 4: what is meant by no Min-SE
# A peer that grants less than the RFC allows shall not have us send without a pause.
SHORTEST_INTERVAL = 4.0
# A peer that wants more and more each time is not followed for ever.
MAX_RAISES = 3
EXPIRED = Reason(408, "The session was not refreshed")

Refresher = Literal["uac", "uas"]
_REFRESHERS: dict[str, Refresher] = {"uac": "uac", "uas": "uas"}


class SessionExpires(NamedTuple):
    """The value of a Session-Expires header. The refresher is meant for this transaction."""

    interval: int
    refresher: Refresher | None = None

    def __str__(self) -> str:
        refresher = f";refresher={self.refresher}" if self.refresher else ""
        return f"{self.interval}{refresher}"


def session_expires(message: Request | Response) -> SessionExpires | None:
    """What a message says; None for nothing that can be read."""
    text = message.headers.get("Session-Expires")
    if text is None:
        return None
    digits, semicolon, rest = text.partition(";")
    interval = parse_number(digits.strip(), MAX_DELTA_SECONDS)
    try:
        refresher = (parse_params(semicolon + rest).get("refresher") or "").lower()
    except ProtocolError:
        refresher = ""
    if not interval:
        return None
    return SessionExpires(interval, _REFRESHERS.get(refresher))


class SessionTimer:
    """The timer of one session; it runs from the first 2xx that agrees on one."""

    __slots__ = ("_asks", "_expiry", "_interval", "_minimum", "_raises", "_refresh", "_refreshes",
                 "_said", "_session", "_until")  # fmt: skip

    def __init__(self, session: Session) -> None:
        settings = session.stack.settings
        self._session = session
        self._asks = settings.session_expires > 0
        self._minimum = settings.min_se  # the largest heard of
        self._raises = 0
        self._said: SessionExpires | None = None  # in our last 2xx
        self._interval: int | None = None
        self._refreshes = False
        self._until = 0.0
        self._refresh: Timer | None = None
        self._expiry: Timer | None = None

    @property
    def interval(self) -> int | None:
        """The seconds agreed on; None without a timer."""
        return self._interval

    @property
    def refreshes(self) -> bool:
        """Whether it is ours to refresh."""
        return self._refreshes

    def request_fields(self) -> Fields:
        """What an INVITE or UPDATE of ours says (7.1, 7.4)."""
        if not self._asks:
            return []
        settings = self._session.stack.settings
        refresher: Refresher | None = None
        interval = max(self._interval or settings.session_expires, self._minimum)
        if self._interval is not None:
            refresher = "uac" if self._refreshes else "uas"
        fields = [("Session-Expires", str(SessionExpires(interval, refresher)))]
        if self._minimum > DEFAULT_MIN_SE:
            fields.append(("Min-SE", str(self._minimum)))
        return fields

    def too_small(self, request: Request) -> int | None:
        """The least interval we take, if the request wants a smaller one (9: 422)."""
        return interval_too_small(request, self._session.stack.settings.min_se)

    def answer_fields(self, request: Request) -> Fields:
        """What a 2xx of ours says (9)."""
        agreed = self._said = self._agree(request)
        if agreed is None:
            return []
        fields = [("Session-Expires", str(agreed))]
        if agreed.refresher == "uac":
            fields.append(("Require", TIMER))
        return fields

    def begin(self, now: float) -> None:
        """Our 2xx is sent: start as it says, start again, or stop."""
        if not self._session.unanswered:
            agreed = self._said
            self._run(agreed, agreed is not None and agreed.refresher == "uas", now)

    def receive_answer(self, response: Response, now: float) -> None:
        """The peer's 2xx to a request of ours (7.2). Without the header there is no timer."""
        if self._session.unanswered:
            return
        agreed = session_expires(response) if self._asks else None
        self._asks = self._asks and agreed is not None
        self._run(agreed, agreed is not None and agreed.refresher != "uas", now)

    def raise_to(self, response: Response) -> bool:
        """Take the Min-SE of a 422 (7.3); False where it says nothing new."""
        text = (response.headers.get("Min-SE") or "").partition(";")[0].strip()
        minimum = parse_number(text, MAX_DELTA_SECONDS)
        if not self._asks or minimum is None or minimum <= self._minimum:
            return False
        if self._raises >= MAX_RAISES:
            return False
        self._raises += 1
        self._minimum = minimum
        return True

    def refused(self, now: float) -> None:
        """A refresh was refused, though the call is not lost: try again while there is time."""
        left = self._until - now
        if self._refreshes and self._interval is not None and left > 2 * SHORTEST_INTERVAL:
            self._refresh_at(now + left / 2)

    def stop(self) -> None:
        """The call is over, or has no timer any more."""
        for timer in (self._refresh, self._expiry):
            if timer is not None:
                timer.stop()
        self._refresh = self._expiry = None

    def _agree(self, request: Request) -> SessionExpires | None:
        """9, table 2: never more than was asked for, never less than its Min-SE."""
        settings = self._session.stack.settings
        if settings.session_expires <= 0:
            return None
        supports = _knows_timers(request)
        asked = session_expires(request)
        if asked is None and not supports:
            return None
        text = (request.headers.get("Min-SE") or "").partition(";")[0].strip()
        minimum = max(self._minimum, parse_number(text, MAX_DELTA_SECONDS) or 0)
        ours = max(settings.session_expires, minimum)
        if asked is None:
            return SessionExpires(ours, "uac")
        refresher: Refresher = (asked.refresher or "uac") if supports else "uas"
        return SessionExpires(min(asked.interval, ours), refresher)

    def _run(self, agreed: SessionExpires | None, refreshes: bool, now: float) -> None:
        self.stop()
        self._interval = agreed.interval if agreed is not None else None
        self._refreshes = refreshes
        if agreed is None or self._session.ended:
            return
        self._asks = True
        interval = max(float(agreed.interval), SHORTEST_INTERVAL)
        # 10: so early that the BYE still comes before the peer's own end of the session.
        self._until = now + interval - min(32.0, interval / 3)
        self._expiry = self._session.stack.timers.start(self._until, self._expired)
        if refreshes:
            self._refresh_at(now + interval / 2)

    def _refresh_at(self, when: float) -> None:
        if self._refresh is not None:
            self._refresh.stop()
        self._refresh = self._session.stack.timers.start(when, self._due)

    def _due(self, now: float) -> None:
        self._refresh = None
        session = self._session
        if "UPDATE" not in session.remote_allow:
            session.stack.emit(RefreshDue(session))
            self.refused(now)  # asked again, should the user not be able to now
            return
        try:
            session.updates.send(None, "", now)
        except StateError:  # another one is on its way, and refreshes as well
            self.refused(now)

    def _expired(self, now: float) -> None:
        self._expiry = None
        session = self._session
        session.hangup(now, "the other side no longer answered for the call", (EXPIRED.field,))


def interval_too_small(request: Request, minimum: int) -> int | None:
    """`minimum`, if the request wants less and can be told so (9): only who knows timers can."""
    asked = session_expires(request)
    if asked is None or asked.interval >= minimum or not _knows_timers(request):
        return None
    return minimum


def _knows_timers(request: Request) -> bool:
    return TIMER in request.supported or TIMER in request.require

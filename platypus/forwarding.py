"""What the person at this phone wants done with calls: do not disturb, and forwarding.

    do not disturb     486, and nobody here hears of it
    always             302 before it rings
    busy               302 where there is a call already, instead of call waiting
    no answer          302 after it has rung for a while

Forwarding is the caller's work (RFC 3261, 8.1.3.4): our 302 says where to and, in
Diversion, who sent the call on and why (RFC 5806). A call that was sent on too often, or
would come back to where it has been, is not sent on again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from platypus.errors import StateError
from platypus.events import CallState
from platypus.sip.diversion import (
    Diversion,
    diversion_count,
    forwarding_fields,
    same_party,
    went_through,
)
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call
    from platypus.engine import Engine
    from platypus.sip.message import Request
    from platypus.sip.session import Session

Why = Literal["unconditional", "user-busy", "no-answer", "deflection"]  # RFC 5806's words

# RFC 5806, 9 leaves the number to the network; PBXs stop at 3 to 10.
MAX_DIVERSIONS = 5
BUSY, LOOP_DETECTED = 486, 482


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRules:
    """`Engine.rules`. A target is a SIP address, or a number at the account's host."""

    dnd: bool = False  # refuse every call with 486, and tell nobody of it
    forward_always: str | None = None
    forward_busy: str | None = None
    forward_no_answer: str | None = None
    no_answer_after: float = 20.0  # seconds of ringing

    def __post_init__(self) -> None:
        if not 0 < self.no_answer_after <= 600:
            raise ValueError("no_answer_after is from 0 to 600 seconds")

    @property
    def targets(self) -> tuple[str, ...]:
        """Everywhere calls are sent on to."""
        found = (self.forward_always, self.forward_busy, self.forward_no_answer)
        return tuple(target for target in found if target is not None)


class Forwarding:
    """Carries out `engine.rules` on the calls that come in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(
        self, session: Session, request: Request, account: Account | None, *, busy: bool
    ) -> bool:
        """Whether a new call is refused or sent on before anybody hears of it."""
        rules = self._engine.rules
        if rules.dnd:
            session.reject(BUSY, self._engine.now())
        elif rules.forward_always is not None:
            target = rules.forward_always
            if not self._forward(session, request, account, target, "unconditional"):
                session.reject(LOOP_DETECTED, self._engine.now())
        elif busy and rules.forward_busy is not None:
            if not self._forward(session, request, account, rules.forward_busy, "user-busy"):
                session.reject(BUSY, self._engine.now())
        else:
            return False
        return True

    def watch(self, call: Call) -> None:
        """It rings: send it on if nobody answers in time."""
        rules = self._engine.rules
        if rules.forward_no_answer is not None:
            self._engine.loop.call_later(rules.no_answer_after, self._nobody_answered, call)

    def _nobody_answered(self, call: Call) -> None:
        target = self._engine.rules.forward_no_answer if self._engine.running else None
        waiting = call.state in (CallState.TRYING, CallState.RINGING)
        if target is None or not waiting or call.invite is None:
            return
        if self._forward(call.session, call.invite, call.account, target, "no-answer"):
            self._engine.pump()

    def _forward(
        self, session: Session, request: Request, account: Account | None, to: str, why: Why
    ) -> bool:
        """302, unless that would send the call round in circles; whether it was sent on."""
        try:
            target = self._engine.complete(to, account or self._engine.default_account)
        except StateError:
            return False  # the account whose host it was completed with is gone
        if _circles(request, Uri.parse(target), _own(request, account)):
            return False
        send_on(session, request, target, account, why, self._engine.now())
        return True


def send_on(
    session: Session, request: Request, target: str, account: Account | None, why: Why, now: float
) -> None:
    """302 with who sends the call on, and why."""
    by = Diversion(_own(request, account).without_params(), reason=why, private=_hidden(account))
    fields = forwarding_fields(request, by)
    session.redirect([target], now, fields)


def _own(request: Request, account: Account | None) -> Uri:
    """Who was called, as others know it."""
    return account.uri if account is not None else request.to.uri


def _hidden(account: Account | None) -> bool:
    return account is not None and account.settings.anonymous


def _circles(request: Request, target: Uri, own: Uri) -> bool:
    if diversion_count(request) >= MAX_DIVERSIONS:
        return True
    if any(same_party(target, uri) for uri in (own, request.uri)):
        return True
    return went_through(request, target) or went_through(request, own)

"""Two users back to back: one session of the caller, one of each phone of the called.

Everything is passed through at the level of sessions; bodies are never looked at, so
that offers and answers, hold, codecs and encryption are agreed between the phones and the
media flow straight between them (RFC 3261, section 6: a back-to-back user agent). Where they
can't agree, as one that must encrypt and one that can't, the caller gets the 488 with a sentence.

All phones of a user ring; the first that answers gets the call, the others are
cancelled with the reason that tells them so (RFC 3326).

A REFER goes through, and the news of it back. The Replaces of an attended transfer
names a dialog of ours: what it replaces is the other leg's, at the phone there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from platypus.errors import PlatypusError, StateError
from platypus.pbx.registrar import Binding
from platypus.sip import events as sip
from platypus.sip.diversion import carried_on
from platypus.sip.headers import NameAddr
from platypus.sip.message import Response
from platypus.sip.referred import Referred, ReferredState
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from platypus.sip.user_agent import UserAgent

logger = logging.getLogger("platypus.pbx")

ELSEWHERE = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
# Who sent the call, and how it wants to ring; a name that a user asserts is not among them.
_MEANT_FOR_PHONES = frozenset(("Alert-Info", "Call-Info", "Diversion", "Referred-By"))
# RFC 3261, 16.7, step 6: what another phone might still have answered better goes last.
BUSY, UNAVAILABLE, REQUEST_TERMINATED = 486, 480, 487
NOT_ACCEPTABLE = 488
# Where the phone itself does not say (RFC 3261, 20.43).
WHY_NOT_ACCEPTABLE = (
    '399 platypus "the other phone can not take the codecs or the encryption that this one '
    'offers, and the PBX does not translate"'
)


@dataclass(slots=True, eq=False)
class Bridge:
    """One call between users. `now` gives the time; `done(self)` is called at its end."""

    caller: Session
    agent: UserAgent
    now: Callable[[], float]
    done: Callable[[Bridge], None]
    phones: list[Session] = field(default_factory=list)
    chosen: Session | None = None
    _codes: list[tuple[int, str]] = field(default_factory=list)
    _asking: Session | None = None  # who wants a change that the other has not agreed to yet
    _over: bool = False
    _transfers: dict[Session, Referred] = field(default_factory=dict)  # by who was asked

    def start(
        self,
        bindings: Sequence[Binding],
        aor: str,
        display_name: str,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Call every phone, with the caller's offer if it made one, in the caller's name."""
        for binding in bindings:
            account = AccountSettings(
                aor=aor,
                display_name=display_name,
                outbound_proxy=first_hop(binding),
            )
            try:
                session = self.agent.invite(
                    str(binding.uri.without_headers()),
                    account=account,
                    body=self.caller.remote_body,
                    headers=[*_passed_on(self.caller), *headers],
                    now=self.now(),
                )
            except (PlatypusError, ValueError) as error:
                # What is wrong with one phone's contact does not concern the others.
                logger.warning("%s can't be called: %s", binding.uri, error)
            else:
                self.phones.append(session)
        if not self.phones:
            self.caller.reject(UNAVAILABLE, self.now())

    @property
    def sessions(self) -> list[Session]:
        """All whose events belong here."""
        return [self.caller, *self.phones]

    def receive(self, event: sip.Event) -> None:
        """What happened on one of the sessions."""
        try:
            self._receive(event)
        except StateError as error:
            # One side ended while the other's word was on its way.
            logger.debug("not passed on: %s", error)

    def _receive(self, event: sip.Event) -> None:
        match event:
            case sip.Progressed(session, response, _, body) if session is not self.caller:
                self._progressed(response.status, body)
            case sip.Answered(session, _, body, _):
                self._answered(session, body)
            case sip.Acknowledged(session, body):
                self._acknowledged(session, body)
            case sip.Reinvited(session, _, body):
                self._reinvited(session, body)
            case sip.ReinviteAnswered(session, body, _):
                self._asking = None
                self.other(session).accept_reinvite(body or b"", self.now())
            case sip.ReinviteRefused(session, code, reason):
                self._asking = None
                self.other(session).refuse_reinvite(code or 500, self.now(), reason)
            case sip.ReferReceived(session, referred):
                self._referred(session, referred)
            case sip.ReferProgressed(session):
                self._refer_progressed(session, event)
            case sip.InfoReceived(session, content_type, body):
                self.other(session).infos.send(content_type, body, self.now())
            case sip.SessionEnded(session):
                self._ended(session, event)
            case _:
                pass  # a refusal that has to be passed on ends its session

    def _progressed(self, status: int, body: bytes | None) -> None:
        if self.chosen is not None:
            return
        if body and len(self.phones) == 1:
            self.caller.progress(status, body, self.now())
        else:  # the early media of several phones can't all be heard
            self.caller.ring(self.now())

    def _answered(self, session: Session, body: bytes | None) -> None:
        if self.chosen is not None or self._over:
            session.hangup(self.now())
            return
        self.chosen = session
        for other in self.phones:
            if other is not session:
                other.hangup(self.now(), headers=(ELSEWHERE,))
        self.caller.answer(body, self.now())

    def _reinvited(self, session: Session, body: bytes | None) -> None:
        # Each waiting for the other to take its change first would wait for ever: whoever asks
        # second tries again later (RFC 3261, 14.1).
        if self._asking is not None:
            session.refuse_reinvite(491, self.now())
            return
        try:
            self.other(session).reinvite(body, self.now())
        except StateError:
            session.refuse_reinvite(491, self.now())
            raise
        self._asking = session

    def _acknowledged(self, session: Session, body: bytes | None) -> None:
        other = self.other(session)
        if other.owes_ack:  # it made the offer that this answers
            other.acknowledge(body or b"", self.now())

    def _referred(self, session: Session, referred: Referred) -> None:
        referral = referred.referral
        headers = MappingProxyType(dict(referral.headers))
        value = str(NameAddr(replace(referral.target, headers=headers)))
        try:
            self.other(session).refer(
                value,
                self.now(),
                referred_by=referral.referred_by,
                subscribe=referred.subscribed,
            )
        except StateError:
            referred.refuse(491, self.now())
            raise
        self._transfers[self.other(session)] = referred

    def _refer_progressed(self, session: Session, event: sip.ReferProgressed) -> None:
        referred = self._transfers.get(session)
        if referred is None:
            return
        if event.done and event.status >= 300 and referred.state is ReferredState.ASKED:
            referred.refuse(event.status, self.now())
        else:
            referred.accept(self.now())  # which says 100 by itself
            if event.status > 100:
                referred.report(event.status, event.reason, self.now())
        if event.done:
            self._settle()

    def _ended(self, session: Session, event: sip.SessionEnded) -> None:
        if self._over:
            return
        if session is self.caller:
            self._finish()
        elif session is self.chosen:
            self.caller.hangup(self.now())
            self._finish()
        elif self.chosen is None:
            self._codes.append((event.code or UNAVAILABLE, event.reason))
            if len(self._codes) == len(self.phones):
                self._refuse(best_refusal([code for code, _ in self._codes]))
                self._finish()

    def _refuse(self, code: int) -> None:
        """Where a phone sends its calls elsewhere the caller goes there, and says who sent it."""
        refusals = [one.refusal for one in self.phones if one.refusal is not None]
        moved = next((each for each in refusals if each.status == code and each.contacts), None)
        if 300 <= code < 400 and moved is not None:
            targets = [str(contact.uri) for contact in moved.contacts]
            diversions = [("Diversion", value) for value in carried_on(moved)]
            self.caller.redirect(targets, self.now(), diversions)
        else:
            headers = _why(code, refusals)
            self.caller.reject(code if code >= 400 else UNAVAILABLE, self.now(), headers=headers)

    def _finish(self) -> None:
        self._over = True
        for session in self.phones:
            session.hangup(self.now())
        self._settle()

    def _settle(self) -> None:
        """Done, unless a phone that hung up on a transfer still has to say how it went."""
        for session in list(self._transfers):
            if session.referring is None or session.referring.over:
                del self._transfers[session]
        if self._over and not self._transfers:
            self.done(self)

    def other(self, session: Session) -> Session:
        """The session at the far end of the other leg. Raises StateError before the answer."""
        if session is not self.caller:
            return self.caller
        if self.chosen is None:
            raise StateError("nobody answered yet")
        return self.chosen


def best_refusal(codes: Sequence[int]) -> int:
    """RFC 3261, 16.7: a 6xx wins, then the lowest class; of that, the one that tells most."""
    statuses = [code for code in codes if 300 <= code <= 699] or [UNAVAILABLE]
    global_refusals = [code for code in statuses if code >= 600]
    if global_refusals:
        return global_refusals[0]
    lowest = min(code // 100 for code in statuses)
    candidates = [code for code in statuses if code // 100 == lowest]
    telling = [code for code in candidates if code not in (UNAVAILABLE, REQUEST_TERMINATED)]
    return (telling or candidates)[0]


def _why(code: int, refusals: Sequence[Response]) -> list[tuple[str, str]]:
    """The words of a phone that refused with this code."""
    warnings = [each.headers.get("Warning") for each in refusals if each.status == code]
    warning = next((each for each in warnings if each), None)
    if warning is None and code == NOT_ACCEPTABLE:
        warning = WHY_NOT_ACCEPTABLE
    return [("Warning", warning)] if warning is not None else []


def first_hop(binding: Binding) -> str | None:
    """The proxy in front of a phone, that it registered through."""
    return binding.path[0].strip("<>") if binding.path else None


def _passed_on(caller: Session) -> list[tuple[str, str]]:
    """The caller's own fields, which mean something to the one who is called."""
    headers = caller.headers
    if headers is None:
        return []
    return [
        (name, value)
        for name, value in headers.items()
        if name.lower().startswith("x-") or name in _MEANT_FOR_PHONES
    ]

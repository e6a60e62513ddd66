"""Transfers: what REFER and Replaces do to calls (RFC 5589, RFC 3891).

we transfer       the far end is asked to call somebody; once it has, our call ends.
                  Attended, its new call takes the place of our other one.
are transferred   by the peer of an answered call, if the rule says so or a person:
                  a new call is made, and its progress told to who asked for it
are replaced      a call that comes in takes the place of one we have, and is
                  answered at once: somebody else was transferred to us

One `Transfers` an engine. It sends and reads no message itself (`sip.referring`,
`sip.referred`, `sip.replaces`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from platypus.errors import PlatypusError, StateError
from platypus.events import (
    CallState,
    ErrorOccurred,
    IncomingCall,
    TransferProgressed,
    Transferred,
    TransferRequested,
)
from platypus.sip import events as sip
from platypus.sip.build import reason_phrase
from platypus.sip.refer_to import refer_to
from platypus.sip.replaces import Replaces
from platypus.sip.uri import Uri

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.calling import Calling
    from platypus.engine import Engine
    from platypus.options import ReferRule
    from platypus.sip.referred import Referred
    from platypus.sip.session import Session

logger = logging.getLogger("platypus.engine")

DECLINED = 603
# Who transferred us ends its call with us; if it forgets, we do.
FORGOTTEN_AFTER = 5.0


class Transfers:
    """The transfers of one engine's calls. `rule` says what happens when a peer asks for one."""

    def __init__(self, engine: Engine, calling: Calling, rule: ReferRule) -> None:
        self._engine = engine
        self._calling = calling
        self._rule = rule
        self._leaving: dict[Session, tuple[Call, Call | None]] = {}  # ours, and the other one
        self._asked: dict[Call, Referred] = {}  # waiting for a person
        self._made: dict[Session, tuple[Call, Call, Referred]] = {}  # new session: old, new

    def transfer(self, call: Call, to: str, *, subscribe: bool = True) -> None:
        """Ask the far end of `call` to call `to` (RFC 5589, 6)."""
        target = Uri.parse(self._engine.complete(to, call.account))
        self._refer(call, None, refer_to(target), subscribe=subscribe)

    def join(self, call: Call, other: Call, *, subscribe: bool = True) -> None:
        """Connect the far ends of two calls of ours (RFC 5589, 7)."""
        self._check_other(call, other)
        session, dialog = other.session, other.session.dialog
        if other.state is not CallState.CONFIRMED or dialog is None:
            # 7.6: a phone can't be asked to give up a call that rings there; it is called anew.
            target = session.remote.uri
            self._refer(call, None, refer_to(target), subscribe=subscribe)
            other.hangup()
            return
        value = refer_to(
            _address_of(other),
            replaces=Replaces.of(dialog),
            require="replaces" in session.remote_supported,
        )
        self._refer(call, other, value, subscribe=subscribe)

    def accept(self, call: Call) -> None:
        """Do what the far end of `call` asked for."""
        self._call_target(call, self._take_asked(call))

    def refuse(self, call: Call, code: int = DECLINED) -> None:
        """Don't, and tell the far end so."""
        referred = self._take_asked(call)
        referred.report(code, reason_phrase(code), self._engine.now())
        self._engine.pump()

    def receive(self, event: sip.Event) -> bool:
        """Whether the event was about a transfer alone."""
        match event:
            case sip.ReferProgressed(session) if session in self._leaving:
                self._progressed(event)
                return True
            case sip.ReferReceived(session, referred) if call := self._calling.find(session):
                self._requested(call, referred)
                return True
            case sip.Progressed() | sip.Answered():
                self._report(event.session, event.response.status, event.response.reason)
            case sip.SessionEnded():
                self._ended(event.session, event)
        return False

    def replace(self, old: Call, new: Call) -> None:
        """Answer `new`, which came in to take the place of `old` (RFC 3891, 3)."""
        self._engine.publish(IncomingCall(new))
        self._engine.publish(Transferred(old, new, new.remote))
        try:
            new.answer()
        except PlatypusError as problem:
            self._engine.publish(ErrorOccurred(f"a call can't be replaced: {problem}", new))
            if not new.session.ended:  # by a fault of ours it is
                new.reject(500)
        else:
            old.hangup()

    def _check_other(self, call: Call, other: Call) -> None:
        if other is call:
            raise StateError("a call can't be transferred to itself")
        if other.state is CallState.ENDED:
            raise StateError("the other call has ended")
        if other.direction == "incoming" and other.state is not CallState.CONFIRMED:
            raise StateError("answer the other call first")

    def _refer(self, call: Call, other: Call | None, value: str, *, subscribe: bool) -> None:
        if call.state is not CallState.CONFIRMED:
            raise StateError(f"only an answered call can be transferred, this is {call.state}")
        call.session.refer(
            value,
            self._engine.now(),
            referred_by=f"<{_bare(call.session.local.uri)}>",
            subscribe=subscribe,
        )
        self._leaving[call.session] = (call, other)
        self._engine.pump()

    def _progressed(self, event: sip.ReferProgressed) -> None:
        call, other = self._leaving[event.session]
        self._engine.publish(TransferProgressed(call, event.status, event.done, event.reason))
        if not event.done:
            return
        self._leaving.pop(event.session, None)
        if 200 <= event.status < 300:
            call.hangup()
            if other is not None:
                other.hangup()

    def _requested(self, call: Call, referred: Referred) -> None:
        now = self._engine.now()
        if self._engine.leaving or self._rule == "refuse":
            referred.refuse(DECLINED, now)
            return
        # RFC 3515, 2.4.2: a person may take longer than the REFER can wait.
        referred.accept(now)
        if self._rule == "accept":
            self._call_target(call, referred)
            return
        self._asked[call] = referred
        self._engine.publish(TransferRequested(call, str(referred.referral.target)))

    def _take_asked(self, call: Call) -> Referred:
        referred = self._asked.pop(call, None)
        if referred is None:
            raise StateError("nobody asked to transfer this call")
        return referred

    def _call_target(self, old: Call, referred: Referred) -> None:
        referral = referred.referral
        headers = list(referral.headers)
        if referral.referred_by:
            headers.append(("Referred-By", referral.referred_by))
        try:
            # Not by `Engine.call`: the old call is about to end, not to be held.
            new = self._calling.call(
                str(referral.target), old.account, headers, source=None, sink=None, offer=True
            )
        except (PlatypusError, ValueError) as problem:
            logger.warning("a transfer can't be carried out: %s", problem)
            referred.report(500, reason_phrase(500), self._engine.now())
            self._engine.publish(ErrorOccurred(f"the transfer failed: {problem}", old))
            return
        self._made[new.session] = (old, new, referred)
        self._engine.publish(Transferred(old, new, str(referral.target)))
        new.signals.announce()  # the far end may answer before the loop's next turn

    def _report(self, session: Session, status: int, reason: str) -> None:
        if session not in self._made:
            return
        old, _, referred = self._made[session]
        referred.report(status, reason or reason_phrase(status), self._engine.now())
        if status >= 200:
            del self._made[session]
            self._engine.loop.call_later(FORGOTTEN_AFTER, _hang_up, old)

    def _ended(self, session: Session, event: sip.SessionEnded) -> None:
        self._report(session, max(event.code or 408, 300), event.reason)
        if event.by == "local":
            self._leaving.pop(session, None)
        call = self._calling.find(session)
        asked = self._asked.pop(call, None) if call is not None else None
        if asked is not None:
            asked.report(DECLINED, reason_phrase(DECLINED), self._engine.now())


def _hang_up(call: Call) -> None:
    """Nothing if it has ended, or its engine."""
    if call.state is not CallState.ENDED:
        call.hangup()


def _bare(uri: Uri) -> Uri:
    return uri.without_headers().without_params()


def _address_of(call: Call) -> Uri:
    """How somebody else reaches the phone at the far end of `call` (RFC 5589, 7.3 and 7.5).

    Its Contact, unless that is behind a proxy of our own domain, which knows the way.
    """
    session, account = call.session, call.account
    remote = _bare(session.remote.uri)
    dialog = session.dialog
    if dialog is None:
        return remote
    routed = bool(dialog.route_set) and account is not None and remote.host == account.uri.host
    return remote if routed and "gr" not in dialog.remote_target.params else dialog.remote_target

"""Three user agents for the ladders of RFC 5589, the transferee's user played by a script.

10.0.0.1 alice, the transferor    10.0.0.2 bob, the transferee    10.0.0.3 carol, the target
"""

from __future__ import annotations

from collections.abc import Callable

from platypus.sip.events import (
    Answered,
    Event,
    IncomingCall,
    Progressed,
    ReferProgressed,
    ReferReceived,
    SessionEnded,
)
from platypus.sip.refer_to import refer_to
from platypus.sip.referred import Referred
from platypus.sip.replaces import Replaces
from platypus.sip.session import Session
from platypus.sip.uri import Uri
from tests.harness.network import ANSWER, Impairment, Network, Phone

CAROL = Uri.parse("sip:carol@10.0.0.3")


class Transferee:
    """What bob's user does: accepts what he is asked, calls, and reports."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.asked: Referred | None = None
        self.call: Session | None = None
        self.decide: Callable[[Referred], None] = self.accept
        phone.react = self.react

    def react(self, event: Event) -> None:
        match event:
            case ReferReceived(_, referred):
                self.asked = referred
                self.decide(referred)
            case Progressed(session, response) if session is self.call:
                self._report(response.status, response.reason)
            case Answered(session, response) if session is self.call:
                self._report(response.status, response.reason)
            case SessionEnded(session, code, reason) if session is self.call:
                self._report(code or 408, reason)

    def accept(self, referred: Referred) -> None:
        self.phone.do(referred.accept)
        referral = referred.referral
        headers = list(referral.headers)
        if referral.referred_by:
            headers.append(("Referred-By", referral.referred_by))
        self.call = self.phone.call(str(referral.target), headers=headers)

    def refuse(self, referred: Referred) -> None:
        self.phone.do(referred.refuse, 603)

    def _report(self, status: int, reason: str) -> None:
        assert self.asked is not None
        self.phone.do(self.asked.report, status, reason)


class Three:
    """Alice has called Bob, who answered."""

    def __init__(self, impairment: Impairment | None = None, *, seed: int = 1) -> None:
        self.network = Network(impairment, seed=seed)
        self.alice = self.network.phone("10.0.0.1")
        self.bob = self.network.phone("10.0.0.2")
        self.carol = self.network.phone("10.0.0.3")
        self.transferee = Transferee(self.bob)
        self.call, self.bobs = self.connect(self.alice, self.bob, "sip:bob@10.0.0.2")
        self.start = len(self.network.log)

    def connect(self, caller: Phone, callee: Phone, target: str) -> tuple[Session, Session]:
        """A call answered; both sides' sessions."""
        call = caller.call(target)
        self.until(lambda: callee.has(IncomingCall))
        incoming = callee.next(IncomingCall).session
        callee.do(incoming.answer, ANSWER)
        self.until(lambda: caller.has(Answered) and incoming.state == "confirmed")
        caller.next(Answered)
        self.network.run(0.1)
        return call, incoming

    def until(self, met: Callable[[], bool], limit: float = 60.0) -> None:
        """Let time pass until something is so."""
        end = self.network.now + limit
        while not met():
            assert self.network.now < end, f"not within {limit} s: {self.network.ladder()}"
            self.network.run(0.05)

    def refer(
        self, *, target: Uri = CAROL, replaces: Replaces | None = None, subscribe: bool = True
    ) -> None:
        """Alice asks Bob to call somebody."""
        value = refer_to(target, replaces=replaces)
        self.alice.do(
            self.call.refer, value, referred_by="<sip:alice@10.0.0.1>", subscribe=subscribe
        )
        self.network.run(0.1)

    def carol_answers(self) -> Session:
        """Carol takes the call that rings."""
        self.until(lambda: self.carol.has(IncomingCall))
        session = self.carol.next(IncomingCall).session
        self.carol.do(session.answer, ANSWER)
        self.network.run(0.1)
        return session

    def told(self) -> list[tuple[int, bool]]:
        """What alice was told of her transfer, taken."""
        found = [e for e in self.alice.events if isinstance(e, ReferProgressed)]
        self.alice.events = [e for e in self.alice.events if not isinstance(e, ReferProgressed)]
        return [(event.status, event.done) for event in found]

    def ladder(self) -> list[str]:
        """What was on the wire since Alice and Bob were connected."""
        return self.network.ladder()[self.start :]

    def dialog_replaced(self, call: Session, *, early_only: bool = False) -> Replaces:
        assert call.dialog is not None
        return Replaces.of(call.dialog, early_only=early_only)

    def assert_clean(self) -> None:
        """All calls are over, and nothing of them is left."""
        for phone in (self.alice, self.bob, self.carol):
            for session in phone.agent.sessions:
                phone.do(session.hangup)
        self.network.settle()
        for phone in (self.alice, self.bob, self.carol):
            agent = phone.agent
            assert (agent.sessions, agent.transactions, agent.timers) == ((), 0, 0)
            assert agent._stack.referrings == {}

"""Reliable ringing, UPDATE and session timers between two user agents, as ladders.

The flows are those of RFC 3262, 6; RFC 3311, 3 and 6; RFC 4028, 13; RFC 3960, 3; RFC 6337, 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from platypus.sip.events import (
    Acknowledged,
    Answered,
    Event,
    IncomingCall,
    Progressed,
    ReinviteAnswered,
    Reinvited,
    SessionEnded,
)
from platypus.sip.session import Session
from platypus.sip.session_state import SessionState
from tests.harness.network import ANSWER, OFFER, Network, Phone, Step
from tests.harness.proxy import Proxy

SECOND_OFFER = b"v=0 second offer\r\n"
SECOND_ANSWER = b"v=0 second answer\r\n"


class Two:
    """Alice at 10.0.0.1, who can PRACK, and Bob at 10.0.0.2, who wants one."""

    def __init__(self, *, alice: Any = None, bob: Any = None) -> None:
        self.network = Network()
        self.alice: Phone = self.network.phone("10.0.0.1", **(alice or {}))
        self.bob: Phone = self.network.phone("10.0.0.2", **{"prack": "support", **(bob or {})})

    def ring(self, body: Any = OFFER) -> tuple[Session, Session]:
        """Alice's session and Bob's, who has only said 100."""
        call = self.alice.call("sip:bob@10.0.0.2", body=body)
        self.network.run(0.2)
        return call, self.bob.next(IncomingCall).session

    def do(self, phone: Phone, action: Any, *arguments: Any) -> None:
        phone.do(action, *arguments)
        self.network.run(0.2)

    def lose(self, text: str, times: int) -> None:
        """The next messages of a kind don't arrive."""
        left = [times]

        def allowed(step: Step) -> bool:
            if step.text != text or not left[0]:
                return True
            left[0] -= 1
            return False

        self.network.filters.append(allowed)

    def assert_clean(self) -> None:
        self.network.settle()
        for phone in (self.alice, self.bob):
            agent = phone.agent
            assert (agent.sessions, agent.transactions, agent.timers) == ((), 0, 0)


def accepting(phone: Phone, answer: bytes) -> Callable[[Event], None]:
    """Takes every change at once."""

    def react(event: Event) -> None:
        if isinstance(event, Reinvited):
            event.session.accept_reinvite(answer, phone.network.now)

    return react


def test_reliable_ringing() -> None:
    """RFC 3262, 6."""
    two = Two()
    call, incoming = two.ring()
    two.do(two.bob, incoming.ring)
    two.do(two.bob, incoming.answer, ANSWER)
    two.do(two.alice, call.hangup)
    assert two.network.ladder() == [
        "1 > 2 INVITE",
        "2 > 1 100 INVITE",
        "2 > 1 180 INVITE",
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
        "1 > 2 BYE",
        "2 > 1 200 BYE",
    ]
    two.assert_clean()


def test_a_lost_180_comes_again_and_so_does_a_lost_prack() -> None:
    two = Two()
    two.lose("180 INVITE", 2)
    two.lose("PRACK", 1)
    _, incoming = two.ring()
    two.do(two.bob, incoming.ring)
    two.network.run(3)
    assert two.network.ladder()[2:] == [
        "2 > 1 180 INVITE",  # lost
        "2 > 1 180 INVITE",  # lost
        "2 > 1 180 INVITE",
        "1 > 2 PRACK",  # lost
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
    ]
    two.alice.next(Progressed)
    assert not two.alice.has(Progressed)


def test_early_media_then_the_answer_without_a_description() -> None:
    """RFC 3960, 3.2, with the answer in a response that can't be lost."""
    two = Two()
    call, incoming = two.ring()
    two.do(two.bob, incoming.progress, 183, ANSWER)
    assert two.alice.next(Progressed).body == ANSWER
    two.do(two.bob, incoming.ring)
    two.do(two.bob, incoming.answer, ANSWER)
    assert two.network.ladder()[2:] == [
        "2 > 1 183 INVITE",
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
        "2 > 1 180 INVITE",
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
    ]
    assert call.state is incoming.state is SessionState.CONFIRMED


def test_an_answer_meanwhile_waits_for_the_prack() -> None:
    """RFC 3262, 3: the 2xx must not overtake the description it builds on."""
    two = Two()
    two.lose("183 INVITE", 1)
    call, incoming = two.ring()
    two.bob.do(incoming.progress, 183, ANSWER)
    two.do(two.bob, incoming.answer, ANSWER)
    assert two.network.ladder()[-1] == "2 > 1 183 INVITE"
    two.network.run(1)
    assert two.network.ladder()[-5:] == [
        "2 > 1 183 INVITE",
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
    ]
    assert call.state is SessionState.CONFIRMED


def test_the_callee_offers_early_and_the_prack_answers() -> None:
    """RFC 6337, 3.1.2: INVITE without an offer, 183 with it, PRACK with the answer."""
    two = Two()
    call, incoming = two.ring(body=None)
    two.do(two.bob, incoming.progress, 183, OFFER)
    progressed = two.alice.next(Progressed)
    assert (progressed.body, progressed.body_is) == (OFFER, "offer")
    two.do(two.alice, call.acknowledge, ANSWER)
    assert two.bob.next(Acknowledged).body == ANSWER
    two.do(two.bob, incoming.answer, None)
    assert two.alice.next(Answered).body is None
    assert two.network.ladder()[2:] == [
        "2 > 1 183 INVITE",
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
    ]


def test_update_before_the_answer() -> None:
    """RFC 3311, 6: the media change while it still rings."""
    two = Two()
    call, incoming = two.ring()
    two.bob.react = accepting(two.bob, SECOND_ANSWER)
    two.do(two.bob, incoming.progress, 183, ANSWER)
    two.do(two.alice, call.update, SECOND_OFFER)
    assert two.alice.next(ReinviteAnswered).body == SECOND_ANSWER
    two.do(two.bob, incoming.answer, None)
    assert two.network.ladder()[2:] == [
        "2 > 1 183 INVITE",
        "1 > 2 PRACK",
        "2 > 1 200 PRACK",
        "1 > 2 UPDATE",
        "2 > 1 200 UPDATE",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
    ]
    # What the 183 said is no longer so, and nobody says it again.
    assert two.alice.next(Answered).body is None


def test_update_by_the_callee_before_its_answer() -> None:
    two = Two()
    _, incoming = two.ring()
    two.alice.react = accepting(two.alice, SECOND_ANSWER)
    two.do(two.bob, incoming.progress, 183, ANSWER)
    two.do(two.bob, incoming.update, SECOND_OFFER)
    assert two.network.ladder()[-2:] == ["2 > 1 UPDATE", "1 > 2 200 UPDATE"]
    assert two.bob.next(ReinviteAnswered).body == SECOND_ANSWER


def test_update_and_re_invite_at_once() -> None:
    """RFC 6337, 2.2: each refuses the other's offer; both come again, one after the other."""
    two = Two()
    call, incoming = two.ring()
    two.do(two.bob, incoming.answer, ANSWER)
    two.alice.react = accepting(two.alice, SECOND_ANSWER)
    two.bob.react = accepting(two.bob, SECOND_ANSWER)
    two.alice.do(call.reinvite, SECOND_OFFER)
    two.bob.do(incoming.update, SECOND_OFFER)
    two.network.run(0.05)
    assert two.network.ladder()[-5:] == [
        "2 > 1 UPDATE",
        "2 > 1 100 INVITE",
        "2 > 1 491 INVITE",
        "1 > 2 491 UPDATE",
        "1 > 2 ACK",
    ]
    two.network.run(10)
    assert two.alice.has(ReinviteAnswered) and two.bob.has(ReinviteAnswered)


def test_a_cancelled_call_that_rang_reliably() -> None:
    two = Two()
    call, incoming = two.ring()
    two.do(two.bob, incoming.ring)
    two.do(two.alice, call.hangup)
    assert two.network.ladder()[-4:] == [
        "1 > 2 CANCEL",
        "2 > 1 200 CANCEL",
        "2 > 1 487 INVITE",
        "1 > 2 ACK",
    ]
    two.assert_clean()


def test_a_caller_that_vanished_while_it_rang() -> None:
    two = Two()
    _, incoming = two.ring()
    del two.network.endpoints[two.alice.address]
    two.do(two.bob, incoming.ring)
    two.network.run(33)
    assert two.bob.next(SessionEnded).code == 504


def test_session_timer_refused_as_too_small_then_agreed() -> None:
    """RFC 4028, 13: the callee wants longer intervals than the caller asks for."""
    two = Two(alice={"session_expires": 600}, bob={"min_se": 1800})
    two.alice.call("sip:bob@10.0.0.2")
    two.network.run(0.2)
    incoming = two.bob.next(IncomingCall).session
    two.do(two.bob, incoming.answer, ANSWER)
    two.network.run(900)
    assert two.network.ladder() == [
        "1 > 2 INVITE",
        "2 > 1 100 INVITE",
        "2 > 1 422 INVITE",
        "1 > 2 ACK",
        "1 > 2 INVITE",
        "2 > 1 100 INVITE",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
        "1 > 2 UPDATE",
        "2 > 1 200 UPDATE",
    ]


def test_through_proxies_prack_and_update_keep_to_the_record_route() -> None:
    two = Two()
    first, second = Proxy(two.network, "10.0.0.8"), Proxy(two.network, "10.0.0.9")
    first.users["bob"], second.users["bob"] = second.address, ("10.0.0.2", 5060)
    two.network.names["example.com"] = two.alice._resolve("sip:10.0.0.8")
    call = two.alice.call("sip:bob@example.com")
    two.network.run(0.3)
    incoming = two.bob.next(IncomingCall).session
    two.bob.react = accepting(two.bob, SECOND_ANSWER)
    two.do(two.bob, incoming.progress, 183, ANSWER)
    two.network.run(0.2)
    two.do(two.alice, call.update, SECOND_OFFER)
    two.network.run(0.2)
    ladder = two.network.ladder()
    for method in ("PRACK", "UPDATE"):
        ours = [step for step in ladder if step.endswith(f" {method}") and "200" not in step]
        assert ours == [f"1 > 8 {method}", f"8 > 9 {method}", f"9 > 2 {method}"]

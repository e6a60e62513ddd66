"""Calls between two user agents, as the ladder diagrams of RFC 3665 have them."""

from __future__ import annotations

from platypus.sip.events import Answered, IncomingCall, Progressed, SessionEnded
from tests.harness.network import ANSWER, Network


def test_a_call_answered_and_hung_up_by_the_caller() -> None:
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
    call = alice.call("sip:bob@10.0.0.2")
    network.run(1)
    incoming = bob.next(IncomingCall).session
    bob.do(incoming.ring)
    network.run(1)
    assert alice.next(Progressed).response.status == 180
    bob.do(incoming.answer, ANSWER)
    network.run(1)
    answered = alice.next(Answered)
    assert (answered.body, answered.body_is) == (ANSWER, "answer")
    alice.do(call.hangup)
    network.run(1)
    assert network.ladder() == [
        "1 > 2 INVITE",
        "2 > 1 100 INVITE",
        "2 > 1 180 INVITE",
        "2 > 1 200 INVITE",
        "1 > 2 ACK",
        "1 > 2 BYE",
        "2 > 1 200 BYE",
    ]
    assert alice.next(SessionEnded).by == "local"
    assert bob.next(SessionEnded).by == "remote"
    network.settle()
    assert not alice.agent.timers and not bob.agent.transactions

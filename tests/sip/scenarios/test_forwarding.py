"""Calls sent on by the phone that was called, as RFC 5359 (2.7 to 2.9) and RFC 3665 (3.6) show.

alice 10.0.0.1, bob 10.0.0.2, carol 10.0.0.3; there is no proxy: alice follows the 302 herself.
"""

from __future__ import annotations

from platypus.sip.diversion import Diversion, diversions_in, forwarding_fields
from platypus.sip.events import Answered, IncomingCall, Redirected, SessionEnded
from platypus.sip.session import Session
from platypus.sip.uri import Uri
from tests.harness.network import ANSWER, Network, Phone

BOB = Uri.parse("sip:bob@10.0.0.2")
CAROL = "sip:carol@10.0.0.3"


class Three:
    def __init__(self) -> None:
        self.network = Network()
        self.alice, self.bob, self.carol = (
            self.network.phone(f"10.0.0.{number}") for number in (1, 2, 3)
        )
        self.call = self.alice.call(str(BOB))
        self.network.run(0.1)

    def received(self, phone: Phone) -> Session:
        return phone.next(IncomingCall).session

    def do(self, phone: Phone, action: object, *arguments: object, **options: object) -> None:
        phone.do(action, *arguments, **options)  # type: ignore[arg-type]
        self.network.run(0.1)

    def forward(self, session: Session, reason: str) -> None:
        assert session.request is not None
        fields = forwarding_fields(session.request, Diversion(BOB, reason=reason))
        self.do(self.bob, session.redirect, [CAROL], headers=fields)


def test_unconditional() -> None:
    house = Three()
    house.forward(house.received(house.bob), "unconditional")
    session = house.received(house.carol)
    house.do(house.carol, session.ring)
    house.do(house.carol, session.answer, ANSWER)
    assert house.network.ladder() == [
        "1 > 2 INVITE",
        "2 > 1 100 INVITE",
        "2 > 1 302 INVITE",
        "1 > 2 ACK",
        "1 > 3 INVITE",
        "3 > 1 100 INVITE",
        "3 > 1 180 INVITE",
        "3 > 1 200 INVITE",
        "1 > 3 ACK",
    ]
    assert house.alice.next(Redirected).targets == (CAROL,)
    assert house.alice.next(Answered).session is house.call
    assert session.request is not None
    assert [(str(d.uri), d.reason) for d in diversions_in(session.request)] == [
        (str(BOB), "unconditional")
    ]


def test_without_an_answer_after_ringing() -> None:
    house = Three()
    session = house.received(house.bob)
    house.do(house.bob, session.ring)
    house.network.run(20)
    house.forward(session, "no-answer")
    assert house.network.ladder()[2:6] == [
        "2 > 1 180 INVITE",
        "2 > 1 302 INVITE",
        "1 > 2 ACK",
        "1 > 3 INVITE",
    ]
    assert house.bob.next(SessionEnded).code == 302


def test_busy() -> None:
    house = Three()
    house.forward(house.received(house.bob), "user-busy")
    session = house.received(house.carol)
    house.do(house.carol, session.answer, ANSWER)
    assert house.network.ladder()[2:4] == ["2 > 1 302 INVITE", "1 > 2 ACK"]
    assert session.request is not None
    assert [d.reason for d in diversions_in(session.request)] == ["user-busy"]


def test_in_a_circle_ends_where_it_began() -> None:
    house = Three()
    house.forward(house.received(house.bob), "unconditional")
    back = house.received(house.carol)
    house.do(house.carol, back.redirect, [str(BOB)])
    assert house.alice.next(SessionEnded).code == 302
    assert house.network.ladder().count("1 > 2 INVITE") == 1


def test_given_up_while_the_next_one_rings() -> None:
    house = Three()
    house.forward(house.received(house.bob), "unconditional")
    session = house.received(house.carol)
    house.do(house.carol, session.ring)
    house.do(house.alice, house.call.hangup)
    assert house.network.ladder()[-4:] == [
        "1 > 3 CANCEL",
        "3 > 1 200 CANCEL",
        "3 > 1 487 INVITE",
        "1 > 3 ACK",
    ]
    assert house.carol.next(SessionEnded).code == 487

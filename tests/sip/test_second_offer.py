"""An offer that was not acceptable, and another one after it (RFC 3261, 21.4.26)."""

from __future__ import annotations

from platypus.sip.events import Answered
from platypus.sip.session import Session
from tests.harness.network import ANSWER
from tests.sip.test_calling import Setup


def offering(setup: Setup, offers: list[bytes], **options: object) -> Session:
    """A call that makes the first of `offers`, and drops it for the next where that is refused."""
    session = setup.phone.call("sip:bob@10.0.0.2", body=lambda _: offers[0], **options)

    def another() -> bool:
        del offers[0]
        return bool(offers)

    assert session.calling is not None
    session.calling.second_offer = another
    setup.network.run(0.1)
    return session


def test_is_made_in_another_invite_of_the_same_call() -> None:
    setup = Setup()
    offering(setup, [b"first", b"second"])
    first = setup.invite
    setup.respond(488)
    second = setup.invite
    assert (first.body, second.body) == (b"first", b"second")
    assert second.call_id == first.call_id
    assert second.cseq.number == first.cseq.number + 1
    assert second.via.branch != first.via.branch
    assert setup.peer.request("ACK").cseq.number == first.cseq.number
    setup.respond(200, body=ANSWER)
    assert setup.phone.next(Answered).body == ANSWER


def test_is_the_last_where_there_are_no_more() -> None:
    setup = Setup()
    offering(setup, [b"first", b"second"])
    setup.respond(488)
    setup.respond(488)
    ended = setup.ended()
    assert (ended.code, ended.by) == (488, "remote")
    assert setup.invites() == 2


def test_is_not_made_after_another_refusal() -> None:
    setup = Setup()
    offering(setup, [b"first", b"second"])
    setup.respond(486)
    assert setup.ended().code == 486
    assert setup.invites() == 1


def test_is_not_made_by_who_has_hung_up() -> None:
    setup = Setup()
    session = offering(setup, [b"first", b"second"])
    setup.respond(180)
    setup.phone.do(session.hangup)
    setup.respond(488)
    assert setup.invites() == 1

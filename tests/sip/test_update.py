"""UPDATE in early and confirmed dialogs, against a scripted peer (RFC 3311)."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import StateError
from platypus.sip.events import (
    Acknowledged,
    Answered,
    IncomingCall,
    ReinviteAnswered,
    Reinvited,
    ReinviteRefused,
    SessionEnded,
    Updated,
)
from platypus.sip.message import Request
from platypus.sip.session import Session
from platypus.sip.session_state import SessionState
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Peer

HOLD = b"v=0 hold\r\n"
CONTACT = [("Contact", "<sip:peer@10.0.0.2:5060>")]


class Setup:
    """A confirmed call between a phone and a scripted peer, who called it."""

    def __init__(self) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1")
        self.peer = Peer(self.network, "10.0.0.2")
        self.caller = Caller(self.peer, ("10.0.0.1", 5060))
        self.call = self.begin()
        self.peer.clear()
        self.phone.events.clear()

    def begin(self) -> Session:
        self.caller.invite(headers=[("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")])
        self.network.run(0.1)
        call = self.phone.next(IncomingCall).session
        self.do(call.answer, ANSWER)
        self.caller.answered()
        self.caller.ack()
        self.network.run(0.1)
        self.phone.next(Acknowledged)
        return call

    def do(self, action: Any, *arguments: Any) -> None:
        self.phone.do(action, *arguments)
        self.network.run(0.1)

    def send(self, method: str, body: bytes = b"", **options: Any) -> None:
        self.caller.request(method, body=body, **{"headers": CONTACT, **options})
        self.network.run(0.1)

    def respond(self, method: str, status: int, **options: Any) -> None:
        self.peer.respond(self.peer.request(method), status, **options)
        self.network.run(0.1)

    def updates(self) -> int:
        return len({request.cseq.number for request in self.peer.requests("UPDATE")})


class Early(Setup):
    """The same before the answer, where offer and answer are complete."""

    def begin(self) -> Session:
        self.caller.invite(headers=[("Require", "100rel")])
        self.network.run(0.1)
        call = self.phone.next(IncomingCall).session
        self.do(call.progress, 183, ANSWER)
        progress = self.peer.response(183)
        self.caller.to = progress.headers.get("To") or ""
        self.caller.target = str(progress.contacts[0].uri)
        rack = f"{progress.headers.get('RSeq')} 1 INVITE"
        self.caller.request("PRACK", headers=[("RAck", rack)])
        self.network.run(0.1)
        return call


class Out(Setup):
    """A phone that called, and has an early answer; `legs` ring."""

    def begin(self) -> Session:
        account = AccountSettings(aor="sip:alice@example.com", password="secret")
        call = self.phone.call("sip:bob@10.0.0.2", account=account)
        self.network.run(0.1)
        self.invite: Request = self.peer.request("INVITE")
        self.early("desk")
        return call

    def early(self, tag: str, rseq: int = 1) -> None:
        headers = [("Require", "100rel"), ("RSeq", str(rseq)), ("Allow", "UPDATE")]
        self.peer.respond(self.invite, 183, tag=tag, headers=headers, body=ANSWER)
        self.network.run(0.1)
        self.peer.respond(self.peer.request("PRACK"), 200)
        self.network.run(0.1)

    def from_leg(self, tag: str, **options: Any) -> None:
        caller = Caller(
            self.peer,
            ("10.0.0.1", 5060),
            call_id=self.call.call_id,
            from_=f"<sip:bob@10.0.0.2>;tag={tag}",
            to=str(self.call.local),
            target=str(self.invite.contacts[0].uri),
        )
        caller.request("UPDATE", **{"headers": CONTACT, **options})
        self.network.run(0.1)


@pytest.mark.parametrize("kind", [Setup, Early])
class TestTheirs:
    def test_an_offer_is_answered_by_the_user(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", HOLD)
        reinvited = setup.phone.next(Reinvited)
        assert (reinvited.request.method, reinvited.body) == ("UPDATE", HOLD)
        assert setup.peer.responses("UPDATE") == []
        setup.do(setup.call.accept_reinvite, ANSWER)
        answer = setup.peer.response(200)
        assert (answer.body, answer.content_type) == (ANSWER, "application/sdp")
        assert answer.contacts and "UPDATE" in answer.allow

    def test_without_an_offer_is_answered_at_once_and_told(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", headers=[*CONTACT, ("P-Asserted-Identity", "<sip:carol@x>")])
        assert setup.peer.responses("UPDATE") == [200]
        request = setup.phone.next(Updated).request
        assert request.headers.get("P-Asserted-Identity") == "<sip:carol@x>"
        assert not setup.phone.has(Reinvited)

    def test_an_offer_can_be_refused_and_nothing_is_changed(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", HOLD)
        setup.do(setup.call.refuse_reinvite, 488)
        assert setup.peer.responses("UPDATE") == [488]
        assert not setup.call.ended

    def test_a_second_one_meanwhile_is_to_come_later(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", HOLD)
        setup.send("UPDATE")
        assert setup.peer.responses("UPDATE") == [500]
        assert 0 <= int(setup.peer.response(500).headers.get("Retry-After") or -1) <= 10

    def test_a_user_who_says_nothing_does_not_block_the_next(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", HOLD)
        setup.network.run(33)
        setup.phone.next(Reinvited)
        setup.send("UPDATE", HOLD)
        setup.phone.next(Reinvited)
        setup.do(setup.call.accept_reinvite, ANSWER)
        assert setup.peer.responses("UPDATE") == [200]

    def test_the_target_moves(self, kind: type[Setup]) -> None:
        setup = kind()
        moved = Peer(setup.network, "10.0.0.3")
        setup.send("UPDATE", headers=[("Contact", "<sip:peer@10.0.0.3>")])
        setup.do(setup.call.answer, None) if kind is Early else None
        setup.caller.ack(cseq=1) if kind is Early else None
        setup.network.run(0.1)
        setup.do(setup.call.hangup)
        assert moved.requests("BYE")

    def test_a_body_nobody_can_read_gets_415(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", b"x", headers=[*CONTACT, ("Content-Type", "text/plain")])
        assert setup.peer.responses("UPDATE") == [415]

    def test_the_end_of_the_call_answers_what_is_pending(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.send("UPDATE", HOLD)
        setup.send("BYE")
        assert 487 in setup.peer.responses("UPDATE")


class TestTheirsInTurn:
    def test_before_our_answer_comes_later(self) -> None:
        setup = Early.__new__(Early)
        setup.network = Network()
        setup.phone, setup.peer = setup.network.phone("10.0.0.1"), Peer(setup.network, "10.0.0.2")
        setup.caller = Caller(setup.peer, ("10.0.0.1", 5060))
        setup.caller.invite()
        setup.network.run(0.1)
        call = setup.phone.next(IncomingCall).session
        setup.do(call.ring)
        setup.caller.to = setup.peer.response(180).headers.get("To") or ""
        setup.send("UPDATE", HOLD)
        assert setup.peer.responses("UPDATE") == [500]

    def test_while_our_re_invite_is_pending_gets_491(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.send("UPDATE", OFFER)
        assert setup.peer.responses("UPDATE") == [491]

    def test_while_our_update_is_pending_gets_491(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.send("UPDATE", OFFER)
        assert setup.peer.responses("UPDATE") == [491]

    def test_a_re_invite_while_our_update_is_pending_gets_491(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.send("INVITE", OFFER)
        assert setup.peer.responses("INVITE") == [100, 491]

    def test_a_re_invite_while_theirs_is_pending_is_to_come_later(self) -> None:
        setup = Setup()
        setup.send("UPDATE", HOLD)
        setup.send("INVITE", OFFER)
        assert setup.peer.responses("INVITE") == [100, 500]

    def test_our_re_invite_waits_for_the_answer_to_theirs(self) -> None:
        setup = Setup()
        setup.send("UPDATE", HOLD)
        setup.do(setup.call.reinvite, OFFER)
        assert not setup.peer.requests("INVITE")
        setup.do(setup.call.accept_reinvite, ANSWER)
        assert setup.peer.requests("INVITE")

    def test_without_an_offer_does_not_collide(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.send("UPDATE")
        assert setup.peer.responses("UPDATE") == [200]

    def test_outside_a_dialog_gets_481(self) -> None:
        setup = Setup()
        setup.caller.to = "<sip:phone@example.com>;tag=gone"
        setup.send("UPDATE", HOLD)
        assert setup.peer.responses("UPDATE") == [481]


class TestOurs:
    @pytest.mark.parametrize("kind", [Setup, Early, Out])
    def test_is_a_target_refresh_with_the_offer(self, kind: type[Setup]) -> None:
        setup = kind()
        setup.do(setup.call.update, HOLD)
        update = setup.peer.request("UPDATE")
        assert (update.body, update.content_type) == (HOLD, "application/sdp")
        assert update.contacts and "UPDATE" in update.allow
        setup.respond("UPDATE", 200, body=ANSWER)
        answered = setup.phone.next(ReinviteAnswered)
        assert (answered.body, answered.body_is) == (ANSWER, "answer")

    def test_goes_to_the_leg_that_agreed_last(self) -> None:
        setup = Out()
        setup.early("mobile")
        setup.do(setup.call.update, HOLD)
        assert setup.peer.request("UPDATE").to.tag == "mobile"

    def test_before_anything_is_agreed_is_not_possible(self) -> None:
        network = Network()
        phone = network.phone("10.0.0.1")
        call = phone.call("sip:bob@10.0.0.2")
        with pytest.raises(StateError):
            phone.do(call.update, HOLD)

    def test_two_at_once_are_not_possible(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        with pytest.raises(StateError):
            setup.phone.do(setup.call.update, OFFER)

    def test_nor_while_theirs_waits(self) -> None:
        setup = Setup()
        setup.send("UPDATE", HOLD)
        with pytest.raises(StateError):
            setup.phone.do(setup.call.update, OFFER)

    @pytest.mark.parametrize(("status", "wait"), [(491, 2.1), (500, 7.1)])
    def test_comes_again_after_a_collision(self, status: int, wait: float) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.respond("UPDATE", status, headers=[("Retry-After", "7")])
        assert setup.updates() == 1
        setup.network.run(wait)
        assert setup.updates() == 2
        setup.respond("UPDATE", 200, body=ANSWER)
        assert setup.phone.has(ReinviteAnswered)

    def test_is_not_repeated_for_ever(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        for _ in range(10):
            setup.respond("UPDATE", 491)
            setup.network.run(2.1)
        assert setup.updates() == 6
        assert setup.phone.next(ReinviteRefused).code == 491

    def test_is_not_repeated_after_the_end(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.respond("UPDATE", 491)
        setup.do(setup.call.hangup)
        setup.network.run(5)
        assert setup.updates() == 1

    def test_a_refusal_leaves_the_call_as_it_was(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.respond("UPDATE", 488)
        assert setup.phone.next(ReinviteRefused).code == 488
        assert setup.call.state is SessionState.CONFIRMED

    @pytest.mark.parametrize("status", [408, 481])
    def test_a_peer_that_lost_the_call_ends_it(self, status: int) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.respond("UPDATE", status)
        setup.network.run(2)
        assert setup.phone.next(SessionEnded).code == status
        assert bool(setup.peer.requests("BYE")) == (status == 408)

    def test_silence_ends_a_confirmed_call(self) -> None:
        setup = Setup()
        setup.do(setup.call.update, HOLD)
        setup.network.run(33)
        assert setup.phone.next(SessionEnded).code == 408

    def test_silence_does_not_end_a_call_that_rings(self) -> None:
        setup = Out()
        setup.do(setup.call.update, HOLD)
        setup.network.run(33)
        assert not setup.call.ended
        assert setup.phone.next(ReinviteRefused).code == 408

    def test_supersedes_the_early_answer(self) -> None:
        setup = Out()
        setup.do(setup.call.update, HOLD)
        setup.respond("UPDATE", 200, body=b"v=0 newer\r\n")
        self.answer(setup)
        assert setup.phone.next(Answered).body is None
        assert setup.call.state is SessionState.CONFIRMED

    def test_so_does_theirs(self) -> None:
        setup = Out()
        setup.from_leg("desk", body=HOLD)
        setup.do(setup.call.accept_reinvite, ANSWER)
        assert setup.peer.responses("UPDATE") == [200]
        self.answer(setup)
        assert setup.phone.next(Answered).body is None

    def answer(self, setup: Out) -> None:
        setup.peer.respond(setup.invite, 200, tag="desk", body=b"v=0 old\r\n")
        setup.network.run(0.1)


def test_an_update_before_our_answer_is_acknowledged_is_no_surprise() -> None:
    """The peer's 200 and its UPDATE cross: 491 (RFC 6337, 2.2, while the offer is ours)."""
    setup = Out()
    setup.from_leg("unknown", body=HOLD)
    assert setup.peer.responses("UPDATE") == [481]
    setup.early("mobile")
    setup.from_leg("mobile", body=HOLD)
    assert isinstance(setup.phone.next(Reinvited).request, Request)


def test_two_phones_update_each_other_and_both_get_their_way() -> None:
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
    call = alice.call("sip:bob@10.0.0.2")
    network.run(0.1)
    theirs = bob.next(IncomingCall).session
    bob.do(theirs.answer, ANSWER)
    network.run(0.1)
    for phone, session in ((alice, call), (bob, theirs)):
        phone.react = lambda event: (
            event.session.accept_reinvite(ANSWER, network.now)
            if isinstance(event, Reinvited)
            else None
        )
        phone.do(session.update, HOLD)
    network.run(10)
    assert network.ladder().count("1 > 2 491 UPDATE") == 1
    assert network.ladder().count("2 > 1 491 UPDATE") == 1
    assert alice.has(ReinviteAnswered) and bob.has(ReinviteAnswered)
    assert not alice.has(ReinviteRefused) and not bob.has(ReinviteRefused)

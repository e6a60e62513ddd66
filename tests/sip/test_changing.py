"""Re-INVITEs both ways, and what happens when both sides ask at once."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import StateError
from platypus.sip.events import (
    Acknowledged,
    IncomingCall,
    ReinviteAnswered,
    Reinvited,
    ReinviteRefused,
    SessionEnded,
)
from platypus.sip.message import Request
from platypus.sip.session import Session
from platypus.sip.session_state import SessionState
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Peer

HOLD = b"v=0 hold\r\n"
RESUME = b"v=0 resume\r\n"


class Setup:
    """A confirmed call between a phone and a scripted peer, who called it."""

    def __init__(self) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1")
        self.peer = Peer(self.network, "10.0.0.2")
        self.caller = Caller(self.peer, ("10.0.0.1", 5060))
        self.caller.invite()
        self.network.run(0.1)
        self.call: Session = self.phone.next(IncomingCall).session
        self.do(self.call.answer, ANSWER)
        self.caller.answered()
        self.caller.ack()
        self.network.run(0.1)
        self.phone.next(Acknowledged)
        self.peer.clear()

    def do(self, action: Any, *arguments: Any) -> None:
        self.phone.do(action, *arguments)
        self.network.run(0.1)

    def respond(self, status: int, **options: Any) -> None:
        self.peer.respond(self.invite, status, **options)
        self.network.run(0.1)

    def send(self, method: str, **options: Any) -> None:
        self.caller.request(method, **options)
        self.network.run(0.1)

    @property
    def invite(self) -> Request:
        return self.peer.request("INVITE")

    def invites(self) -> int:
        return len({request.cseq.number for request in self.peer.requests("INVITE")})


class Called(Setup):
    """The same where the phone was the caller."""

    def __init__(self) -> None:
        self.network = Network()
        self.phone = self.network.phone("10.0.0.1")
        self.peer = Peer(self.network, "10.0.0.2")
        account = AccountSettings(aor="sip:alice@example.com", password="secret")
        self.call = self.phone.call("sip:bob@10.0.0.2", account=account)
        self.network.run(0.1)
        self.respond(200, body=ANSWER)
        self.peer.clear()


class TestOurs:
    def test_is_sent_in_the_dialog_and_acknowledged(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        invite = setup.invite
        assert str(invite.uri) == setup.peer.uri
        assert invite.from_.tag == setup.call.local_tag and invite.to.tag == "peer"
        assert invite.body == HOLD
        assert str(invite.contacts[0].uri) == "sip:phone@10.0.0.1:5060"
        setup.respond(200, body=ANSWER)
        answered = setup.phone.next(ReinviteAnswered)
        assert (answered.body, answered.body_is) == (ANSWER, "answer")
        assert setup.peer.request("ACK").cseq.number == invite.cseq.number
        setup.respond(200, body=ANSWER)
        assert len(setup.peer.requests("ACK")) == 2
        assert not setup.phone.has(ReinviteAnswered)

    def test_a_refusal_leaves_the_call_as_it_was(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(488, reason="Not That")
        refused = setup.phone.next(ReinviteRefused)
        assert (refused.code, refused.reason) == (488, "Not That")
        assert setup.call.state is SessionState.CONFIRMED

    @pytest.mark.parametrize(("status", "news"), [(488, ReinviteRefused), (200, ReinviteAnswered)])
    def test_the_next_one_is_made_after_what_became_of_the_last_was_told(
        self, status: int, news: type
    ) -> None:
        setup = Setup()
        told: list[bool] = []

        def offer(local: str) -> bytes:
            told.append(setup.phone.has(news))
            return RESUME

        setup.do(setup.call.reinvite, HOLD)
        setup.do(setup.call.reinvite, offer)
        setup.respond(status, body=ANSWER if status == 200 else b"")
        setup.network.run(0.1)
        assert told == [True]
        assert setup.peer.request("INVITE").body == RESUME

    @pytest.mark.parametrize("status", [408, 481])
    def test_a_peer_that_lost_the_call_ends_it(self, status: int) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(status)
        setup.network.run(2)
        assert setup.phone.next(SessionEnded).code == status
        assert bool(setup.peer.requests("BYE")) == (status == 408)

    def test_a_bye_that_crossed_ours_says_how_the_call_ended(self) -> None:
        """The peer hung up, our re-INVITE found no call there, and its BYE was overtaken."""
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(481)
        setup.network.run(1.5)  # the BYE was lost twice
        setup.send("BYE")
        ended = setup.phone.next(SessionEnded)
        assert (ended.code, ended.by) == (200, "remote")
        setup.network.settle()
        assert not setup.phone.has(SessionEnded)
        assert setup.phone.agent.timers == 0

    def test_a_bye_that_crosses_ours_is_answered_as_if_it_had_come_first(self) -> None:
        """RFC 5407: both have ended the call, and neither has made a mistake."""
        setup = Setup()
        setup.do(setup.call.hangup)
        setup.peer.clear()
        setup.send("BYE")
        assert setup.peer.responses("BYE") == [200]
        setup.network.settle()
        setup.send("BYE")
        assert setup.peer.responses("BYE") == [200, 481]

    def test_nothing_is_asked_of_a_peer_that_knows_nothing_of_the_call(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(481)
        setup.do(setup.call.reinvite, RESUME)
        assert setup.invites() == 1
        setup.do(setup.call.hangup)
        ended = setup.phone.next(SessionEnded)
        assert (ended.code, ended.by) == (200, "local")

    def test_a_wish_that_waited_is_forgotten_with_the_call(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.do(setup.call.reinvite, RESUME)
        setup.respond(481)
        assert setup.invites() == 1

    def test_a_peer_that_says_100_and_nothing_more_is_not_waited_for_for_ever(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(100)
        setup.network.run(181)
        assert setup.phone.next(SessionEnded).code == 408
        assert setup.peer.requests("BYE")

    def test_silence_ends_the_call_with_bye(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.network.run(33)
        assert setup.phone.next(SessionEnded).code == 408
        assert setup.peer.requests("BYE")

    def test_the_2xx_moves_the_target(self) -> None:
        setup = Setup()
        moved = Peer(setup.network, "10.0.0.3")
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(200, body=ANSWER, contact="sip:peer@10.0.0.3")
        assert moved.requests("ACK")
        setup.do(setup.call.hangup)
        assert moved.requests("BYE")

    def test_asks_for_an_offer_and_answers_it(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, None)
        assert setup.invite.body == b""
        setup.respond(200, body=OFFER)
        answered = setup.phone.next(ReinviteAnswered)
        assert (answered.body, answered.body_is) == (OFFER, "offer")
        assert setup.peer.requests("ACK") == []
        setup.do(setup.call.acknowledge, ANSWER)
        assert setup.peer.request("ACK").body == ANSWER

    def test_one_at_a_time_and_the_last_wish_counts(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.do(setup.call.reinvite, b"v=0 never\r\n")
        setup.do(setup.call.reinvite, RESUME)
        assert setup.invites() == 1
        setup.respond(200, body=ANSWER)
        assert setup.invites() == 2
        assert setup.invite.body == RESUME

    def test_a_body_that_waits_is_made_when_it_is_sent(self) -> None:
        setup = Setup()
        wanted = ["hold"]
        setup.do(setup.call.reinvite, HOLD)
        setup.do(setup.call.reinvite, lambda address: f"{wanted[0]} {address}".encode())
        wanted[0] = "resume"
        setup.respond(200, body=ANSWER)
        assert setup.invite.body == b"resume 10.0.0.1"

    def test_waits_for_the_ack_of_our_answer(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=OFFER)
        setup.do(setup.call.accept_reinvite, ANSWER)
        setup.do(setup.call.reinvite, HOLD)
        assert setup.peer.requests("INVITE") == []
        setup.caller.ack()
        setup.network.run(0.1)
        assert setup.invite.body == HOLD

    def test_a_challenge_is_answered(self) -> None:
        setup = Called()
        setup.do(setup.call.reinvite, HOLD)
        challenge = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'
        setup.respond(407, headers=[("Proxy-Authenticate", challenge)])
        assert "Proxy-Authorization" in setup.invite.headers
        assert (setup.invites(), setup.invite.body) == (2, HOLD)

    def test_hanging_up_meanwhile_sends_bye_and_still_acknowledges(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.do(setup.call.hangup)
        assert setup.peer.requests("BYE")
        setup.respond(200, body=ANSWER)
        assert setup.peer.requests("ACK")
        assert not setup.phone.has(ReinviteAnswered)

    def test_before_the_answer_there_is_nothing_to_change(self) -> None:
        setup = Setup()
        call = setup.phone.call("sip:bob@10.0.0.2")
        with pytest.raises(StateError):
            call.reinvite(HOLD, setup.network.now)


class TestTheirs:
    def test_is_told_and_accepted(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=HOLD)
        reinvited = setup.phone.next(Reinvited)
        assert (reinvited.session, reinvited.body) == (setup.call, HOLD)
        assert setup.call.remote_body == HOLD
        setup.do(setup.call.accept_reinvite, ANSWER)
        assert setup.peer.response(200).body == ANSWER
        assert str(setup.peer.response(200).contacts[0].uri) == "sip:phone@10.0.0.1:5060"
        setup.caller.ack()
        setup.network.run(0.1)
        assert setup.phone.has(Acknowledged)
        count = setup.peer.responses().count(200)
        setup.network.run(40)
        assert setup.peer.responses().count(200) == count

    def test_moves_the_target_once_accepted(self) -> None:
        setup = Setup()
        moved = Peer(setup.network, "10.0.0.3")
        branch = "z9hG4bKmove"
        setup.caller.cseq += 1
        text = (
            f"INVITE {setup.caller.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 10.0.0.2:5060;rport;branch={branch}\r\n"
            f"From: {setup.caller.from_}\r\nTo: {setup.caller.to}\r\nCall-ID: call-1\r\n"
            f"CSeq: {setup.caller.cseq} INVITE\r\nContact: <sip:peer@10.0.0.3>\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        setup.peer.send_raw(text.encode(), setup.caller.phone)
        setup.network.run(0.1)
        setup.do(setup.call.accept_reinvite, OFFER)
        setup.do(setup.call.hangup)
        assert moved.requests("BYE")

    def test_without_an_offer_our_200_has_one(self) -> None:
        setup = Setup()
        setup.send("INVITE")
        assert setup.phone.next(Reinvited).body is None
        setup.do(setup.call.accept_reinvite, OFFER)
        setup.caller.ack(ANSWER)
        setup.network.run(0.1)
        assert setup.phone.next(Acknowledged).body == ANSWER

    def test_may_be_refused(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=HOLD)
        setup.do(setup.call.refuse_reinvite, 488)
        assert setup.peer.responses() == [100, 488]
        assert setup.call.state is SessionState.CONFIRMED

    def test_may_be_given_up(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=HOLD)
        setup.caller.cancel()
        setup.network.run(0.1)
        assert setup.peer.responses("INVITE") == [100, 487]
        assert setup.call.state is SessionState.CONFIRMED
        setup.do(setup.call.accept_reinvite, ANSWER)
        assert setup.peer.responses("INVITE") == [100, 487]

    def test_a_second_before_the_first_is_answered_gets_500_and_when_to_come_back(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=HOLD)
        setup.send("INVITE", body=RESUME)
        retry_after = setup.peer.response(500).headers.get("Retry-After")
        assert retry_after is not None and 0 <= int(retry_after) <= 10

    def test_before_the_call_is_answered_gets_500(self) -> None:
        setup = Setup()
        caller = Caller(setup.peer, ("10.0.0.1", 5060), call_id="call-2")
        caller.invite()
        setup.network.run(0.1)
        call = setup.phone.next(IncomingCall).session
        setup.do(call.ring)
        caller.to = setup.peer.response(180).headers.get("To") or ""
        caller.request("INVITE", body=HOLD)
        setup.network.run(0.1)
        assert setup.peer.response(500)

    def test_is_refused_with_487_when_the_call_ends(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=HOLD)
        setup.do(setup.call.hangup)
        assert setup.peer.responses("INVITE") == [100, 487]
        assert setup.peer.requests("BYE")

    def test_is_refused_with_487_when_they_hang_up(self) -> None:
        setup = Setup()
        setup.send("INVITE", body=HOLD)
        setup.send("BYE")
        assert setup.peer.responses("INVITE") == [100, 487]
        assert setup.peer.responses("BYE") == [200]


class TestGlare:
    def test_theirs_during_ours_gets_491(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.send("INVITE", body=RESUME)
        assert setup.peer.responses("INVITE") == [100, 491]
        assert not setup.phone.has(Reinvited)

    def test_theirs_while_our_offer_waits_for_its_answer_gets_491(self) -> None:
        setup = Setup()
        setup.send("INVITE")
        setup.do(setup.call.accept_reinvite, OFFER)
        setup.send("INVITE", body=HOLD)
        assert setup.peer.responses("INVITE") == [100, 200, 100, 491]

    @pytest.mark.parametrize(("kind", "low", "high"), [(Setup, 0.0, 2.0), (Called, 2.1, 4.0)])
    def test_ours_comes_again_after_a_time_that_differs_by_role(
        self, kind: type[Setup], low: float, high: float
    ) -> None:
        setup = kind()
        setup.do(setup.call.reinvite, HOLD)
        refused_at = setup.network.now
        setup.respond(491)
        setup.network.run(high + 0.1)
        assert (setup.invites(), setup.invite.body) == (2, HOLD)
        times = [s.time for s in setup.network.log if s.text == "INVITE"]
        assert low <= times[-1] - refused_at - 0.02 <= high
        setup.respond(200, body=ANSWER)
        assert setup.phone.has(ReinviteAnswered)
        assert not setup.phone.has(ReinviteRefused)

    def test_theirs_is_served_while_ours_waits_to_come_again(self) -> None:
        setup = Called()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(491)
        caller = Caller(
            setup.peer,
            ("10.0.0.1", 5060),
            call_id=setup.call.call_id,
            from_="<sip:bob@10.0.0.2>;tag=peer",
            to=str(setup.call.local),
            target=str(setup.invite.contacts[0].uri),
        )
        caller.invite(RESUME)
        setup.network.run(0.1)
        assert setup.phone.has(Reinvited)
        setup.do(setup.call.accept_reinvite, ANSWER)
        setup.network.run(5)
        assert setup.invites() == 1
        caller.ack()
        setup.network.run(0.1)
        assert setup.invites() == 2

    def test_a_newer_wish_replaces_the_one_that_waits(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(491)
        setup.phone.do(setup.call.reinvite, RESUME)
        setup.network.run(2.1)
        assert setup.invite.body == RESUME
        setup.respond(200, body=ANSWER)
        setup.network.run(5)
        assert setup.invites() == 2

    def test_a_newer_wish_replaces_the_one_that_collided(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.do(setup.call.reinvite, RESUME)
        setup.respond(491)
        setup.network.run(2.1)
        assert setup.invite.body == RESUME

    def test_a_peer_that_always_says_491_is_not_asked_for_ever(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        for _ in range(10):
            setup.respond(491)
            setup.network.run(2.1)
        assert setup.invites() == 7
        assert setup.phone.next(ReinviteRefused).code == 491

    def test_ours_does_not_come_again_after_the_end(self) -> None:
        setup = Setup()
        setup.do(setup.call.reinvite, HOLD)
        setup.respond(491)
        setup.do(setup.call.hangup)
        setup.network.run(60)
        assert setup.invites() == 1

    def test_two_phones_that_ask_at_once_both_get_their_way(self) -> None:
        network = Network()
        alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
        call = alice.call("sip:bob@10.0.0.2")
        network.run(0.1)
        theirs = bob.next(IncomingCall).session
        bob.do(theirs.answer, ANSWER)
        network.run(0.1)
        for phone, session in ((alice, call), (bob, theirs)):
            phone.react = lambda event, phone=phone: (
                event.session.accept_reinvite(ANSWER, network.now)
                if isinstance(event, Reinvited)
                else None
            )
            phone.do(session.reinvite, HOLD)
        network.run(0.05)
        assert network.ladder().count("1 > 2 491 INVITE") == 1
        assert network.ladder().count("2 > 1 491 INVITE") == 1
        network.run(10)
        assert alice.has(ReinviteAnswered) and bob.has(ReinviteAnswered)
        assert not alice.has(ReinviteRefused) and not bob.has(ReinviteRefused)

"""The callee's side of a first INVITE, against a scripted caller."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import StateError
from platypus.sip.events import Acknowledged, IncomingCall, Reinvited, SessionEnded
from platypus.sip.session import Session
from platypus.sip.session_state import SessionState
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Peer


class Setup:
    """A caller, and a phone that answers when the test says so."""

    def __init__(self, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")
        self.caller = Caller(self.peer, ("10.0.0.1", 5060))

    def ring(self, body: bytes = OFFER, **options: Any) -> Session:
        self.caller.invite(body, **options)
        self.network.run(0.1)
        return self.phone.next(IncomingCall).session

    def answer(self, call: Session, body: bytes = ANSWER) -> None:
        self.phone.do(call.answer, body)
        self.network.run(0.1)
        self.caller.answered()

    def confirm(self, body: bytes = OFFER) -> Session:
        call = self.ring(body)
        self.answer(call)
        self.caller.ack()
        self.network.run(0.1)
        return call

    def do(self, action: Any, *arguments: Any, **options: Any) -> None:
        self.phone.do(action, *arguments, **options)
        self.network.run(0.1)

    def send(self, method: str, **options: Any) -> None:
        self.caller.request(method, **options)
        self.network.run(0.1)

    def ended(self) -> SessionEnded:
        return self.phone.next(SessionEnded)


class TestRinging:
    def test_the_call_is_told_with_its_offer(self) -> None:
        setup = Setup()
        call = setup.ring(headers=[("Allow", "INVITE, ACK, bye, UPDATE")])
        assert call.role == "uas"
        assert call.state is SessionState.CALLING
        assert call.remote_body == OFFER
        assert call.remote_uri == "sip:peer@example.com"
        assert call.local_address == "10.0.0.1"
        assert call.remote_allow == {"INVITE", "ACK", "BYE", "UPDATE"}

    def test_100_comes_at_once_and_makes_no_dialog(self) -> None:
        setup = Setup()
        setup.ring(headers=[("Timestamp", "54")])
        trying = setup.peer.response(100)
        assert trying.to.tag is None
        assert trying.headers.get("Timestamp") == "54"

    def test_180_makes_an_early_dialog(self) -> None:
        setup = Setup()
        call = setup.ring(headers=[("Record-Route", "<sip:10.0.0.8;lr>")])
        setup.do(call.ring)
        ringing = setup.peer.response(180)
        assert ringing.to.tag == call.local_tag
        assert str(ringing.contacts[0].uri) == "sip:phone@10.0.0.1:5060"
        assert [str(route.uri) for route in ringing.record_routes] == ["sip:10.0.0.8;lr"]
        assert call.state is SessionState.RINGING

    def test_a_repeated_invite_gets_180_again_and_is_told_once(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.ring)
        setup.caller.invite(branch=setup.caller.branch)
        setup.network.run(0.1)
        assert setup.peer.responses() == [100, 180, 180]
        assert not setup.phone.has(IncomingCall)

    def test_180_comes_again_every_minute(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.ring)
        setup.network.run(181)
        assert setup.peer.responses() == [100, 180, 180, 180, 180]

    def test_early_media_carries_the_answer(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.progress, 183, ANSWER)
        assert setup.peer.response(183).body == ANSWER
        setup.do(call.answer, None)
        assert setup.peer.response(200).body == ANSWER

    def test_no_offer_goes_into_a_response_that_may_be_lost(self) -> None:
        setup = Setup()
        call = setup.ring(b"")
        setup.do(call.progress, 183, OFFER)
        assert setup.peer.response(183).body == b""

    def test_nobody_rings_for_ever(self) -> None:
        setup = Setup(ring_limit=120)
        call = setup.ring()
        setup.do(call.ring)
        setup.network.run(121)
        assert setup.ended().code == 480
        assert setup.peer.response(480)

    def test_the_callers_expires_is_respected(self) -> None:
        setup = Setup()
        setup.ring(headers=[("Expires", "20")])
        setup.network.run(21)
        assert setup.ended().code == 487
        assert setup.peer.response(487)

    @pytest.mark.parametrize("status", [100, 200, 99, 486])
    def test_only_provisional_statuses_are_progress(self, status: int) -> None:
        setup = Setup()
        call = setup.ring()
        with pytest.raises(ValueError):
            call.progress(status, None, setup.network.now)

    def test_a_call_has_the_account_it_came_for(self) -> None:
        setup = Setup()
        for user in ("bob", "alice"):
            setup.phone.agent.register(AccountSettings(aor=f"sip:{user}@example.com"), 0.0)
        setup.caller.target = "sip:alice@10.0.0.1"
        account = setup.ring().account
        assert account is not None and account.aor == "sip:alice@example.com"

    def test_a_call_to_nobody_we_know_has_no_account(self) -> None:
        setup = Setup()
        setup.phone.agent.register(AccountSettings(aor="sip:bob@example.com"), 0.0)
        assert setup.ring().account is None


class TestAnswering:
    def test_200_carries_answer_contact_and_what_we_can_do(self) -> None:
        setup = Setup()
        call = setup.ring(headers=[("Record-Route", "<sip:10.0.0.8;lr>")])
        setup.answer(call)
        answer = setup.peer.response(200)
        assert (answer.body, answer.content_type) == (ANSWER, "application/sdp")
        assert answer.to.tag == call.local_tag
        assert str(answer.contacts[0].uri) == "sip:phone@10.0.0.1:5060"
        assert "BYE" in answer.allow
        assert [str(route.uri) for route in answer.record_routes] == ["sip:10.0.0.8;lr"]
        assert call.state is SessionState.ANSWERING

    def test_the_ack_confirms(self) -> None:
        setup = Setup()
        call = setup.confirm()
        assert call.state is SessionState.CONFIRMED
        assert setup.phone.next(Acknowledged).body is None

    def test_200_is_repeated_from_t1_to_t2_until_the_ack(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.phone.do(call.answer, ANSWER)
        start = setup.network.now
        setup.network.run(12)
        times = [s.time - start for s in setup.network.log if s.text == "200 INVITE"]
        assert times == pytest.approx([0, 0.5, 1.5, 3.5, 7.5, 11.5])
        setup.caller.answered()
        setup.caller.ack()
        setup.network.run(20)
        assert setup.peer.responses().count(200) == 6

    def test_200_is_repeated_over_tcp_too(self) -> None:
        setup = Setup()
        call = setup.ring(transport="tcp")
        setup.do(call.answer, ANSWER)
        setup.network.run(1)
        assert setup.peer.responses().count(200) == 2

    def test_without_an_ack_the_call_ends_with_bye(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.network.run(31.5)
        assert not setup.phone.has(SessionEnded)
        setup.network.run(1)
        assert setup.ended().by == "local"
        assert setup.peer.request("BYE").to.tag == "peer"

    def test_at_the_end_of_the_program_bye_does_not_wait_for_the_ack(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.do(call.hangup)
        assert not setup.phone.agent.idle
        assert not setup.peer.requests("BYE")
        setup.do(setup.phone.agent.leave)
        assert setup.peer.request("BYE").to.tag == "peer"

    def test_a_repeated_ack_is_told_once(self) -> None:
        setup = Setup()
        setup.confirm()
        setup.caller.ack()
        setup.network.run(0.1)
        setup.phone.next(Acknowledged)
        assert not setup.phone.has(Acknowledged)

    def test_an_ack_in_the_transaction_of_the_invite_counts(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.caller._send("ACK", 1, branch=setup.caller.branch)
        setup.network.run(0.1)
        assert call.state is SessionState.CONFIRMED

    def test_an_ack_with_another_number_does_not_confirm(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.caller.ack(cseq=7)
        setup.network.run(0.1)
        assert call.state is SessionState.ANSWERING

    def test_an_invite_without_an_offer_is_answered_with_one(self) -> None:
        setup = Setup()
        call = setup.ring(b"")
        assert call.remote_body is None
        setup.answer(call, OFFER)
        assert setup.peer.response(200).body == OFFER
        setup.caller.ack(ANSWER)
        setup.network.run(0.1)
        assert setup.phone.next(Acknowledged).body == ANSWER
        assert call.remote_body == ANSWER

    def test_an_answer_needs_a_body(self) -> None:
        setup = Setup()
        call = setup.ring()
        with pytest.raises(ValueError):
            call.answer(None, setup.network.now)

    def test_is_answered_once(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        now = setup.network.now
        for action in (
            lambda: call.ring(now),
            lambda: call.progress(183, None, now),
            lambda: call.answer(ANSWER, now),
            lambda: call.reject(486, now),
            lambda: call.redirect([], now),
        ):
            with pytest.raises(StateError):
                action()


class TestRefusing:
    @pytest.mark.parametrize("status", [404, 486, 488, 603])
    def test_ends_with_the_status(self, status: int) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.reject, status, headers=[("Retry-After", "9")])
        assert setup.peer.response(status).headers.get("Retry-After") == "9"
        assert (setup.ended().code, call.state) == (status, SessionState.ENDED)

    def test_is_repeated_until_acknowledged(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.reject, 486)
        setup.network.run(2)
        repeated = setup.peer.responses().count(486)
        assert repeated == 3
        setup.caller.ack_refusal()
        setup.network.run(40)
        assert setup.peer.responses().count(486) == repeated
        assert setup.phone.agent.transactions == 0

    def test_hanging_up_refuses(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.hangup)
        assert setup.peer.response(486)
        assert setup.ended().by == "local"

    def test_a_redirection_names_its_targets(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.redirect, ["sip:desk@example.com", "sip:mobile@example.com"])
        targets = [str(contact.uri) for contact in setup.peer.response(302).contacts]
        assert targets == ["sip:desk@example.com", "sip:mobile@example.com"]
        assert setup.ended().code == 302

    @pytest.mark.parametrize("status", [180, 200, 700])
    def test_only_refusals_refuse(self, status: int) -> None:
        setup = Setup()
        call = setup.ring()
        with pytest.raises(ValueError):
            call.reject(status, setup.network.now)
        setup.do(call.ring)


class TestGivenUp:
    def test_cancel_ends_a_ringing_call(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.ring)
        setup.caller.cancel()
        setup.network.run(0.1)
        assert setup.peer.responses() == [100, 180, 200, 487]
        assert setup.peer.response(200).cseq.method == "CANCEL"
        assert setup.peer.response(200).to.tag == setup.peer.response(487).to.tag
        ended = setup.ended()
        assert (ended.code, ended.by, ended.elsewhere) == (487, "remote", False)

    @pytest.mark.parametrize(
        ("reason", "elsewhere"),
        [
            ('SIP;cause=200;text="Call completed elsewhere"', True),
            ("Q.850;cause=16, SIP ;cause=200", True),
            ('SIP;text="a";cause=200', True),
            ("SIP;cause=487", False),
            ("Q.850;cause=200", False),
            ("SIP;cause=2001", False),
        ],
    )
    def test_another_phone_may_have_answered(self, reason: str, elsewhere: bool) -> None:
        setup = Setup()
        setup.ring()
        setup.caller.cancel(headers=[("Reason", reason)])
        setup.network.run(0.1)
        assert setup.ended().elsewhere is elsewhere

    def test_cancel_after_the_answer_changes_nothing(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.answer, ANSWER)
        setup.caller.cancel()
        setup.network.run(0.1)
        assert setup.peer.responses("CANCEL") == [200]
        assert call.state is SessionState.ANSWERING

    def test_cancel_for_nothing_gets_481(self) -> None:
        setup = Setup()
        setup.caller.branch = "z9hG4bKnothing"
        setup.caller.cancel()
        setup.network.run(0.1)
        assert setup.peer.responses() == [481]

    def test_bye_ends_a_ringing_call_too(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.do(call.ring)
        setup.caller.to = setup.peer.response(180).headers.get("To") or ""
        setup.send("BYE")
        assert setup.peer.responses("BYE") == [200]
        assert setup.peer.responses("INVITE") == [100, 180, 487]
        assert setup.ended().code == 487


class TestHangingUp:
    def test_bye_from_the_caller(self) -> None:
        setup = Setup()
        call = setup.confirm()
        setup.send("BYE")
        assert setup.peer.responses("BYE") == [200]
        ended = setup.ended()
        assert (ended.code, ended.by) == (200, "remote")
        assert call.state is SessionState.ENDED
        assert setup.phone.agent.sessions == ()

    def test_bye_before_the_ack_ends_the_repeated_200(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.send("BYE")
        count = setup.peer.responses("INVITE").count(200)
        setup.network.run(40)
        assert setup.peer.responses("INVITE").count(200) == count
        assert setup.phone.agent.timers == 0

    def test_bye_to_the_caller(self) -> None:
        setup = Setup()
        call = setup.confirm()
        setup.do(call.hangup, headers=[("Reason", "SIP;cause=200")])
        bye = setup.peer.request("BYE")
        assert str(bye.uri) == setup.peer.uri
        assert bye.from_.tag == call.local_tag and bye.to.tag == "peer"
        assert bye.headers.get("Reason") == "SIP;cause=200"
        assert (setup.ended().code, setup.phone.agent.idle) == (200, False)
        setup.peer.respond(bye, 200)
        setup.network.run(0.1)
        assert setup.phone.agent.idle

    def test_bye_waits_for_the_ack(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.do(call.hangup)
        assert setup.ended().by == "local"
        assert setup.peer.requests("BYE") == []
        assert not setup.phone.agent.idle
        setup.caller.ack()
        setup.network.run(0.1)
        assert setup.peer.requests("BYE")
        assert not setup.phone.has(Acknowledged)

    def test_a_call_that_waits_to_be_hung_up_can_not_be_changed(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.do(call.hangup)
        setup.send("INVITE", body=OFFER)
        assert setup.peer.responses("INVITE")[-1] == 481
        assert not setup.phone.has(Reinvited)

    def test_bye_from_both_sides_before_the_ack_leaves_nothing(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.do(call.hangup)
        setup.send("BYE")
        assert setup.peer.responses("BYE") == [200]
        assert setup.phone.agent.idle

    def test_bye_comes_even_if_the_ack_never_does(self) -> None:
        setup = Setup()
        call = setup.ring()
        setup.answer(call)
        setup.do(call.hangup)
        setup.network.run(33)
        assert setup.peer.requests("BYE")
        setup.network.settle()
        assert setup.phone.agent.timers == 0

    def test_bye_goes_by_the_record_route(self) -> None:
        setup = Setup()
        proxy = Peer(setup.network, "10.0.0.8")
        setup.caller.invite(headers=[("Record-Route", "<sip:10.0.0.8;lr>")])
        setup.network.run(0.1)
        call = setup.phone.next(IncomingCall).session
        setup.answer(call)
        setup.caller.ack()
        setup.network.run(0.1)
        setup.do(call.hangup)
        assert str(proxy.request("BYE").uri) == setup.peer.uri

    def test_a_repeated_bye_gets_its_200_again(self) -> None:
        setup = Setup()
        setup.confirm()
        for _ in range(2):
            setup.peer.send(
                "BYE",
                setup.caller.target,
                setup.caller.phone,
                to=setup.caller.to,
                cseq=2,
                branch="z9hG4bKbye",
            )
            setup.network.run(0.1)
        assert setup.peer.responses("BYE") == [200, 200]

    def test_a_call_that_ended_knows_nothing_more(self) -> None:
        setup = Setup()
        call = setup.confirm()
        setup.send("BYE")
        setup.send("BYE")
        assert setup.peer.responses("BYE") == [200, 481]
        with pytest.raises(StateError):
            call.reinvite(OFFER, setup.network.now)
        call.hangup(setup.network.now)

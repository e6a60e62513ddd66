"""The caller's side of a first INVITE, against a scripted callee."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import ProtocolError, StateError
from platypus.sip.calling import MAX_GOODBYES, MAX_LEGS
from platypus.sip.events import Answered, Progressed, Redirected, SessionEnded
from platypus.sip.flow import Hop
from platypus.sip.message import Request
from platypus.sip.session import Session
from platypus.sip.session_state import SessionState
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Peer

ALICE = AccountSettings(aor="sip:alice@example.com", password="secret", display_name="Alice")
CHALLENGE = 'Digest realm="{}", nonce="n{}", algorithm=MD5, qop="auth"'


class Setup:
    """A phone that calls, and a callee that answers when the test says so."""

    def __init__(self, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")

    def call(self, target: str = "sip:bob@10.0.0.2", **options: Any) -> Session:
        call = self.phone.call(target, **options)
        self.network.run(0.1)
        return call

    @property
    def invite(self) -> Request:
        return self.peer.request("INVITE")

    def invites(self) -> int:
        """INVITEs so far, retransmissions not counted."""
        return len({request.cseq.number for request in self.peer.requests("INVITE")})

    def respond(self, status: int, **options: Any) -> None:
        self.peer.respond(self.invite, status, **options)
        self.network.run(0.1)

    def ended(self) -> SessionEnded:
        return self.phone.next(SessionEnded)


class TestRequest:
    def test_carries_what_a_callee_needs(self) -> None:
        setup = Setup()
        call = setup.call(account=ALICE, headers=[("X-Note", "hello")])
        invite = setup.invite
        assert str(invite.uri) == "sip:bob@10.0.0.2"
        assert str(invite.from_.uri) == "sip:alice@example.com"
        assert invite.from_.display_name == "Alice"
        assert invite.from_.tag == call.local_tag
        assert str(invite.to) == "<sip:bob@10.0.0.2>"
        assert str(invite.contacts[0].uri) == "sip:alice@10.0.0.1:5060"
        assert invite.max_forwards == 70
        assert {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"} <= set(invite.allow)
        assert invite.headers.get("X-Note") == "hello"
        assert (invite.content_type, invite.body) == ("application/sdp", OFFER)
        assert invite.via.wants_rport

    def test_without_an_account_the_caller_is_our_address(self) -> None:
        setup = Setup()
        setup.call()
        assert str(setup.invite.from_.uri) == "sip:platypus@10.0.0.1:5060"

    def test_the_way_is_known_once_it_is_taken(self) -> None:
        setup = Setup()
        call = setup.call()
        assert call.local_address == "10.0.0.1"
        assert call.flow is not None and call.flow.remote == setup.peer.address

    def test_a_body_that_needs_the_address_is_made_when_it_is_known(self) -> None:
        setup = Setup()
        setup.call(body=lambda address: f"v=0 {address}".encode())
        assert setup.invite.body == b"v=0 10.0.0.1"

    def test_without_a_body_there_is_no_content_type(self) -> None:
        setup = Setup()
        setup.call(body=None)
        assert setup.invite.body == b""
        assert setup.invite.content_type is None

    def test_headers_of_the_target_are_no_part_of_the_request_uri(self) -> None:
        setup = Setup()
        setup.call("sip:bob@10.0.0.2;method=BYE?Subject=x")
        assert str(setup.invite.uri) == "sip:bob@10.0.0.2"

    def test_an_outbound_proxy_is_the_first_route(self) -> None:
        setup = Setup()
        account = AccountSettings(aor="sip:a@example.com", outbound_proxy="sip:10.0.0.2")
        setup.call("sip:bob@elsewhere.test", account=account)
        assert str(setup.invite.uri) == "sip:bob@elsewhere.test"
        assert [str(route.uri) for route in setup.invite.routes] == ["sip:10.0.0.2;lr"]

    def test_a_target_that_is_none_is_refused_at_once(self) -> None:
        setup = Setup()
        for target in ("bob", "tel:+123", "sip:"):
            with pytest.raises(ProtocolError):
                setup.call(target)
        assert setup.phone.agent.sessions == ()

    def test_an_outbound_proxy_that_is_none_is_refused_at_once(self) -> None:
        setup = Setup()
        account = AccountSettings(aor="sip:a@example.com", outbound_proxy="proxy")
        with pytest.raises(ProtocolError):
            setup.call(account=account)
        assert setup.phone.agent.sessions == ()

    @pytest.mark.parametrize("header", [("X", "a\r\nVia: b"), ("Via", "x"), ("call-id", "x")])
    def test_headers_that_would_break_the_message_are_refused(self, header: Any) -> None:
        setup = Setup()
        with pytest.raises(ValueError):
            setup.call(headers=[header])
        assert setup.phone.agent.sessions == ()

    def test_too_many_calls_are_refused(self) -> None:
        setup = Setup(max_sessions=2)
        setup.call()
        setup.call()
        with pytest.raises(StateError):
            setup.call()


class TestProgress:
    def test_ringing_is_told_with_its_leg(self) -> None:
        setup = Setup()
        call = setup.call()
        assert call.state is SessionState.CALLING
        setup.respond(100, tag="")
        assert not setup.phone.has(Progressed)
        setup.respond(180)
        progressed = setup.phone.next(Progressed)
        assert (progressed.response.status, progressed.leg, progressed.body) == (180, "peer", None)
        assert call.state is SessionState.RINGING

    def test_early_media_brings_the_answer(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(183, body=ANSWER)
        assert setup.phone.next(Progressed).body == ANSWER

    def test_a_body_is_no_early_answer_where_nothing_was_offered(self) -> None:
        setup = Setup()
        setup.call(body=None)
        setup.respond(183, body=OFFER)
        assert setup.phone.next(Progressed).body is None

    def test_every_fork_has_a_leg_of_its_own(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(180, tag="desk")
        setup.respond(183, tag="mobile", body=ANSWER)
        legs = [setup.phone.next(Progressed).leg, setup.phone.next(Progressed).leg]
        assert legs == ["desk", "mobile"]

    def test_a_hop_that_only_says_100_is_not_waited_for_for_ever(self) -> None:
        setup = Setup(silence_limit=60)
        setup.call()
        setup.respond(100, tag="")
        setup.network.run(61)
        assert setup.ended().code == 408
        assert setup.peer.requests("CANCEL")

    def test_ringing_may_last(self) -> None:
        setup = Setup(silence_limit=60)
        setup.call()
        setup.respond(100, tag="")
        setup.respond(180)
        setup.network.run(590)
        assert not setup.phone.has(SessionEnded)

    def test_ringing_and_nothing_more_is_given_up(self) -> None:
        setup = Setup(ring_limit=300)
        setup.call()
        setup.respond(180)
        setup.network.run(301)
        ended = setup.ended()
        assert (ended.code, ended.by, ended.reason) == (487, "local", "nobody answered")
        assert len(setup.peer.requests("CANCEL")) >= 1

    def test_an_invitation_that_expires_is_taken_back_then(self) -> None:
        setup = Setup()
        setup.call(headers=[("Expires", "20")])
        for _ in range(3):
            setup.respond(180)
            setup.network.run(6)
        assert not setup.phone.has(SessionEnded)
        setup.network.run(3)
        assert setup.ended().code == 487
        assert setup.peer.requests("CANCEL")

    def test_whoever_says_again_that_it_rings_is_waited_for(self) -> None:
        setup = Setup(ring_limit=300)
        setup.call()
        for _ in range(4):
            setup.respond(180)
            setup.network.run(200)
        assert not setup.phone.has(SessionEnded)


class TestAnswer:
    def test_is_acknowledged_at_the_callees_contact(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(200, contact="sip:bob@10.0.0.2:5060;line=1", body=ANSWER)
        answered = setup.phone.next(Answered)
        assert (answered.body, answered.body_is) == (ANSWER, "answer")
        assert call.state is SessionState.CONFIRMED
        ack = setup.peer.request("ACK")
        assert str(ack.uri) == "sip:bob@10.0.0.2:5060;line=1"
        assert ack.to.tag == "peer"
        assert ack.cseq.number == setup.invite.cseq.number
        assert ack.via.branch != setup.invite.via.branch
        assert ack.body == b""

    def test_goes_by_the_record_route_in_reverse(self) -> None:
        setup = Setup()
        first, second = Peer(setup.network, "10.0.0.7"), Peer(setup.network, "10.0.0.8")
        setup.call()
        routes = [("Record-Route", "<sip:10.0.0.8;lr>, <sip:10.0.0.7;lr>")]
        setup.respond(200, contact="sip:bob@10.9.9.9", body=ANSWER, headers=routes)
        ack = first.request("ACK")
        assert str(ack.uri) == "sip:bob@10.9.9.9"
        assert [str(route.uri) for route in ack.routes] == ["sip:10.0.0.7;lr", "sip:10.0.0.8;lr"]
        assert second.inbox == []

    def test_the_2xx_has_the_last_word_on_the_target(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(180, contact="sip:early@10.0.0.2")
        setup.respond(200, contact="sip:late@10.0.0.2", body=ANSWER)
        assert str(setup.peer.request("ACK").uri) == "sip:late@10.0.0.2"

    def test_requests_after_a_challenge_have_higher_numbers_than_the_invite(self) -> None:
        setup = Setup()
        call = setup.call(account=ALICE)
        setup.respond(180)
        setup.respond(401, headers=[("WWW-Authenticate", CHALLENGE.format("r", 1))])
        setup.respond(200, body=ANSWER)
        setup.phone.do(call.hangup)
        setup.network.run(0.1)
        assert setup.peer.request("BYE").cseq.number == setup.invite.cseq.number + 1

    def test_the_way_is_looked_up_once(self) -> None:
        setup = Setup()
        setup.network.names["proxy.test"] = [Hop("udp", "10.0.0.2", 5060)]
        call = setup.call()
        asked: list[str] = []
        resolve = setup.phone._resolve
        setup.phone._resolve = lambda uri: (asked.append(uri), resolve(uri))[1]  # type: ignore[method-assign,func-returns-value]
        routes = [("Record-Route", "<sip:proxy.test;lr>")]
        setup.respond(200, body=ANSWER, headers=routes)
        setup.phone.do(call.hangup)
        setup.network.run(0.1)
        assert setup.peer.requests("ACK") and setup.peer.requests("BYE")
        assert asked == ["sip:proxy.test;lr"]

    def test_a_repeated_2xx_gets_the_same_ack_again_and_is_told_once(self) -> None:
        setup = Setup()
        setup.call()
        for _ in range(3):
            setup.respond(200, body=ANSWER)
        acks = setup.peer.requests("ACK")
        assert len(acks) == 3 and acks[0] == acks[2]
        setup.phone.next(Answered)
        assert not setup.phone.has(Answered)

    def test_the_early_answer_stands_where_the_2xx_has_none(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(183, body=ANSWER)
        setup.respond(200)
        assert setup.phone.next(Answered).body == ANSWER

    def test_the_early_answer_of_another_leg_does_not(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(183, tag="other", body=ANSWER)
        setup.respond(200)
        assert setup.phone.next(Answered).body_is is None

    def test_a_fork_that_answers_too_late_gets_ack_and_bye(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(180, tag="mobile")
        setup.respond(200, tag="desk", body=ANSWER)
        setup.respond(200, tag="mobile", body=ANSWER)
        setup.respond(200, tag="mobile", body=ANSWER)
        acks = [request.to.tag for request in setup.peer.requests("ACK")]
        assert acks == ["desk", "mobile", "mobile"]
        assert {request.to.tag for request in setup.peer.requests("BYE")} == {"mobile"}
        assert call.state is SessionState.CONFIRMED
        assert call.remote.tag == "desk"

    def test_an_offer_in_the_2xx_is_answered_in_the_ack(self) -> None:
        setup = Setup()
        call = setup.call(body=None)
        setup.respond(200, body=OFFER)
        answered = setup.phone.next(Answered)
        assert (answered.body, answered.body_is) == (OFFER, "offer")
        assert call.state is SessionState.ANSWERING
        assert setup.peer.requests("ACK") == []
        setup.respond(200, body=OFFER)
        assert setup.peer.requests("ACK") == []
        setup.phone.do(call.acknowledge, ANSWER)
        setup.network.run(0.1)
        ack = setup.peer.request("ACK")
        assert (ack.body, ack.content_type) == (ANSWER, "application/sdp")
        assert call.state is SessionState.CONFIRMED

    def test_nothing_is_acknowledged_twice(self) -> None:
        setup = Setup()
        call = setup.call(body=None)
        setup.respond(200, body=OFFER)
        setup.phone.do(call.acknowledge, ANSWER)
        with pytest.raises(StateError):
            setup.phone.do(call.acknowledge, ANSWER)

    def test_hanging_up_instead_of_answering_the_offer_acknowledges_it_first(self) -> None:
        setup = Setup()
        call = setup.call(body=None)
        setup.respond(200, body=OFFER)
        setup.phone.do(call.hangup)
        setup.network.run(0.1)
        methods = [m.method for m, _ in setup.peer.inbox if isinstance(m, Request)]
        assert methods == ["INVITE", "ACK", "BYE"]


class TestRefusal:
    @pytest.mark.parametrize("status", [404, 486, 500, 503, 603])
    def test_ends_the_call_with_its_status(self, status: int) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(status, reason="No Way")
        ended = setup.ended()
        assert (ended.code, ended.reason, ended.by) == (status, "No Way", "remote")
        assert call.state is SessionState.ENDED
        assert setup.peer.request("ACK").via.branch == setup.invite.via.branch

    def test_silence_ends_the_call_without_a_code(self) -> None:
        setup = Setup()
        setup.call()
        setup.network.run(32)
        ended = setup.ended()
        assert (ended.code, ended.by) == (None, "remote")
        assert "10.0.0.2" in ended.reason

    def test_a_name_that_does_not_resolve_is_named(self) -> None:
        setup = Setup()
        setup.call("sip:bob@nowhere.test")
        ended = setup.ended()
        assert ended.code is None and "nowhere.test" in ended.reason

    def test_the_next_hop_is_tried_where_one_is_silent(self) -> None:
        setup = Setup()
        setup.network.names["pbx.test"] = [Hop("udp", f"10.0.0.{n}", 5060) for n in (7, 2)]
        silent = Peer(setup.network, "10.0.0.7")
        setup.call("sip:bob@pbx.test")
        assert silent.requests("INVITE")
        setup.network.run(32)
        setup.respond(200, body=ANSWER)
        assert setup.phone.has(Answered)

    def test_a_503_after_ringing_is_the_end_and_no_reason_to_ring_elsewhere(self) -> None:
        setup = Setup()
        setup.network.names["pbx.test"] = [Hop("udp", f"10.0.0.{n}", 5060) for n in (2, 7)]
        other = Peer(setup.network, "10.0.0.7")
        setup.call("sip:bob@pbx.test")
        setup.respond(180)
        setup.respond(503)
        assert setup.ended().code == 503
        assert other.inbox == []

    def test_a_resolver_that_never_answers_is_not_waited_for(self) -> None:
        setup = Setup()
        setup.phone._perform = lambda effect: None  # type: ignore[method-assign]
        setup.call()
        setup.network.run(33)
        assert setup.ended().code is None


class TestCredentials:
    @pytest.mark.parametrize(
        ("status", "asks", "carries"),
        [
            (401, "WWW-Authenticate", "Authorization"),
            (407, "Proxy-Authenticate", "Proxy-Authorization"),
        ],
    )
    def test_a_challenge_is_answered(self, status: int, asks: str, carries: str) -> None:
        setup = Setup()
        setup.call(account=ALICE)
        first = setup.invite
        setup.respond(status, headers=[(asks, CHALLENGE.format("r", 1))])
        second = setup.invite
        assert carries in second.headers
        assert second.cseq.number == first.cseq.number + 1
        assert second.call_id == first.call_id
        assert second.from_.tag == first.from_.tag and second.to.tag is None
        assert second.via.branch != first.via.branch
        setup.respond(200, body=ANSWER)
        assert carries in setup.peer.request("ACK").headers
        assert setup.peer.request("ACK").cseq.number == second.cseq.number

    def test_a_proxy_and_the_callee_may_both_ask(self) -> None:
        setup = Setup()
        setup.call(account=ALICE)
        setup.respond(407, headers=[("Proxy-Authenticate", CHALLENGE.format("proxy", 1))])
        setup.respond(401, headers=[("WWW-Authenticate", CHALLENGE.format("callee", 2))])
        assert {"Authorization", "Proxy-Authorization"} <= {n for n, _ in setup.invite.headers}

    def test_refused_credentials_end_the_call(self) -> None:
        setup = Setup()
        setup.call(account=ALICE)
        for nonce in (1, 2, 3):
            setup.respond(401, headers=[("WWW-Authenticate", CHALLENGE.format("r", nonce))])
        ended = setup.ended()
        assert ended.code == 401 and "password" in ended.reason
        assert setup.invites() == 2

    def test_ever_new_challenges_end_the_call(self) -> None:
        setup = Setup()
        setup.call(account=ALICE)
        for nonce in range(20):
            realm = f"realm-{nonce}"
            setup.respond(401, headers=[("WWW-Authenticate", CHALLENGE.format(realm, nonce))])
        assert setup.ended().code == 401
        assert setup.invites() <= 5

    def test_without_a_password_the_reason_says_so(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(407, headers=[("Proxy-Authenticate", CHALLENGE.format("r", 1))])
        assert "password" in setup.ended().reason

    def test_a_bye_may_be_challenged(self) -> None:
        setup = Setup()
        call = setup.call(account=ALICE)
        setup.respond(200, body=ANSWER)
        setup.phone.do(call.hangup)
        setup.network.run(0.1)
        bye = setup.peer.request("BYE")
        challenge = [("Proxy-Authenticate", CHALLENGE.format("r", 1))]
        setup.peer.respond(bye, 407, headers=challenge)
        setup.network.run(0.1)
        again = setup.peer.request("BYE")
        assert "Proxy-Authorization" in again.headers
        assert again.cseq.number == bye.cseq.number + 1


class TestRedirection:
    def test_is_followed_in_the_same_call(self) -> None:
        setup = Setup()
        other = Peer(setup.network, "10.0.0.3")
        call = setup.call()
        setup.respond(302, headers=[("Contact", "<sip:bob@10.0.0.3>")], contact="")
        assert setup.phone.next(Redirected).targets == ("sip:bob@10.0.0.3",)
        invite = other.request("INVITE")
        assert str(invite.uri) == "sip:bob@10.0.0.3"
        assert str(invite.to.uri) == "sip:bob@10.0.0.2"
        assert (invite.call_id, invite.cseq.number) == (call.call_id, 2)
        assert invite.body == OFFER
        other.respond(invite, 200, body=ANSWER)
        setup.network.run(0.1)
        assert setup.phone.next(Answered).session is call

    def test_of_a_safe_call_is_not_followed_to_where_it_may_be_heard(self) -> None:
        setup = Setup()
        other = Peer(setup.network, "10.0.0.3")
        setup.phone.call("sips:bob@10.0.0.2;transport=tls")
        setup.network.run(0.1)
        setup.respond(302, headers=[("Contact", "<sip:bob@10.0.0.3>")], contact="")
        assert setup.ended().code == 302
        assert other.inbox == []

    def test_the_best_target_comes_first_and_the_next_after_it_refused(self) -> None:
        setup = Setup()
        third, fourth = Peer(setup.network, "10.0.0.3"), Peer(setup.network, "10.0.0.4")
        setup.call()
        contacts = "<sip:bob@10.0.0.3>;q=0.2, <sip:bob@10.0.0.4>;q=0.9, <tel:+1>"
        setup.respond(300, headers=[("Contact", contacts)])
        assert setup.phone.next(Redirected).targets == ("sip:bob@10.0.0.4", "sip:bob@10.0.0.3")
        assert third.inbox == []
        fourth.respond(fourth.request("INVITE"), 404)
        setup.network.run(0.1)
        third.respond(third.request("INVITE"), 486)
        setup.network.run(0.1)
        assert setup.ended().code == 486

    def test_nothing_of_the_first_target_is_left(self) -> None:
        setup = Setup()
        other = Peer(setup.network, "10.0.0.3")
        call = setup.call()
        setup.respond(183, body=ANSWER)
        setup.respond(302, headers=[("Contact", "<sip:bob@10.0.0.3>")], contact="")
        assert call.dialog_with("peer") is None
        other.respond(other.request("INVITE"), 200)
        setup.network.run(0.1)
        assert setup.phone.next(Answered).body is None

    def test_a_decline_is_for_everybody(self) -> None:
        setup = Setup()
        third, fourth = Peer(setup.network, "10.0.0.3"), Peer(setup.network, "10.0.0.4")
        setup.call()
        setup.respond(300, headers=[("Contact", "<sip:b@10.0.0.3>, <sip:b@10.0.0.4>")])
        third.respond(third.request("INVITE"), 603)
        setup.network.run(0.1)
        assert setup.ended().code == 603
        assert fourth.inbox == []

    def test_a_circle_ends(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(302, headers=[("Contact", "<sip:bob@10.0.0.2>")])
        assert setup.ended().code == 302
        assert setup.invites() == 1

    def test_at_most_five_are_followed(self) -> None:
        setup = Setup()
        setup.call()
        for number in range(10):
            setup.respond(302, headers=[("Contact", f"<sip:bob{number}@10.0.0.2>")])
        assert setup.invites() == 6
        assert setup.ended().code == 302

    def test_a_hundred_contacts_in_one_are_not_all_tried(self) -> None:
        setup = Setup()
        setup.call()
        contacts = ", ".join(f"<sip:bob{number}@10.0.0.2>" for number in range(100))
        setup.respond(302, headers=[("Contact", contacts)])
        for _ in range(20):
            setup.respond(404)
        assert setup.invites() == 6

    def test_without_a_contact_the_call_ends(self) -> None:
        setup = Setup()
        setup.call()
        setup.respond(302)
        assert setup.ended().code == 302


class TestCancel:
    def test_while_ringing(self) -> None:
        setup = Setup()
        call = setup.call(account=ALICE)
        setup.respond(180)
        setup.phone.do(call.hangup, headers=[("Reason", "SIP;cause=200")])
        ended = setup.ended()
        assert (ended.code, ended.by) == (487, "local")
        setup.network.run(0.1)
        cancel, invite = setup.peer.request("CANCEL"), setup.invite
        assert cancel.via.branch == invite.via.branch
        assert (str(cancel.uri), cancel.call_id) == (str(invite.uri), invite.call_id)
        assert str(cancel.to) == str(invite.to) and str(cancel.from_) == str(invite.from_)
        assert str(cancel.cseq) == f"{invite.cseq.number} CANCEL"
        assert cancel.headers.get("Reason") == "SIP;cause=200"
        setup.peer.respond(cancel, 200)
        setup.respond(487)
        assert setup.peer.requests("ACK")
        setup.network.settle()
        assert setup.phone.agent.timers == 0

    def test_never_before_a_provisional_response(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.phone.do(call.hangup)
        setup.network.run(1)
        assert setup.peer.requests("CANCEL") == []
        setup.respond(100, tag="")
        assert len(setup.peer.requests("CANCEL")) == 1

    def test_is_sent_once_however_many_provisional_responses_come(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(180)
        setup.phone.do(call.hangup)
        setup.network.run(0.1)
        setup.peer.respond(setup.peer.request("CANCEL"), 200)
        setup.respond(180)
        setup.respond(183)
        assert len(setup.peer.requests("CANCEL")) == 1

    def test_a_call_not_sent_yet_is_never_sent(self) -> None:
        setup = Setup()
        setup.phone._perform = lambda effect: None  # type: ignore[method-assign]
        call = setup.call()
        setup.phone.do(call.hangup)
        assert setup.ended().code == 487
        assert setup.phone.agent.idle
        setup.network.settle()
        assert setup.network.log == []

    def test_a_2xx_that_crossed_it_gets_ack_and_bye(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(180)
        setup.phone.do(call.hangup)
        setup.respond(200, body=ANSWER)
        setup.network.run(0.1)
        assert setup.peer.requests("ACK") and setup.peer.requests("BYE")
        assert not setup.phone.has(Answered)

    def test_a_2xx_to_a_call_given_up_before_any_response_gets_ack_and_bye(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.phone.do(call.hangup)
        setup.respond(200, body=ANSWER)
        assert setup.peer.requests("ACK") and setup.peer.requests("BYE")
        assert setup.peer.requests("CANCEL") == []

    def test_a_final_response_that_never_comes_is_not_waited_for(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(180)
        setup.phone.do(call.hangup)
        setup.network.run(33)
        assert setup.phone.agent.transactions == 0
        assert setup.phone.agent.timers == 0

    def test_a_challenge_after_it_is_not_answered(self) -> None:
        setup = Setup()
        call = setup.call(account=ALICE)
        setup.phone.do(call.hangup)
        setup.respond(401, headers=[("WWW-Authenticate", CHALLENGE.format("r", 1))])
        assert setup.invites() == 1

    def test_a_redirection_after_it_is_not_followed(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.phone.do(call.hangup)
        setup.respond(302, headers=[("Contact", "<sip:bob2@10.0.0.2>")])
        assert setup.invites() == 1

    def test_another_hop_is_not_tried_after_it(self) -> None:
        setup = Setup()
        setup.network.names["pbx.test"] = [Hop("udp", f"10.0.0.{n}", 5060) for n in (7, 2)]
        Peer(setup.network, "10.0.0.7")
        call = setup.call("sip:bob@pbx.test")
        setup.phone.do(call.hangup)
        setup.network.run(100)
        assert setup.peer.inbox == []

    def test_hanging_up_twice_does_nothing_more(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.phone.do(call.hangup)
        setup.ended()
        setup.phone.do(call.hangup)
        assert not setup.phone.has(SessionEnded)


def test_forks_without_end_are_not_remembered_without_end() -> None:
    """Each is told that it was too late all the same (RFC 3261, 13.2.2.4)."""
    setup = Setup()
    call = setup.call()
    for number in range(100):
        setup.respond(180, tag=f"leg{number}")
    setup.respond(200, tag="winner", body=ANSWER)
    late = [f"late{number}" for number in range(MAX_GOODBYES + 100)]
    for tag in late:
        setup.peer.respond(setup.invite, 200, tag=tag, body=ANSWER)
    setup.network.run(0.1)
    assert call.calling is not None
    assert len(call.calling._legs) <= MAX_LEGS
    assert len(call.calling._acks) <= MAX_LEGS
    assert setup.phone.agent.transactions < MAX_GOODBYES + MAX_LEGS + 10
    assert {request.to.tag for request in setup.peer.requests("ACK")} == {"winner", *late}
    byes = setup.peer.requests("BYE")
    assert {request.to.tag for request in byes} == set(late)
    assert {request.cseq.number for request in byes} == {setup.invite.cseq.number + 1}
    assert call.state is SessionState.CONFIRMED
    setup.network.run(40)
    assert setup.phone.agent.transactions == 0


def test_the_answer_that_counts_is_acknowledged_again_after_any_number_of_others() -> None:
    setup = Setup()
    setup.call()
    setup.respond(200, tag="winner", body=ANSWER)
    for number in range(3 * MAX_LEGS):
        setup.respond(200, tag=f"late{number}", body=ANSWER)
    invite = setup.invite
    setup.peer.clear()
    setup.peer.respond(invite, 200, tag="winner", body=ANSWER)
    setup.network.run(0.1)
    assert [request.to.tag for request in setup.peer.requests("ACK")] == ["winner"]
    assert all(request.to.tag != "winner" for request in setup.peer.requests("BYE"))

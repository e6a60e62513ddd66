"""Reliable provisional responses, in both roles, against a scripted peer (RFC 3262)."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import StateError
from platypus.sip.events import (
    Acknowledged,
    Answered,
    IncomingCall,
    Progressed,
    Reinvited,
    SessionEnded,
)
from platypus.sip.message import Request, Response
from platypus.sip.provisional import parse_rack
from platypus.sip.session import Session
from platypus.sip.session_state import SessionState
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Peer

REQUIRED = [("Require", "100rel")]
SUPPORTED = [("Supported", "100rel")]


def reliable(rseq: int) -> list[tuple[str, str]]:
    return [("Require", "100rel"), ("RSeq", str(rseq))]


class Called:
    """A phone that is called."""

    def __init__(self, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")
        self.caller = Caller(self.peer, ("10.0.0.1", 5060))

    def ring(self, body: bytes = OFFER, **options: Any) -> Session:
        self.caller.invite(body, **{"headers": REQUIRED, **options})
        self.network.run(0.01)
        return self.phone.next(IncomingCall).session

    def do(self, action: Any, *arguments: Any) -> None:
        self.phone.do(action, *arguments)
        self.network.run(0.1)

    def sent(self, status: int) -> list[Response]:
        found = [m for m, _ in self.peer.inbox if isinstance(m, Response)]
        return [response for response in found if response.status == status]

    def prack(self, status: int = 180, *, rack: str = "", body: bytes = b"") -> None:
        response = self.peer.response(status)
        self.caller.to = response.headers.get("To") or ""
        self.caller.target = str(response.contacts[0].uri)
        rack = rack or f"{response.headers.get('RSeq')} {self.caller_cseq} INVITE"
        self.caller.request("PRACK", headers=[("RAck", rack)], body=body)
        self.network.run(0.1)

    caller_cseq = 1


class TestCallee:
    @pytest.mark.parametrize(
        ("mode", "headers", "expected"),
        [
            ("answer", REQUIRED, True),
            ("answer", SUPPORTED, False),
            ("serve", REQUIRED, True),
            ("support", SUPPORTED, True),
            ("support", [], False),
            ("off", SUPPORTED, False),
        ],
    )
    def test_is_reliable_where_that_is_asked_for(
        self, mode: str, headers: list[tuple[str, str]], expected: bool
    ) -> None:
        setup = Called(prack=mode)
        setup.do(setup.ring(headers=headers).ring)
        ringing = setup.peer.response(180)
        assert ("100rel" in ringing.require) is expected
        assert ("RSeq" in ringing.headers) is expected

    def test_whoever_has_no_such_thing_says_so(self) -> None:
        setup = Called(prack="off")
        setup.caller.invite(OFFER, headers=REQUIRED)
        setup.network.run(0.1)
        assert setup.peer.response(420).headers.get("Unsupported") == "100rel"

    def test_that_requires_it_takes_no_call_without(self) -> None:
        setup = Called(prack="require")
        setup.caller.invite(OFFER)
        setup.network.run(0.1)
        assert setup.peer.response(421).require == ("100rel",)
        assert not setup.phone.has(IncomingCall)

    def test_repeats_with_doubling_intervals_until_acknowledged(self) -> None:
        setup = Called()
        setup.do(setup.ring().ring)
        setup.network.run(4)
        times = [step.time for step in setup.network.log if step.text == "180 INVITE"]
        assert [round(time - times[0], 3) for time in times] == [0, 0.5, 1.5, 3.5]
        setup.prack()
        assert setup.peer.responses("PRACK") == [200]
        setup.network.run(60)
        assert len(setup.sent(180)) == len(times)

    def test_refuses_with_504_what_nobody_acknowledges(self) -> None:
        setup = Called()
        setup.do(setup.ring().ring)
        setup.network.run(33)
        assert setup.peer.response(504)
        ended = setup.phone.next(SessionEnded)
        assert (ended.code, ended.by) == (504, "local")

    def test_numbers_them_one_after_the_other(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.ring)
        setup.do(call.progress, 183, ANSWER)
        assert not setup.sent(183)
        first = int(setup.peer.response(180).headers.get("RSeq") or 0)
        setup.prack(180)
        assert int(setup.peer.response(183).headers.get("RSeq") or 0) == first + 1
        assert setup.peer.response(183).body == ANSWER

    @pytest.mark.parametrize("rack", ["1 1 INVITE", "{rseq} 2 INVITE", "{rseq} 1 BYE", "", "x"])
    def test_a_prack_of_something_else_gets_481(self, rack: str) -> None:
        setup = Called()
        setup.do(setup.ring().ring)
        rseq = setup.peer.response(180).headers.get("RSeq") or ""
        setup.prack(rack=rack.format(rseq=rseq) or "nothing")
        assert setup.peer.responses("PRACK") == [481]

    def test_a_second_prack_gets_481(self) -> None:
        setup = Called()
        setup.do(setup.ring().ring)
        setup.prack()
        setup.prack()
        assert setup.peer.responses("PRACK") == [200, 481]

    def test_the_2xx_waits_for_the_prack_of_a_description(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.progress, 183, ANSWER)
        setup.do(call.answer, ANSWER)
        assert not setup.sent(200)
        assert call.state is SessionState.RINGING
        setup.prack(183)
        assert setup.peer.response(200).cseq.method == "INVITE"
        # RFC 6337, 3.1: what was agreed reliably is not said again.
        assert setup.peer.response(200).body == b""
        setup.caller.ack(cseq=1)
        setup.network.run(0.1)
        assert call.state is SessionState.CONFIRMED

    def test_the_2xx_does_not_wait_for_ringing_without_a_description(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.ring)
        setup.do(call.answer, ANSWER)
        assert setup.peer.response(200).body == ANSWER
        setup.network.run(0.3)
        rings = len(setup.sent(180))
        setup.prack()
        assert setup.peer.responses("PRACK") == [200]
        setup.network.run(2)
        assert len(setup.sent(180)) == rings

    def test_hanging_up_while_the_2xx_waits_refuses_the_call(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.progress, 183, ANSWER)
        setup.do(call.answer, ANSWER)
        setup.do(call.hangup)
        assert setup.peer.response(486)
        assert not setup.sent(200)

    def test_a_refusal_does_not_wait(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.progress, 183, ANSWER)
        setup.do(call.reject, 603)
        assert setup.peer.response(603)
        setup.caller.ack_refusal()
        setup.network.run(5)
        assert len(setup.sent(183)) == 1

    def test_a_cancel_stops_the_repeating(self) -> None:
        setup = Called()
        setup.do(setup.ring().ring)
        setup.caller.cancel()
        setup.network.run(0.1)
        rings = len(setup.sent(180))
        assert setup.peer.response(487)
        setup.network.run(5)
        assert len(setup.sent(180)) == rings

    def test_an_offer_may_go_early_and_the_prack_answers_it(self) -> None:
        setup = Called()
        call = setup.ring(b"")
        setup.do(call.progress, 183, OFFER)
        assert setup.peer.response(183).body == OFFER
        setup.prack(183, body=ANSWER)
        assert setup.phone.next(Acknowledged).body == ANSWER
        setup.do(call.answer, None)
        assert setup.peer.response(200).body == b""
        setup.caller.ack(cseq=1)
        setup.network.run(0.1)
        assert setup.phone.next(Acknowledged).body is None
        assert call.state is SessionState.CONFIRMED

    def test_a_prack_may_bring_another_offer(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.progress, 183, ANSWER)
        setup.prack(183, body=b"v=0 second offer\r\n")
        reinvited = setup.phone.next(Reinvited)
        assert (reinvited.request.method, reinvited.body) == ("PRACK", b"v=0 second offer\r\n")
        setup.do(call.accept_reinvite, b"v=0 second answer\r\n")
        answer = setup.peer.response(200)
        assert (answer.cseq.method, answer.body) == ("PRACK", b"v=0 second answer\r\n")

    def test_says_again_that_it_rings_with_a_new_number(self) -> None:
        setup = Called()
        setup.do(setup.ring().ring)
        setup.prack()
        first = int(setup.peer.response(180).headers.get("RSeq") or 0)
        setup.network.run(150)
        assert int(setup.peer.response(180).headers.get("RSeq") or 0) == first + 1

    def test_nothing_is_left_behind(self) -> None:
        setup = Called()
        call = setup.ring()
        setup.do(call.progress, 183, ANSWER)
        setup.do(call.ring)
        setup.network.settle()
        agent = setup.phone.agent
        assert (agent.sessions, agent.timers, agent.transactions) == ((), 0, 0)


class Calling:
    """A phone that calls."""

    def __init__(self, body: bytes | None = OFFER, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")
        account = AccountSettings(aor="sip:alice@example.com", password="secret")
        self.call = self.phone.call("sip:bob@10.0.0.2", body=body, account=account)
        self.network.run(0.1)

    @property
    def invite(self) -> Request:
        return self.peer.request("INVITE")

    def respond(self, status: int, **options: Any) -> None:
        self.peer.respond(self.invite, status, **options)
        self.network.run(0.1)

    def pracks(self) -> list[tuple[str | None, str | None]]:
        """The RAck of each PRACK, and which leg it went to."""
        return [(p.headers.get("RAck"), p.to.tag) for p in self.peer.requests("PRACK")]


class TestCaller:
    @pytest.mark.parametrize(
        ("mode", "supports", "requires"),
        [("serve", False, False), ("answer", True, False), ("support", True, False),
         ("require", True, True),
         ("off", False, False)],
    )  # fmt: skip
    def test_says_what_it_knows(self, mode: str, supports: bool, requires: bool) -> None:
        invite = Calling(prack=mode).invite
        assert ("100rel" in invite.supported) is supports
        assert ("100rel" in invite.require) is requires
        assert ("PRACK" in invite.allow) is (mode != "off")

    def test_acknowledges_in_the_early_dialog(self) -> None:
        setup = Calling()
        setup.respond(180, headers=reliable(1234), contact="sip:bob@10.0.0.2;line=3")
        prack = setup.peer.request("PRACK")
        assert prack.headers.get("RAck") == f"1234 {setup.invite.cseq.number} INVITE"
        assert str(prack.uri) == "sip:bob@10.0.0.2;line=3"
        assert prack.to.tag == "peer"
        assert prack.cseq.number == setup.invite.cseq.number + 1
        assert setup.phone.next(Progressed).response.status == 180

    def test_an_unreliable_one_is_not_acknowledged(self) -> None:
        setup = Calling()
        setup.respond(180)
        setup.respond(183, headers=[("RSeq", "1")])
        assert setup.pracks() == []

    def test_a_repeated_one_is_heard_once_and_acknowledged_once(self) -> None:
        setup = Calling()
        for _ in range(3):
            setup.respond(180, headers=reliable(7))
            setup.peer.respond(setup.peer.request("PRACK"), 200)
        setup.network.run(1)
        assert len(setup.pracks()) == 1
        setup.phone.next(Progressed)
        assert not setup.phone.has(Progressed)

    def test_one_whose_predecessor_was_lost_is_not_heard(self) -> None:
        setup = Calling()
        setup.respond(180, headers=reliable(7))
        setup.respond(183, headers=reliable(9), body=ANSWER)
        assert [rack for rack, _ in setup.pracks()] == ["7 1 INVITE"]
        setup.respond(183, headers=reliable(8))
        setup.respond(183, headers=reliable(9), body=ANSWER)
        racks = dict.fromkeys(rack for rack, _ in setup.pracks())
        assert list(racks) == ["7 1 INVITE", "8 1 INVITE", "9 1 INVITE"]

    def test_each_fork_counts_by_itself(self) -> None:
        setup = Calling()
        setup.respond(180, tag="desk", headers=reliable(7))
        setup.respond(180, tag="mobile", headers=reliable(500))
        assert set(setup.pracks()) == {("7 1 INVITE", "desk"), ("500 1 INVITE", "mobile")}

    def test_a_prack_is_repeated_until_answered(self) -> None:
        setup = Calling()
        setup.respond(180, headers=reliable(1))
        setup.network.run(3)
        assert len(setup.pracks()) == 3

    def test_a_prack_answers_a_challenge(self) -> None:
        setup = Calling()
        setup.respond(180, headers=reliable(1))
        challenge = 'Digest realm="r", nonce="n", qop="auth"'
        prack = setup.peer.request("PRACK")
        setup.peer.respond(prack, 407, headers=[("Proxy-Authenticate", challenge)])
        setup.network.run(0.1)
        again = setup.peer.request("PRACK")
        assert "Proxy-Authorization" in again.headers
        assert again.cseq.number == prack.cseq.number + 1
        assert again.headers.get("RAck") == prack.headers.get("RAck")

    def test_an_answer_stands_and_what_the_2xx_says_does_not(self) -> None:
        setup = Calling()
        setup.respond(183, headers=reliable(1), body=ANSWER)
        setup.respond(200, body=b"v=0 something else\r\n")
        assert setup.phone.next(Answered).body == ANSWER

    def test_an_offer_is_answered_in_the_prack(self) -> None:
        setup = Calling(body=None)
        setup.respond(183, headers=reliable(1), body=OFFER)
        progressed = setup.phone.next(Progressed)
        assert (progressed.body, progressed.body_is) == (OFFER, "offer")
        assert setup.pracks() == []
        setup.phone.do(setup.call.acknowledge, ANSWER)
        setup.network.run(0.1)
        prack = setup.peer.request("PRACK")
        assert (prack.body, prack.content_type) == (ANSWER, "application/sdp")
        assert setup.call.state is SessionState.RINGING
        setup.respond(200)
        answered = setup.phone.next(Answered)
        assert (answered.body, answered.body_is) == (None, None)
        assert setup.call.state is SessionState.CONFIRMED
        assert setup.peer.request("ACK").body == b""

    def test_two_forks_may_each_have_an_offer(self) -> None:
        setup = Calling(body=None)
        setup.respond(183, tag="desk", headers=reliable(1), body=OFFER)
        setup.respond(183, tag="mobile", headers=reliable(1), body=OFFER)
        setup.phone.do(setup.call.acknowledge, b"v=0 to desk\r\n")
        setup.phone.do(setup.call.acknowledge, b"v=0 to mobile\r\n")
        setup.network.run(0.1)
        said = {prack.to.tag: prack.body for prack in setup.peer.requests("PRACK")}
        assert said == {"desk": b"v=0 to desk\r\n", "mobile": b"v=0 to mobile\r\n"}

    def test_an_offer_in_an_unreliable_one_is_none(self) -> None:
        setup = Calling(body=None)
        setup.respond(183, body=OFFER)
        assert setup.phone.next(Progressed).body is None
        with pytest.raises(StateError):
            setup.phone.do(setup.call.acknowledge, ANSWER)

    def test_a_fork_that_answers_too_late_hears_why(self) -> None:
        setup = Calling()
        setup.respond(180, tag="desk", headers=reliable(1))
        setup.respond(200, tag="desk", body=ANSWER)
        setup.respond(200, tag="mobile", body=ANSWER)
        bye = setup.peer.request("BYE")
        assert bye.to.tag == "mobile"
        assert bye.headers.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1 2 INVITE", (1, 2, "INVITE")), ("  7\t8  INVITE ", (7, 8, "INVITE")), ("1 INVITE", None),
     ("-1 2 INVITE", None), ("99999999999 1 INVITE", None)],
)  # fmt: skip
def test_rack_is_two_numbers_and_a_method(text: str, expected: object) -> None:
    assert parse_rack(text) == expected

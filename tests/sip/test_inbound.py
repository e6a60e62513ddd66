"""What comes from the network: answered, refused with the right code, or dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from platypus.sip.events import IncomingCall, RequestReceived
from platypus.sip.flow import Flow
from platypus.sip.message import Response
from tests.harness.network import ANSWER, Network, Phone
from tests.harness.peer import Caller, Peer

DATA = Path(__file__).parent.parent / "data"
PHONE = ("10.0.0.1", 5060)
URI = "sip:phone@10.0.0.1"
ACCEPT = "application/sdp, multipart/mixed, multipart/alternative"


class Setup:
    """A phone and somebody who sends it things."""

    def __init__(self, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")

    def send(self, method: str, uri: str = URI, **options: Any) -> list[int]:
        """Send a request; the statuses that came back."""
        self.peer.clear()
        self.peer.send(method, uri, PHONE, **options)
        self.network.run(0.1)
        return self.peer.responses()

    def raw(self, text: str | bytes) -> list[int]:
        self.peer.clear()
        data = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
        self.peer.send_raw(data, PHONE)
        self.network.run(0.1)
        return self.peer.responses()

    def confirm(self) -> Caller:
        """A confirmed call from the peer."""
        caller = Caller(self.peer, PHONE)
        caller.invite()
        self.network.run(0.1)
        call = self.phone.next(IncomingCall).session
        self.phone.do(call.answer, ANSWER)
        self.network.run(0.1)
        caller.answered()
        caller.ack()
        self.network.run(0.1)
        self.peer.clear()
        return caller


class TestOptions:
    def test_outside_a_dialog_says_what_we_can_do(self) -> None:
        setup = Setup(supported=("replaces",))
        assert setup.send("OPTIONS") == [200]
        answer = setup.peer.response(200)
        served = {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY", "REFER", "PRACK", "UPDATE"}
        assert set(answer.allow) >= served
        assert answer.headers.get("Accept") == ACCEPT
        assert answer.supported == ("replaces", "100rel", "timer")
        assert answer.to.tag

    def test_inside_a_dialog_too(self) -> None:
        setup = Setup()
        caller = setup.confirm()
        caller.request("OPTIONS")
        setup.network.run(0.1)
        assert setup.peer.responses() == [200]

    def test_in_a_dialog_that_does_not_exist_gets_481(self) -> None:
        setup = Setup()
        assert setup.send("OPTIONS", to="<sip:phone@example.com>;tag=gone") == [481]

    def test_with_no_forwards_left_is_answered_all_the_same(self) -> None:
        setup = Setup()
        assert setup.send("OPTIONS", max_forwards=0) == [200]

    def test_a_repeated_one_gets_the_same_answer(self) -> None:
        setup = Setup()
        setup.send("OPTIONS", branch="z9hG4bKx")
        first = setup.peer.response(200)
        setup.send("OPTIONS", branch="z9hG4bKx")
        assert setup.peer.response(200) == first


class TestRefusals:
    @pytest.mark.parametrize("method", ["REGISTER", "SUBSCRIBE", "MESSAGE"])
    def test_a_method_we_know_and_do_not_serve_gets_405(self, method: str) -> None:
        setup = Setup()
        assert setup.send(method) == [405]
        assert "INVITE" in setup.peer.response(405).allow

    @pytest.mark.parametrize("method", ["MESSAGE"])
    def test_inside_a_dialog_too(self, method: str) -> None:
        setup = Setup()
        caller = setup.confirm()
        caller.request(method)
        setup.network.run(0.1)
        assert setup.peer.responses() == [405]

    def test_a_method_nobody_knows_gets_501(self) -> None:
        setup = Setup()
        assert setup.send("NEWMETHOD") == [501]

    def test_methods_are_case_sensitive(self) -> None:
        setup = Setup()
        assert setup.send("invite") == [501]

    @pytest.mark.parametrize("uri", ["tel:+15551234", "nobodyknows:abc", "http://example.com"])
    def test_a_scheme_we_do_not_serve_gets_416(self, uri: str) -> None:
        setup = Setup()
        assert setup.send("OPTIONS", uri) == [416]

    def test_an_extension_we_lack_gets_420_and_is_named(self) -> None:
        setup = Setup(supported=("replaces",))
        headers = [("Require", "replaces, 100rel, gruu, nothing")]
        assert setup.send("INVITE", headers=headers) == [100, 420]
        assert setup.peer.response(420).headers.get("Unsupported") == "gruu, nothing"

    def test_an_extension_only_a_proxy_needs_does_not_concern_us(self) -> None:
        setup = Setup()
        assert setup.send("OPTIONS", headers=[("Proxy-Require", "nothing")]) == [200]

    def test_a_body_of_another_type_gets_415_and_what_would_do(self) -> None:
        setup = Setup()
        headers = [("Content-Type", "application/isup")]
        options = {"headers": headers, "body": b"x"}
        assert setup.send("INVITE", **options) == [100, 415]
        assert setup.peer.response(415).headers.get("Accept") == ACCEPT

    def test_an_encoded_body_gets_415(self) -> None:
        setup = Setup()
        headers = [("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")]
        assert setup.send("INVITE", headers=headers, body=b"x") == [100, 415]
        assert setup.peer.response(415).headers.get("Accept-Encoding") == "identity"

    def test_an_optional_body_of_another_type_is_passed_over(self) -> None:
        setup = Setup()
        headers = [
            ("Content-Type", "image/png"),
            ("Content-Disposition", "icon; handling=optional"),
        ]
        assert setup.send("INVITE", headers=headers, body=b"x") == [100]
        assert setup.phone.next(IncomingCall).session.remote_body is None

    def test_the_type_of_a_body_may_have_parameters_and_any_case(self) -> None:
        setup = Setup()
        headers = [("Content-Type", "Application/SDP;charset=utf-8")]
        assert setup.send("INVITE", headers=headers, body=b"v=0") == [100]

    def test_a_copy_over_another_path_gets_482(self) -> None:
        setup = Setup()
        assert setup.send("INVITE") == [100]
        assert setup.send("INVITE") == [100, 482]
        setup.phone.next(IncomingCall)
        assert not setup.phone.has(IncomingCall)

    def test_a_new_attempt_with_a_new_number_is_no_copy(self) -> None:
        setup = Setup()
        setup.send("INVITE")
        assert setup.send("INVITE", cseq=2) == [100]

    @pytest.mark.parametrize("method", ["BYE", "INVITE"])
    def test_in_a_dialog_that_does_not_exist_gets_481(self, method: str) -> None:
        setup = Setup()
        assert setup.send(method, to="<sip:phone@example.com>;tag=gone")[-1] == 481

    def test_bye_outside_a_dialog_gets_481(self) -> None:
        setup = Setup()
        assert setup.send("BYE") == [481]

    def test_a_stranger_in_a_dialog_gets_481(self) -> None:
        setup = Setup()
        caller = setup.confirm()
        caller.from_ = "<sip:peer@example.com>;tag=stranger"
        caller.request("BYE")
        setup.network.run(0.1)
        assert setup.peer.responses() == [481]
        assert len(setup.phone.agent.sessions) == 1

    def test_a_number_lower_than_the_last_gets_500(self) -> None:
        setup = Setup()
        caller = setup.confirm()
        caller.cseq = 10
        caller.request("OPTIONS")
        caller.cseq = 4
        caller.request("BYE")
        setup.network.run(0.1)
        assert setup.peer.responses() == [200, 500]
        assert len(setup.phone.agent.sessions) == 1

    def test_too_many_calls_get_503(self) -> None:
        setup = Setup(max_sessions=2)
        for number in range(2):
            assert setup.send("INVITE", call_id=f"c{number}") == [100]
        assert setup.send("INVITE", call_id="c2") == [100, 503]
        assert setup.peer.response(503).headers.get("Retry-After")

    def test_an_ack_for_nothing_gets_nothing(self) -> None:
        setup = Setup()
        assert setup.send("ACK") == []


class TestMalformed:
    VIA = "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKm\n"
    REST = "From: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: m\n"

    def test_a_missing_header_gets_400(self) -> None:
        setup = Setup()
        text = f"OPTIONS {URI} SIP/2.0\n{self.VIA}From: <sip:a@b>;tag=1\nCall-ID: m\n"
        assert setup.raw(text + "CSeq: 1 OPTIONS\n\n") == [400]

    def test_a_request_with_nothing_but_a_via_gets_400(self) -> None:
        setup = Setup()
        assert setup.raw(f"INVITE {URI} SIP/2.0\n{self.VIA}\n") == [400]

    def test_a_via_that_would_change_when_written_again_is_dropped(self) -> None:
        setup = Setup()
        via = 'Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKq;a"b=c;rport\n'
        assert setup.raw(f"OPTIONS {URI} SIP/2.0\n{via}{self.REST}CSeq: 1 OPTIONS\n\n") == []
        assert setup.phone.agent.dropped == 1

    def test_a_call_to_an_escaped_user_is_answered_there(self) -> None:
        setup = Setup()
        setup.send("INVITE", "sip:al%20ice%25@10.0.0.1")
        setup.phone.do(setup.phone.next(IncomingCall).session.ring)
        setup.network.run(0.1)
        contact = str(setup.peer.response(180).contacts[0].uri)
        assert contact == "sip:al%20ice%25@10.0.0.1:5060"

    def test_a_request_without_a_via_can_not_be_answered(self) -> None:
        setup = Setup()
        assert setup.raw(f"INVITE {URI} SIP/2.0\n{self.REST}CSeq: 1 INVITE\n\n") == []

    def test_a_number_that_is_none_gets_400(self) -> None:
        setup = Setup()
        text = f"OPTIONS {URI} SIP/2.0\n{self.VIA}{self.REST}CSeq: x OPTIONS\n\n"
        assert setup.raw(text) == [400]

    def test_another_version_gets_505(self) -> None:
        setup = Setup()
        text = f"OPTIONS {URI} SIP/7.0\n{self.VIA}{self.REST}CSeq: 1 OPTIONS\n\n"
        assert setup.raw(text) == [505]

    def test_a_body_shorter_than_it_says_gets_400(self) -> None:
        setup = Setup()
        text = f"OPTIONS {URI} SIP/2.0\n{self.VIA}{self.REST}CSeq: 1 OPTIONS\n"
        assert setup.raw(text + "Content-Length: 9\n\nshort") == [400]

    def test_an_ack_is_never_answered(self) -> None:
        setup = Setup()
        assert setup.raw(f"ACK {URI} SIP/2.0\n{self.VIA}{self.REST}CSeq: x ACK\n\n") == []

    def test_nothing_is_remembered_of_it(self) -> None:
        setup = Setup()
        setup.raw(f"INVITE {URI} SIP/2.0\n{self.VIA}{self.REST}CSeq: x INVITE\n\n")
        assert setup.phone.agent.transactions == 0
        assert setup.phone.agent.timers == 0
        assert setup.phone.agent.dropped == 1

    @pytest.mark.parametrize(
        "data",
        [b"", b"\0" * 100, b"hello", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1500],
    )
    def test_garbage_is_counted_and_dropped(self, data: bytes) -> None:
        setup = Setup()
        assert setup.raw(data) == []
        assert setup.phone.agent.dropped == 1

    @pytest.mark.parametrize("path", sorted(DATA.glob("rfc4475/*")), ids=lambda path: path.name)
    def test_no_torture_message_does_harm(self, path: Path) -> None:
        setup = Setup()
        setup.raw(path.read_bytes())
        assert setup.send("OPTIONS") == [200]

    @pytest.mark.parametrize("path", sorted(DATA.glob("rfc5118/*")), ids=lambda path: path.name)
    def test_no_ipv6_message_does_harm(self, path: Path) -> None:
        setup = Setup()
        setup.raw(path.read_bytes())
        assert setup.send("OPTIONS") == [200]


class TestResponses:
    def test_one_nobody_waits_for_is_dropped(self) -> None:
        setup = Setup()
        text = "SIP/2.0 200 OK\n" + TestMalformed.VIA + TestMalformed.REST
        setup.raw(text + "CSeq: 1 INVITE\n\n")
        assert setup.phone.agent.dropped == 1

    def test_one_with_two_vias_is_not_ours(self) -> None:
        setup = Setup()
        setup.phone.do(setup.phone.agent.options, "sip:10.0.0.2")
        setup.network.run(0.1)
        request = setup.peer.request("OPTIONS")
        setup.peer.respond(request, 200, headers=[("Via", "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKo")])
        setup.network.run(0.1)
        assert setup.phone.agent.dropped == 1
        assert not setup.phone.agent.idle


class TestWhereResponsesGo:
    def reply_to(self, via: str, *, source: tuple[str, int] = ("10.0.0.2", 40000)) -> Response:
        """The response to an OPTIONS with this Via, wherever it went."""
        setup = Setup()
        self.target = None
        text = (
            f"OPTIONS {URI} SIP/2.0\nVia: SIP/2.0/UDP {via};branch=z9hG4bKv\n"
            f"{TestMalformed.REST}CSeq: 1 OPTIONS\n\n"
        )
        flow = Flow("udp", PHONE, source)
        setup.phone.receive(text.replace("\n", "\r\n").encode(), flow)
        step = setup.network.log[-1]
        self.target = step.target
        network_peer = Peer(setup.network, *step.target)
        setup.network.run(0.1)
        return network_peer.response(200)

    def test_with_rport_to_where_the_request_came_from(self) -> None:
        response = self.reply_to("192.168.1.5:5060;rport")
        assert self.target == ("10.0.0.2", 40000)
        assert (response.via.received, response.via.rport) == ("10.0.0.2", 40000)

    def test_without_rport_to_the_port_in_the_via(self) -> None:
        response = self.reply_to("10.0.0.2:5070")
        assert self.target == ("10.0.0.2", 5070)
        assert response.via.received is None

    def test_without_a_port_to_5060(self) -> None:
        self.reply_to("10.0.0.2")
        assert self.target == ("10.0.0.2", 5060)

    def test_a_source_that_differs_from_the_via_is_noted(self) -> None:
        response = self.reply_to("192.168.1.5:5070")
        assert self.target == ("10.0.0.2", 5070)
        assert response.via.received == "10.0.0.2"

    def test_a_name_in_the_via_is_not_resolved(self) -> None:
        response = self.reply_to("phone.example.com:5070")
        assert self.target == ("10.0.0.2", 5070)
        assert response.via.received == "10.0.0.2"

    def test_further_vias_are_kept_in_order(self) -> None:
        response = self.reply_to("10.0.0.2;rport, SIP/2.0/UDP a;branch=z9hG4bK1,SIP/2.0/TCP b")
        assert [via.host for via in response.vias] == ["10.0.0.2", "a", "b"]

    def test_over_tcp_on_the_same_connection(self) -> None:
        setup = Setup()
        assert setup.send("OPTIONS", transport="tcp") == [200]
        assert setup.peer.inbox[0][1].transport == "tcp"


class TestHandledMethods:
    def test_are_passed_up_and_answered_by_the_user(self) -> None:
        setup = Setup(handled_methods=("REGISTER",))
        assert setup.send("REGISTER") == []
        received = setup.phone.next(RequestReceived)
        assert received.request.method == "REGISTER"
        assert received.flow.remote == setup.peer.address
        assert received.session is None
        setup.phone.do(setup.phone.agent.respond, received.key, 200, headers=[("Expires", "60")])
        setup.network.run(0.1)
        assert setup.peer.response(200).expires == 60
        assert setup.peer.response(200).to.tag

    def test_are_in_allow(self) -> None:
        setup = Setup(handled_methods=("REGISTER",))
        setup.send("OPTIONS")
        assert "REGISTER" in setup.peer.response(200).allow

    def test_repetitions_are_absorbed(self) -> None:
        setup = Setup(handled_methods=("MESSAGE",))
        for _ in range(3):
            setup.send("MESSAGE", branch="z9hG4bKm")
        received = setup.phone.next(RequestReceived)
        assert not setup.phone.has(RequestReceived)
        setup.phone.do(setup.phone.agent.respond, received.key, 200)
        assert setup.send("MESSAGE", branch="z9hG4bKm") == [200, 200]

    def test_inside_a_dialog_come_with_their_session(self) -> None:
        setup = Setup(handled_methods=("INFO",))
        caller = setup.confirm()
        caller.request("INFO")
        setup.network.run(0.1)
        assert setup.phone.next(RequestReceived).session is setup.phone.agent.sessions[0]

    def test_in_a_dialog_that_does_not_exist_get_481(self) -> None:
        setup = Setup(handled_methods=("INFO",))
        assert setup.send("INFO", to="<sip:phone@example.com>;tag=gone") == [481]
        assert not setup.phone.has(RequestReceived)

    def test_a_user_that_never_answers_costs_nothing_in_the_end(self) -> None:
        setup = Setup(handled_methods=("MESSAGE",))
        setup.send("MESSAGE")
        key = setup.phone.next(RequestReceived).key
        setup.network.run(33)
        assert setup.phone.agent.transactions == 0
        setup.phone.do(setup.phone.agent.respond, key, 200)
        assert setup.peer.responses() == []
        assert setup.phone.agent._stack.pending == {}


class TestFlood:
    def test_requests_beyond_the_limit_get_503_and_no_memory(self) -> None:
        setup = Setup(max_transactions=10)
        for number in range(30):
            setup.peer.send("OPTIONS", URI, PHONE, call_id=f"c{number}")
        setup.network.run(0.1)
        assert setup.peer.responses().count(200) == 10
        assert setup.peer.responses().count(503) == 20
        assert setup.phone.agent.transactions == 10
        setup.network.run(33)
        assert setup.phone.agent.transactions == 0

    def test_a_call_can_still_be_hung_up(self) -> None:
        setup = Setup(max_transactions=10)
        caller = setup.confirm()
        for number in range(30):
            setup.peer.send("OPTIONS", URI, PHONE, call_id=f"c{number}")
        setup.network.run(0.1)
        setup.peer.clear()
        caller.request("BYE")
        setup.network.run(0.1)
        assert setup.peer.responses() == [200]

    def test_a_ringing_call_can_still_be_cancelled(self) -> None:
        setup = Setup(max_transactions=10)
        caller = Caller(setup.peer, PHONE)
        caller.invite()
        for number in range(30):
            setup.peer.send("OPTIONS", URI, PHONE, call_id=f"c{number}")
        setup.network.run(0.1)
        setup.peer.clear()
        caller.cancel()
        setup.network.run(0.1)
        assert setup.peer.responses() == [200, 487]

"""Dialogs: what a request inside one looks like, and where it goes."""

from __future__ import annotations

from platypus.sip.dialog import Dialog
from platypus.sip.flow import Flow
from platypus.sip.headers import NameAddr
from platypus.sip.message import Request, Response, parse_message
from platypus.sip.uri import Uri

FLOW = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.2", 5060))


def new_dialog(routes: str = "", target: str = "sip:bob@10.0.0.2") -> Dialog:
    return Dialog(
        call_id="call",
        local=NameAddr.parse("<sip:alice@example.com>;tag=a"),
        remote=NameAddr.parse("<sip:bob@example.com>;tag=b"),
        remote_target=Uri.parse(target),
        route_set=tuple(NameAddr.parse(route) for route in routes.split(",") if route),
        flow=FLOW,
    )


def new_invite(*headers: str) -> Request:
    lines = (
        "INVITE sip:bob@10.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1",
        "From: <sip:alice@example.com>;tag=a",
        "To: <sip:bob@example.com>",
        "Call-ID: call",
        "CSeq: 7 INVITE",
        *headers,
    )
    request = parse_message("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert isinstance(request, Request)
    return request


def new_ok(*headers: str) -> Response:
    lines = (
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
        "From: <sip:alice@example.com>;tag=a",
        "To: <sip:bob@example.com>;tag=b",
        "Call-ID: call",
        "CSeq: 7 INVITE",
        *headers,
    )
    response = parse_message("\r\n".join(lines).encode() + b"\r\n\r\n")
    assert isinstance(response, Response)
    return response


class TestRequests:
    def test_carry_the_dialog(self) -> None:
        request = new_dialog().request("BYE", 5, "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx")
        assert str(request.uri) == "sip:bob@10.0.0.2"
        assert (request.from_.tag, request.to.tag, request.call_id) == ("a", "b", "call")
        assert str(request.cseq) == "5 BYE"
        assert request.max_forwards == 70
        assert request.routes == ()

    def test_go_by_a_loose_route_with_the_target_in_the_request_uri(self) -> None:
        dialog = new_dialog("<sip:p1;lr>,<sip:p2;lr>")
        request = dialog.request("BYE", 5, "SIP/2.0/UDP h")
        assert str(request.uri) == "sip:bob@10.0.0.2"
        assert [str(route.uri) for route in request.routes] == ["sip:p1;lr", "sip:p2;lr"]
        assert dialog.next_hop == "sip:p1;lr"

    def test_go_by_a_strict_route_with_the_target_at_its_end(self) -> None:
        dialog = new_dialog("<sip:p1>,<sip:p2;lr>")
        request = dialog.request("BYE", 5, "SIP/2.0/UDP h")
        assert str(request.uri) == "sip:p1"
        assert [str(route.uri) for route in request.routes] == ["sip:p2;lr", "sip:bob@10.0.0.2"]
        assert dialog.next_hop == "sip:p1"

    def test_numbers_grow_by_one(self) -> None:
        dialog = new_dialog()
        dialog.local_cseq = 7
        assert [dialog.next_cseq(), dialog.next_cseq()] == [8, 9]

    def test_a_peer_of_rfc_2543_has_no_tag(self) -> None:
        dialog = new_dialog()
        dialog.remote = NameAddr.parse("<sip:bob@example.com>")
        assert dialog.request("BYE", 1, "SIP/2.0/UDP h").to.tag is None


class TestMade:
    def test_from_a_request(self) -> None:
        invite = new_invite(
            "Contact: <sip:alice@10.0.0.2:5062;x=y?h=v>",
            "Record-Route: <sip:p1;lr>, <sip:p2;lr>",
        )
        dialog = Dialog.from_request(invite, "ours", FLOW)
        assert (dialog.local.tag, dialog.remote.tag) == ("ours", "a")
        assert str(dialog.remote_target) == "sip:alice@10.0.0.2:5062;x=y"
        assert [str(route.uri) for route in dialog.route_set] == ["sip:p1;lr", "sip:p2;lr"]
        assert dialog.remote_cseq == 7

    def test_from_a_request_without_contact(self) -> None:
        dialog = Dialog.from_request(new_invite(), "ours", FLOW)
        assert str(dialog.remote_target) == "sip:alice@example.com"

    def test_from_a_response_the_route_is_reversed(self) -> None:
        ok = new_ok("Contact: <sip:bob@10.0.0.9>", "Record-Route: <sip:p1;lr>, <sip:p2;lr>")
        dialog = Dialog.from_response(new_invite(), ok, FLOW)
        assert [str(route.uri) for route in dialog.route_set] == ["sip:p2;lr", "sip:p1;lr"]
        assert str(dialog.remote_target) == "sip:bob@10.0.0.9"
        assert (dialog.local.tag, dialog.remote.tag) == ("a", "b")
        assert dialog.local_cseq == 7

    def test_the_2xx_has_the_last_word_on_the_route(self) -> None:
        ringing = new_ok("Record-Route: <sip:p1;lr>", "Contact: <sip:bob@10.0.0.8>")
        dialog = Dialog.from_response(new_invite(), ringing, FLOW)
        dialog.confirm(new_ok("Contact: <sip:bob@10.0.0.9>"))
        assert dialog.route_set == ()
        assert str(dialog.remote_target) == "sip:bob@10.0.0.9"

    def test_a_response_without_contact_leaves_the_target(self) -> None:
        dialog = Dialog.from_response(new_invite(), new_ok(), FLOW)
        assert str(dialog.remote_target) == "sip:bob@10.0.0.1"


class TestOrder:
    def test_an_older_number_is_out_of_order(self) -> None:
        dialog = Dialog.from_request(new_invite(), "ours", FLOW)
        older = new_invite()
        older.headers.set("CSeq", "6 BYE")
        assert not dialog.in_order(older)
        assert dialog.remote_cseq == 7

    def test_gaps_are_allowed(self) -> None:
        dialog = Dialog.from_request(new_invite(), "ours", FLOW)
        later = new_invite()
        later.headers.set("CSeq", "900 BYE")
        assert dialog.in_order(later)
        assert dialog.remote_cseq == 900

    def test_any_first_number_of_the_callee_is_in_order(self) -> None:
        dialog = Dialog.from_response(new_invite(), new_ok(), FLOW)
        first = new_invite()
        first.headers.set("CSeq", "0 BYE")
        assert dialog.in_order(first)


class TestFlow:
    def test_the_flow_of_the_invite_is_known_if_the_next_hop_is_its_far_end(self) -> None:
        assert new_dialog().known_flow == FLOW
        assert new_dialog(target="sip:bob@10.0.0.2:5060;transport=udp").known_flow == FLOW

    def test_another_address_port_transport_or_name_has_to_be_looked_up(self) -> None:
        for target in (
            "sip:bob@10.0.0.3",
            "sip:bob@10.0.0.2:5070",
            "sip:bob@10.0.0.2;transport=tcp",
            "sips:bob@10.0.0.2",
            "sip:bob@example.com",
        ):
            assert new_dialog(target=target).known_flow is None

    def test_the_route_decides_and_not_the_target(self) -> None:
        assert new_dialog("<sip:10.0.0.2;lr>", "sip:bob@example.com").known_flow == FLOW
        assert new_dialog("<sip:p1;lr>").known_flow is None

    def test_what_was_looked_up_once_is_known(self) -> None:
        dialog = new_dialog("<sip:p1;lr>")
        other = FLOW._replace(remote=("10.0.0.7", 5060))
        dialog.located = ("sip:p1;lr", other)
        assert dialog.known_flow == other
        dialog.route_set = ()
        assert dialog.known_flow == FLOW

"""What a response copies from its request, and what it lets nobody put into it."""

from __future__ import annotations

import pytest

from platypus.sip.build import build_response
from platypus.sip.message import parse_message
from tests.sip.stacks import new_request


def test_copies_what_a_response_has_in_common_with_its_request() -> None:
    request = new_request("INVITE")
    response = parse_message(build_response(request, 180, to_tag="b"))
    for name in ("Via", "From", "Call-ID", "CSeq"):
        assert response.headers.get_all(name) == request.headers.get_all(name)
    assert response.to == request.to.with_tag("b")
    assert response.serialize() == build_response(request, 180, to_tag="b")


def test_a_tag_that_is_there_stays() -> None:
    request = new_request("INVITE")
    request.headers.set("To", "<sip:b@b.example>;tag=first")
    assert parse_message(build_response(request, 200, to_tag="second")).to.tag == "first"


def test_only_the_100_says_when_the_request_was_sent() -> None:
    request = new_request("INVITE")
    request.headers.set("Timestamp", "54")
    assert b"Timestamp: 54\r\n" in build_response(request, 100)
    assert b"Timestamp" not in build_response(request, 180)


def test_the_length_is_that_of_the_body_whatever_is_said() -> None:
    data = build_response(new_request("INVITE"), 200, headers=[("l", "9")], body=b"four")
    assert data.count(b"Content-Length") == 1
    assert data.endswith(b"Content-Length: 4\r\n\r\nfour")


@pytest.mark.parametrize(
    "header", [("Reason\r\nTo", "b"), ("Two words", "b"), ("Reason", "b\r\nTo: c"), ("To", "b\nc")]
)
def test_a_header_that_would_break_the_message_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"line end|not a header name"):
        build_response(new_request("INVITE"), 486, headers=[header])


def test_a_phrase_that_would_break_the_message_is_refused() -> None:
    with pytest.raises(ValueError, match="line end"):
        build_response(new_request("INVITE"), 486, reason="Busy\r\nTo: c")

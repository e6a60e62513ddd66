"""INFO inside a call, both ways, against a scripted peer (RFC 6086, RFC 2976)."""

from __future__ import annotations

import pytest

from platypus.errors import StateError
from platypus.sip.events import InfoReceived, InfoRefused
from platypus.sip.info import MAX_QUEUED
from tests.harness.peer import Caller
from tests.sip.test_update import Setup

RELAY = "application/dtmf-relay"
FIVE = b"Signal=5\r\nDuration=160\r\n"


def send(setup: Setup, body: bytes = FIVE, *headers: tuple[str, str]) -> list[int]:
    setup.peer.clear()
    setup.caller.request("INFO", headers=headers or [("Content-Type", RELAY)], body=body)
    setup.network.run(0.1)
    return setup.peer.responses("INFO")


class TestTheirs:
    @pytest.mark.parametrize("content_type", [RELAY, "application/dtmf", "Application/DTMF-Relay"])
    def test_a_digit_is_taken_and_told(self, content_type: str) -> None:
        setup = Setup()
        assert send(setup, FIVE, ("Content-Type", content_type)) == [200]
        assert setup.phone.next(InfoReceived).body == FIVE

    def test_one_without_a_body_is_a_sign_of_life(self) -> None:
        setup = Setup()
        assert send(setup, b"", ("Subject", "x")) == [200]
        assert not setup.phone.has(InfoReceived)

    def test_another_body_is_refused_with_what_is_taken(self) -> None:
        setup = Setup()
        assert send(setup, b"<x/>", ("Content-Type", "application/media_control+xml")) == [415]
        assert RELAY in (setup.peer.response(415).headers.get("Accept") or "")

    def test_a_body_that_is_far_too_large_is_refused(self) -> None:
        setup = Setup()
        assert send(setup, b"Signal=5\r\n" + b" " * 2000, ("Content-Type", RELAY)) == [415]

    def test_a_package_is_none_that_we_know(self) -> None:
        setup = Setup()
        fields = (("Info-Package", "foo"), ("Content-Type", "application/foo"))
        assert send(setup, b"x", *fields) == [469]
        assert "Recv-Info" in setup.peer.response(469).headers

    def test_outside_a_call_there_is_no_call_for_it(self) -> None:
        setup = Setup()
        setup.peer.clear()
        stray = Caller(setup.peer, ("10.0.0.1", 5060), call_id="another")
        stray.request("INFO", headers=[("Content-Type", RELAY)], body=FIVE)
        setup.network.run(0.1)
        assert setup.peer.responses("INFO") == [481]

    def test_we_say_that_we_take_it(self) -> None:
        setup = Setup()
        setup.send("OPTIONS")
        assert "INFO" in setup.peer.response(200).allow


class TestOurs:
    def digits(self, setup: Setup, text: str) -> None:
        for digit in text:
            setup.do(setup.call.infos.send, RELAY, digit.encode())

    def answered(self, setup: Setup) -> list[bytes]:
        return [request.body for request in setup.peer.requests("INFO")]

    def test_go_one_after_the_other(self) -> None:
        setup = Setup()
        self.digits(setup, "12")
        assert self.answered(setup) == [b"1"]
        setup.respond("INFO", 200)
        assert self.answered(setup) == [b"1", b"2"]
        assert setup.peer.request("INFO").content_type == RELAY

    def test_a_refusal_is_told_and_ends_the_rest(self) -> None:
        setup = Setup()
        self.digits(setup, "123")
        setup.respond("INFO", 415)
        assert setup.phone.next(InfoRefused).code == 415
        assert len(self.answered(setup)) == 1
        assert not setup.call.ended

    def test_silence_is_told(self) -> None:
        setup = Setup()
        self.digits(setup, "12")
        setup.network.run(40)
        assert setup.phone.next(InfoRefused).code is None

    def test_after_a_refusal_the_next_one_is_tried(self) -> None:
        setup = Setup()
        self.digits(setup, "1")
        setup.respond("INFO", 500)
        self.digits(setup, "2")
        assert self.answered(setup) == [b"1", b"2"]

    def test_none_is_sent_once_the_call_has_ended(self) -> None:
        setup = Setup()
        self.digits(setup, "12")
        setup.do(setup.call.hangup)
        setup.respond("INFO", 200)
        assert self.answered(setup) == [b"1"]
        with pytest.raises(StateError, match="ended"):
            setup.call.infos.send(RELAY, b"3", setup.network.now)

    def test_more_than_anybody_types_are_not_kept(self) -> None:
        setup = Setup()
        self.digits(setup, "1" * (MAX_QUEUED + 1))
        with pytest.raises(StateError, match="waiting"):
            setup.call.infos.send(RELAY, b"1", setup.network.now)

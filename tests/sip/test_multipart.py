"""Bodies of several parts: the description is found among them, in whatever brings one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.sip.events import Acknowledged, Answered, IncomingCall
from platypus.sip.message import Message, parse_message
from platypus.sip.multipart import MAX_PARTS, part_of
from tests.harness.network import ANSWER, OFFER
from tests.harness.peer import Caller
from tests.sip.test_calling import Setup as CallingSetup
from tests.sip.test_inbound import PHONE, URI, Setup

SDP = "application/sdp"
OTHER = OFFER.replace(b"offer", b"other")


def parts(*each: tuple[str, bytes], boundary: str = "b1") -> bytes:
    """A body; each part is its header fields and its content."""
    texts = [f"--{boundary}\r\n{head}\r\n\r\n".encode() + content for head, content in each]
    return b"\r\n".join([*texts, f"--{boundary}--\r\n".encode()])


def typed(kind: str, *more: str) -> str:
    return "\r\n".join([f"Content-Type: {kind}", *more])


def message(body: bytes, kind: str = "multipart/mixed;boundary=b1") -> Message:
    head = f"INVITE sip:a@b SIP/2.0\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return parse_message(head.encode() + body)


def found(body: bytes, kind: str = "multipart/mixed;boundary=b1") -> bytes | None:
    return part_of(message(body, kind), (SDP,))


MAP = (typed("application/pidf+xml"), b"<presence/>")
DESCRIPTION = (typed(SDP), OFFER)


class TestParts:
    @pytest.mark.parametrize("each", [(DESCRIPTION,), (DESCRIPTION, MAP), (MAP, DESCRIPTION)])
    def test_of_a_mixture_the_first_that_is_wanted(self, each: tuple[tuple[str, bytes]]) -> None:
        assert found(parts(*each)) == OFFER

    def test_of_alternatives_the_last(self) -> None:
        both = parts((typed(SDP), OTHER), DESCRIPTION)
        assert found(both, "multipart/alternative; boundary=b1") == OFFER
        assert found(both) == OTHER

    def test_alternatives_within_a_mixture(self) -> None:
        inner = parts((typed(SDP), OTHER), DESCRIPTION, boundary="b2")
        body = parts(MAP, (typed('multipart/alternative;boundary="b2"'), inner))
        assert found(body) == OFFER

    def test_not_deeper_than_that(self) -> None:
        body = parts(DESCRIPTION)
        for number in range(2, 5):
            inner = body.replace(b"--b1", b"--b%d" % number)
            body = parts((typed(f"multipart/mixed;boundary=b{number}"), inner))
        assert found(body) is None

    def test_quoted_boundaries_text_before_and_padding(self) -> None:
        body = b"This is a message with parts.\r\n" + parts(DESCRIPTION, boundary="a b")
        assert found(body.replace(b"--a b\r\n", b"--a b \t\r\n"), 'multipart/mixed;boundary="a b"')

    def test_one_that_must_be_understood_and_is_not_spoils_all(self) -> None:
        signed = typed("application/foo", "Content-Disposition: session;handling=required")
        assert found(parts(DESCRIPTION, (signed, b"x"))) is None
        optional = signed.replace("required", "optional")
        assert found(parts((optional, b"x"), DESCRIPTION)) == OFFER

    @pytest.mark.parametrize(
        "head",
        [
            typed(SDP, "Content-Disposition: early-session"),
            typed(SDP, "Content-Transfer-Encoding: base64"),
            typed("text/plain"),
            "X: y",
        ],
    )
    def test_what_is_no_description(self, head: str) -> None:
        assert found(parts((head, OFFER))) is None

    @pytest.mark.parametrize(
        "kind",
        ["multipart/mixed", "multipart/mixed;boundary=", "multipart/mixed;boundary=b",
         f"multipart/mixed;boundary={'b' * 71}", "multipart/signed;boundary=b1", SDP]
    )  # fmt: skip
    def test_kinds_without_parts(self, kind: str) -> None:
        assert found(parts(DESCRIPTION), kind) is None

    def test_no_more_than_so_many_are_looked_at(self) -> None:
        assert found(parts(*[MAP] * (MAX_PARTS - 1), DESCRIPTION)) == OFFER
        assert found(parts(*[MAP] * MAX_PARTS, DESCRIPTION)) is None

    @given(st.lists(st.sampled_from([b"--b1", b"--", b"\r\n", b"x", b"Content-Type:", b":"])))
    def test_anything_is_looked_through(self, pieces: list[bytes]) -> None:
        assert found(b"".join(pieces)) is None


class TestCalls:
    KIND = ("Content-Type", "multipart/mixed;boundary=b1")

    def test_an_offer_among_others(self) -> None:
        setup = Setup()
        setup.peer.send("INVITE", URI, PHONE, headers=[self.KIND], body=parts(MAP, DESCRIPTION))
        setup.network.run(0.1)
        assert setup.phone.next(IncomingCall).session.remote_body == OFFER

    def test_none_among_them_is_refused(self) -> None:
        setup = Setup()
        assert setup.send("INVITE", headers=[self.KIND], body=parts(MAP))[-1] == 415

    def test_an_answer_among_others(self) -> None:
        setup = CallingSetup()
        setup.call()
        setup.respond(200, headers=[self.KIND], body=parts((typed(SDP), ANSWER), MAP))
        assert setup.phone.next(Answered).body == ANSWER

    def test_an_answer_in_the_ack(self) -> None:
        setup = Setup()
        caller = Caller(setup.peer, PHONE)
        caller.invite(body=b"")
        setup.network.run(0.1)
        setup.phone.do(setup.phone.next(IncomingCall).session.answer, OFFER)
        setup.network.run(0.1)
        caller.answered()
        caller._send("ACK", 1, headers=[self.KIND], body=parts(MAP, (typed(SDP), ANSWER)))
        setup.network.run(0.1)
        assert setup.phone.next(Acknowledged).body == ANSWER

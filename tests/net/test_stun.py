"""STUN: the vectors of RFC 5769, what a hostile peer may send, and the timetable."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.net.stun import (
    ERROR,
    REQUEST,
    SUCCESS,
    BindingTransaction,
    answer,
    build_error,
    build_request,
    build_success,
    is_stun,
    parse,
)
from platypus.sip.flow import Address

# RFC 5769, 2.2 and 2.3, with MESSAGE-INTEGRITY and FINGERPRINT.
IPV4_RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147"
    "e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6_RESPONSE = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a147"
    "0113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004"
    "c8fb0b4c"
)
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
SERVER = ("192.0.2.9", 3478)
OURS = ("198.51.100.7", 40000)


def attribute(number: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return number.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + padding


def written(kind: int, *attributes: bytes) -> bytes:
    """A message without a fingerprint."""
    body = b"".join(attributes)
    head = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big")
    return head + bytes.fromhex("2112a442") + TRANSACTION + body


class TestVectors:
    def test_an_ipv4_response(self) -> None:
        found = parse(IPV4_RESPONSE)
        assert (found.kind, found.transaction) == (SUCCESS, TRANSACTION)
        assert found.mapped == ("192.0.2.1", 32853)
        assert found.unknown == ()

    def test_an_ipv6_response(self) -> None:
        assert parse(IPV6_RESPONSE).mapped == ("2001:db8:1234:5678:11:2233:4455:6677", 32853)

    @pytest.mark.parametrize("place", [5, 30, 45, len(IPV4_RESPONSE) - 1])
    def test_one_changed_octet_does_not_pass(self, place: int) -> None:
        changed = bytearray(IPV4_RESPONSE)
        changed[place] ^= 1
        with pytest.raises(ProtocolError):
            parse(bytes(changed))


class TestMessages:
    def test_a_request_is_read_as_it_was_built(self) -> None:
        found = parse(build_request(TRANSACTION))
        assert (found.kind, found.transaction) == (REQUEST, TRANSACTION)

    @pytest.mark.parametrize("address", [("192.0.2.1", 5060), ("2001:db8::7", 65535)])
    def test_a_response_carries_the_address_masked(self, address: Address) -> None:
        data = build_success(parse(build_request(TRANSACTION)), address)
        assert parse(data).mapped == address
        assert address[1].to_bytes(2, "big") not in data

    def test_a_refusal_carries_its_code_and_reason(self) -> None:
        found = parse(build_error(parse(build_request(TRANSACTION)), 420, "Unknown Attribute"))
        assert (found.kind, found.error, found.reason) == (ERROR, 420, "Unknown Attribute")

    def test_the_plain_address_counts_where_there_is_no_masked_one(self) -> None:
        plain = attribute(1, bytes.fromhex("000113c4c0000201"))
        assert parse(written(SUCCESS, plain)).mapped == ("192.0.2.1", 5060)

    def test_the_masked_one_counts_where_there_are_both(self) -> None:
        plain = attribute(1, bytes.fromhex("000113c4c0000209"))
        masked = attribute(0x20, bytes.fromhex("0001a147e112a643"))
        assert parse(written(SUCCESS, plain, masked)).mapped == ("192.0.2.1", 32853)

    def test_what_must_be_understood_and_is_not_is_listed(self) -> None:
        found = parse(written(REQUEST, attribute(0x7FFF, b"?"), attribute(0xFFFF, b"?")))
        assert found.unknown == (0x7FFF,)

    def test_nothing_may_stand_after_the_fingerprint(self) -> None:
        data = bytearray(IPV4_RESPONSE + attribute(0x7FFF, b"late"))
        data[3] += 8
        with pytest.raises(ProtocolError):
            parse(bytes(data))


class TestHostile:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\r\n\r\n",
            written(SUCCESS)[:-1],
            written(0x0003),  # Allocate, of TURN
            written(SUCCESS, attribute(0x20, b"\0\x01\0")),
            written(SUCCESS, attribute(0x20, b"\0\x03\0\0\0\0\0\0")),
            written(SUCCESS, attribute(0x20, b"\0\x02" + bytes(6))),
            written(SUCCESS, b"\0\x20\xff\xff" + bytes(8)),
            written(ERROR, attribute(9, b"\0\0\x07\x00")),
            written(ERROR, attribute(9, b"\0\0")),
            written(REQUEST, *[attribute(0x8001, b"")] * 33),
            written(REQUEST, attribute(0x8001, bytes(600))),
            written(REQUEST, attribute(0x8028, b"\0\0\0\0")),
        ],
    )
    def test_what_is_malformed_is_refused(self, data: bytes) -> None:
        with pytest.raises(ProtocolError):
            parse(data)

    @given(st.binary(max_size=600))
    def test_nothing_else_is_ever_raised(self, junk: bytes) -> None:
        for data in (junk, written(SUCCESS, junk[: len(junk) & ~3])):
            try:
                parse(data)
            except ProtocolError:
                continue

    @pytest.mark.parametrize("text", [b"INVITE sip:a SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"])
    def test_sip_is_never_taken_for_stun(self, text: bytes) -> None:
        assert not is_stun(text)


class TestAnswers:
    def test_a_request_is_answered_with_where_it_came_from(self) -> None:
        reply = answer(build_request(TRANSACTION), OURS)
        assert reply is not None
        assert parse(reply).mapped == OURS

    def test_one_that_asks_for_the_unknown_is_refused(self) -> None:
        reply = answer(written(REQUEST, attribute(0x7FFF, b"")), OURS)
        assert reply is not None
        assert parse(reply).error == 420

    @pytest.mark.parametrize("data", [IPV4_RESPONSE, written(0x0011), b"\0\x01", b"junk"])
    def test_nothing_else_is(self, data: bytes) -> None:
        assert answer(data, OURS) is None

    def test_hardly_more_is_sent_than_came(self) -> None:
        request = build_request(TRANSACTION)
        assert len(answer(request, ("2001:db8::1", 1)) or b"") <= 2 * len(request)


def start(random: Callable[[int], bytes] = os.urandom) -> BindingTransaction:
    return BindingTransaction(SERVER, random, 100.0)


def success(transaction: BindingTransaction) -> bytes:
    return build_success(parse(transaction.data), OURS)


class TestTransaction:
    def test_asks_seven_times_at_the_rfcs_intervals_and_gives_up(self) -> None:
        transaction = start()
        times = []
        while (due := transaction.next_timeout()) is not None:
            if transaction.handle_timeout(due) is not None:
                times.append(due - 100)
        assert times == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert due is None
        assert transaction.failed == "the STUN server does not answer"

    def test_gives_up_sixteen_waits_after_the_last_request(self) -> None:
        transaction = start()
        last = 0.0
        while (due := transaction.next_timeout()) is not None:
            transaction.handle_timeout(last := due)
        assert last - 100 == 39.5

    def test_asks_nothing_before_its_time(self) -> None:
        transaction = start()
        assert transaction.handle_timeout(100.0) == transaction.data
        assert transaction.handle_timeout(100.4) is None

    def test_learns_our_address(self) -> None:
        transaction = start()
        transaction.handle_timeout(100.0)
        assert transaction.receive(success(transaction), SERVER)
        assert transaction.mapped == OURS
        assert transaction.next_timeout() is None
        assert transaction.handle_timeout(200.0) is None

    def test_believes_only_the_server_it_asked(self) -> None:
        transaction = start()
        assert not transaction.receive(success(transaction), ("203.0.113.1", 3478))
        assert not transaction.receive(success(start()), SERVER)
        assert not transaction.receive(transaction.data, SERVER)
        assert not transaction.receive(b"junk", SERVER)
        assert not transaction.done

    def test_is_refused_in_words(self) -> None:
        transaction = start()
        refusal = build_error(parse(transaction.data), 500, "Server Error")
        assert transaction.receive(refusal, SERVER)
        assert transaction.failed == "the STUN server refused: 500 Server Error"

    def test_an_answer_without_an_address_is_none(self) -> None:
        transaction = start(lambda count: TRANSACTION)
        assert transaction.receive(written(SUCCESS), SERVER)
        assert "can't be understood" in transaction.failed

    def test_a_second_answer_changes_nothing(self) -> None:
        transaction = start()
        transaction.receive(success(transaction), SERVER)
        other = build_success(parse(transaction.data), ("192.0.2.200", 1))
        assert not transaction.receive(other, SERVER)
        assert transaction.mapped == OURS

"""Messages out of a byte stream (RFC 3261, 18.3; RFC 5626, 3.5.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.framing import PING, PONG, StreamFramer
from platypus.sip.grammar import MAX_MESSAGE_SIZE

FIRST = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 5\r\nTo: x\r\n\r\nhello"
SECOND = b"SIP/2.0 200 OK\r\nl : 0\r\n\r\n"
NO_LENGTH = b"ACK sip:a@b SIP/2.0\r\nTo: x\r\n\r\n"


def frames(*pieces: bytes, accepted: bool = False) -> list[bytes]:
    framer = StreamFramer(accepted=accepted)
    found: list[bytes] = []
    for piece in pieces:
        framer.feed(piece)
        found += framer
    return found


def test_takes_one_message_whole():
    assert frames(FIRST) == [FIRST]


def test_takes_several_messages_out_of_one_piece():
    assert frames(FIRST + SECOND + FIRST) == [FIRST, SECOND, FIRST]


def test_waits_for_the_rest_of_a_body():
    assert frames(FIRST[:-1]) == []
    assert frames(FIRST[:-1], FIRST[-1:]) == [FIRST]


def test_octet_by_octet_gives_the_same():
    stream = FIRST + SECOND + NO_LENGTH
    assert frames(*(stream[i : i + 1] for i in range(len(stream)))) == [FIRST, SECOND, NO_LENGTH]


@given(
    st.lists(st.sampled_from([FIRST, SECOND, NO_LENGTH, PING])),
    st.lists(st.integers(1, 40)),
    st.booleans(),
)
def test_where_the_stream_is_cut_does_not_matter(sent, cuts, accepted):
    stream = b"".join(sent)
    pieces = []
    for cut in cuts:
        pieces.append(stream[:cut])
        stream = stream[cut:]
    found = frames(*pieces, stream, accepted=accepted)
    assert [f for f in found if f not in (PING, PONG)] == [f for f in sent if f != PING]
    if accepted:
        assert found.count(PING) == sent.count(PING)


def test_without_content_length_there_is_no_body():
    assert frames(NO_LENGTH + FIRST) == [NO_LENGTH, FIRST]


def test_a_folded_content_length_counts():
    message = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length:\r\n  5\r\n\r\nhello"
    assert frames(message + SECOND) == [message, SECOND]


def test_content_length_in_the_body_does_not_count():
    message = b"OPTIONS sip:a@b SIP/2.0\r\nl: 20\r\n\r\nContent-Length: 9999"
    assert frames(message + SECOND) == [message, SECOND]


def test_a_header_that_ends_like_content_length_does_not_count():
    message = b"OPTIONS sip:a@b SIP/2.0\r\nX-Content-Length: 9\r\nlx: 7\r\nl: 0\r\n\r\n"
    assert frames(message + SECOND) == [message, SECOND]


def test_lf_alone_ends_lines_too():
    message = b"OPTIONS sip:a@b SIP/2.0\nl: 2\n\nhi"
    assert frames(message + SECOND) == [message, SECOND]


def test_a_ping_is_told_apart_from_a_pong():
    assert frames(PING) == [PING]
    assert frames(PONG) == [PONG]


def test_pings_between_messages_are_found():
    assert frames(FIRST + PING + SECOND, accepted=True) == [FIRST, PING, SECOND]


def test_half_a_ping_waits_on_an_accepted_connection():
    assert frames(b"\r\n", accepted=True) == []
    assert frames(b"\r", b"\n\r", b"\n", accepted=True) == [PING]


def test_a_pong_is_told_at_once_on_our_own_connection():
    assert frames(b"\r", b"\n", b"\r\n") == [PONG, PONG]


@pytest.mark.parametrize("stray", [b"\n", b"\n\n\n", b"\n\r\n", b"\r\r", b"\r\n\n"])
def test_stray_line_ends_before_a_message_are_skipped(stray):
    assert frames(stray + FIRST)[-1] == FIRST


def test_any_number_of_line_ends_is_skipped():
    assert frames(b"\n" * 60_000, FIRST) == [FIRST]


@pytest.mark.parametrize(
    "length", [b"-1", b"x", b"", b"1 2", b"5\r\nl: 6", b"99999999999999999999", b"+5"]
)
def test_a_broken_content_length_ends_the_stream(length):
    with pytest.raises(ProtocolError) as caught:
        frames(b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: " + length + b"\r\n\r\nhello")
    assert caught.value.status == 400


def test_the_same_content_length_twice_is_taken():
    message = b"OPTIONS sip:a@b SIP/2.0\r\nl: 2\r\nContent-Length: 2\r\n\r\nhi"
    assert frames(message) == [message]


def test_a_message_of_the_largest_size_is_taken():
    head = b"OPTIONS sip:a@b SIP/2.0\r\nl: %d\r\n\r\n"
    body = b"x" * (MAX_MESSAGE_SIZE - len(head % 65_000))
    assert frames(head % len(body), body) == [head % len(body) + body]


def test_a_larger_one_is_refused_before_its_body_comes():
    with pytest.raises(ProtocolError) as caught:
        frames(b"OPTIONS sip:a@b SIP/2.0\r\nl: 65535\r\n\r\n")
    assert caught.value.status == 513


def test_a_head_without_end_is_refused():
    with pytest.raises(ProtocolError) as caught:
        frames(*[b"X: y\r\n" * 100] * 200)
    assert caught.value.status == 513


def test_a_broken_stream_stays_broken_and_holds_nothing():
    framer = StreamFramer()
    framer.feed(b"OPTIONS sip:a@b SIP/2.0\r\nl: x\r\n\r\n")
    for _ in range(2):
        with pytest.raises(ProtocolError):
            list(framer)
        framer.feed(FIRST)


def test_messages_before_the_break_are_given():
    framer = StreamFramer()
    framer.feed(FIRST + b"OPTIONS sip:a@b SIP/2.0\r\nl: x\r\n\r\n")
    found = iter(framer)
    assert next(found) == FIRST
    with pytest.raises(ProtocolError):
        next(found)


@given(st.lists(st.binary()), st.booleans())
def test_any_octets_raise_nothing_but_a_protocol_error(pieces, accepted):
    try:
        frames(*pieces, accepted=accepted)
    except ProtocolError:
        return

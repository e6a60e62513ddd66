"""Messages and their header fields (RFC 3261, sections 7, 8.1.1 and 20)."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.grammar import (
    MAX_HEADER_LINE,
    MAX_HEADERS,
    MAX_LIST_VALUES,
    MAX_MESSAGE_SIZE,
    MAX_VIAS,
)
from platypus.sip.message import Headers, Request, Response, parse_message
from platypus.sip.uri import Uri

INVITE = b"""INVITE sip:bob@192.0.2.99:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1;rport, SIP/2.0/TCP 192.0.2.6;branch=z9hG4bK2
v: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK3
Record-Route: <sip:p1.example;lr>,<sip:p2.example;lr>
Route: <sip:p3.example;lr>
Max-Forwards: 70
f: "Alice" <sip:alice@example.com>;tag=a1
To: <sip:bob@example.com>
Call-ID: 1@192.0.2.5
CSeq: 7 INVITE
Contact: "A, B" <sip:alice@192.0.2.5>;expires=60, <sip:alice@192.0.2.6>
Expires: 120
Require: 100rel
Supported: replaces, timer
k: path
Allow: INVITE, ACK,BYE ,CANCEL
User-Agent: Phone 1
X-Mixed-CASE: one
x-mixed-case: two
Content-Type: application/SDP ; charset=utf-8
Content-Length: 4

body""".replace(b"\n", b"\r\n")

TOP = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: <sip:a@b>\r\n"
MINIMAL = TOP + "From: <sip:c@d>;tag=1\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"


def parse(text: str, body: bytes = b"") -> Request | Response:
    return parse_message(text.encode() + b"\r\n" + body)


def problem_of(message: Request | Response) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        message.validate()
    return caught.value


def everything_of(message: Request | Response) -> list[object]:
    names = [name for name in dir(type(message)) if not name.startswith("_")]
    return [getattr(message, name) for name in names]


class TestFields:
    def test_reads_what_a_user_agent_reads(self):
        message = parse_message(INVITE)
        message.validate()
        assert isinstance(message, Request)
        assert (message.method, str(message.uri)) == ("INVITE", "sip:bob@192.0.2.99:5060")
        assert [via.branch for via in message.vias] == ["z9hG4bK1", "z9hG4bK2", "z9hG4bK3"]
        assert message.via.host == "192.0.2.5"
        assert [str(route.uri) for route in message.record_routes] == [
            "sip:p1.example;lr", "sip:p2.example;lr",
        ]  # fmt: skip
        assert [route.uri.is_loose for route in message.routes] == [True]
        assert (message.from_.display_name, message.from_.tag) == ("Alice", "a1")
        assert (message.to.uri.user, message.to.tag) == ("bob", None)
        assert (message.call_id, message.cseq.number, message.cseq.method) == (
            "1@192.0.2.5",
            7,
            "INVITE",
        )
        assert [c.display_name for c in message.contacts] == ["A, B", ""]
        assert (message.max_forwards, message.expires, message.content_length) == (70, 120, 4)
        assert (message.require, message.supported) == (("100rel",), ("replaces", "timer", "path"))
        assert message.allow == ("INVITE", "ACK", "BYE", "CANCEL")
        assert (message.content_type, message.user_agent) == ("application/sdp", "Phone 1")
        assert message.body == b"body"

    def test_what_is_absent_is_none_or_empty(self):
        message = parse(MINIMAL)
        assert message.max_forwards is message.expires is message.content_length is None
        assert message.content_type is message.user_agent is None
        assert message.contacts == message.routes == message.record_routes == ()
        assert message.require == message.supported == message.allow == ()

    @pytest.mark.parametrize("name", ["via", "from_", "to", "call_id", "cseq"])
    def test_what_is_mandatory_and_absent_raises(self, name):
        with pytest.raises(ProtocolError):
            getattr(Request("OPTIONS", "sip:a@b"), name)

    def test_numbers_that_are_none_are_absent(self):
        message = parse(MINIMAL + "Max-Forwards: many\r\nExpires: soon\r\n")
        message.validate()
        assert message.max_forwards is message.expires is None

    def test_numbers_are_capped(self):
        message = parse(MINIMAL + f"Max-Forwards: 300\r\nExpires: {10**40}\r\n")
        assert (message.max_forwards, message.expires) == (255, 2**32 - 1)

    def test_a_wildcard_contact_is_no_address(self):
        message = parse(MINIMAL + "Contact: *\r\n")
        message.validate()
        assert message.wildcard_contact
        assert message.contacts == ()

    def test_an_address_is_no_wildcard(self):
        assert not parse_message(INVITE).wildcard_contact

    def test_user_agent_of_a_response_is_its_server(self):
        response = Response(200, "OK", [("Server", "Proxy 2")])
        assert response.user_agent == "Proxy 2"

    def test_a_value_is_read_anew_once_its_field_changed(self):
        message = parse_message(INVITE)
        assert message.cseq.number == 7
        message.headers.set("CSeq", "8 INVITE")
        assert message.cseq.number == 8
        message.headers.prepend("Via", "SIP/2.0/UDP new")
        assert (message.via.host, len(message.vias)) == ("new", 4)
        message.headers.add("Contact", "<sip:third@x>")
        assert len(message.contacts) == 3
        message.headers.remove("Contact")
        assert message.contacts == ()
        message.headers.set("l", "9")
        assert message.content_length == 9


class TestHeaders:
    def test_names_are_case_insensitive_and_may_be_compact(self):
        headers = parse_message(INVITE).headers
        assert headers.get("FROM") == headers.get("f") == '"Alice" <sip:alice@example.com>;tag=a1'
        assert "cALL-iD" in headers
        assert "i" in headers
        assert headers.get("X-MIXED-case") == "one"
        assert headers.get_all("x-Mixed-Case") == ["one", "two"]

    def test_an_unknown_name_keeps_its_first_spelling(self):
        names = [name for name, _ in parse_message(INVITE).headers.items()]
        assert names.count("X-Mixed-CASE") == 2

    def test_lists_are_split_and_others_are_not(self):
        headers = parse_message(INVITE).headers
        assert headers.get_all("Record-Route") == ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]
        assert headers.get_all("Contact")[0] == '"A, B" <sip:alice@192.0.2.5>;expires=60'
        date = Headers([("Date", "Sat, 13 Nov 2010 23:29:00 GMT")])
        assert date.get_all("Date") == ["Sat, 13 Nov 2010 23:29:00 GMT"]

    def test_an_absent_field_has_a_default(self):
        assert Headers().get("Subject") is None
        assert Headers().get("Subject", "none") == "none"
        assert Headers().get_all("Subject") == []

    def test_fields_of_one_name_keep_their_order(self):
        headers = Headers([("Via", "b"), ("X", "1"), ("v", "c")])
        headers.prepend("via", "a")
        assert headers.get_all("Via") == ["a", "b", "c"]

    def test_set_replaces_all_of_one_name(self):
        headers = Headers([("Via", "a"), ("To", "t"), ("Via", "b")])
        headers.set("v", "c")
        assert list(headers.items()) == [("Via", "c"), ("To", "t")]
        assert len(headers) == 2

    def test_removing_what_is_not_there_does_nothing(self):
        headers = Headers([("To", "t")])
        headers.remove("From")
        assert list(headers) == [("To", "t")]

    def test_a_copy_is_independent(self):
        headers = Headers([("Via", "a"), ("X-Own", "1")])
        copy = headers.copy()
        copy.add("Via", "b")
        copy.add("x-oWN", "2")
        assert headers.get_all("Via") == ["a"]
        assert list(copy.items()) == [("Via", "a"), ("Via", "b"), ("X-Own", "1"), ("X-Own", "2")]

    def test_a_copy_does_not_teach_the_original_its_spellings(self):
        headers = Headers()
        headers.copy().add("X-OWN", "1")
        headers.add("x-own", "2")
        assert list(headers) == [("x-own", "2")]

    def test_equal_whatever_the_order_of_names_and_their_case(self):
        assert Headers([("To", "t"), ("X-a", "1")]) == Headers([("x-A", "1"), ("t", "t")])
        assert Headers([("To", "t")]) != Headers([("To", "u")])
        assert Headers() != "no headers"

    @pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil", "\r\n\r\nINVITE"])
    def test_a_line_end_cannot_get_into_a_value(self, value):
        headers = Headers([("To", "t")])
        for put in (headers.add, headers.set, headers.prepend):
            with pytest.raises(ValueError, match="line end"):
                put("To", value)
        assert list(headers) == [("To", "t")]

    @pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "é", "a\n"])
    def test_what_is_no_token_cannot_be_a_name(self, name):
        with pytest.raises(ValueError, match="not a header name"):
            Headers([(name, "x")])

    def test_shows_names_but_no_values(self):
        assert "secret" not in repr(Headers([("Authorization", "Digest secret")]))


class TestSloppyInput:
    def test_lines_may_end_with_lf_alone(self):
        message = parse_message(INVITE.replace(b"\r\n", b"\n"))
        message.validate()
        assert message == parse_message(INVITE)

    def test_a_head_of_lf_lines_ends_before_a_body_of_crlf_lines(self):
        head = (MINIMAL + "\r\n").replace("\r\n", "\n").encode()
        assert parse_message(head + b"a\r\n\r\nb").body == b"a\r\n\r\nb"

    def test_folded_lines_are_one_line(self):
        message = parse(MINIMAL + "Subject: one\r\n two\r\n\tthree\r\nSupported:\r\n a,\r\n b\r\n")
        assert message.headers.get("Subject") == "one two three"
        assert message.supported == ("a", "b")

    def test_a_line_of_blanks_adds_nothing(self):
        assert parse(MINIMAL.replace("Via", " \r\nVia", 1)) == parse(MINIMAL)

    def test_what_looks_folded_before_any_field_is_no_field(self):
        problem_of(parse(MINIMAL.replace("Via", " Via", 1)))
        problem_of(parse(MINIMAL.replace("Via", " folded\r\nVia", 1)))

    def test_blanks_around_names_and_values_do_not_count(self):
        message = parse(MINIMAL + "Subject  :\t one \r\nx-a : 1\r\n")
        assert message.headers.get("Subject") == "one"
        assert message.headers.get("X-A") == "1"

    def test_no_blank_after_the_colon_is_needed(self):
        assert parse(MINIMAL + "Subject:one\r\n").headers.get("Subject") == "one"

    def test_without_content_length_the_body_is_the_rest(self):
        assert parse(MINIMAL, b"whatever").body == b"whatever"

    def test_octets_after_the_body_are_dropped(self):
        assert parse(MINIMAL + "Content-Length: 2\r\n", b"whatever").body == b"wh"

    def test_the_empty_line_at_the_end_may_be_missing(self):
        message = parse_message(MINIMAL.encode())
        message.validate()
        assert message.call_id == "x"

    def test_line_ends_before_the_start_line_are_skipped(self):
        assert parse_message(b"\r\n\r\n" + INVITE) == parse_message(INVITE)

    def test_a_lone_cr_is_a_blank(self):
        assert parse(MINIMAL + "Subject: a\rb\r\n").headers.get("Subject") == "a b"

    def test_octets_that_are_not_utf8_survive(self):
        data = MINIMAL.encode().replace(b"Call-ID: x", b"Call-ID: \xff\xfe") + b"\r\n"
        assert b"Call-ID: \xff\xfe\r\n" in parse_message(data).serialize()

    def test_several_blanks_in_the_request_line_are_taken(self):
        message = parse(MINIMAL.replace(" ", "  ", 1).replace(" SIP/2.0\r", "\tSIP/2.0 \r", 1))
        message.validate()
        assert str(message.uri) == "sip:a@b"

    def test_a_status_line_needs_no_reason(self):
        for line in ("SIP/2.0 486\r\n", "SIP/2.0 486 \r\n"):
            response = parse(line)
            assert (response.status, response.reason) == (486, "")

    def test_a_reason_is_read_for_people(self):
        response = parse_message(b"SIP/2.0 404 Utilis\xe9 ailleurs\r\n\r\n")
        assert response.reason == "Utilisé ailleurs"


class TestRefused:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\r\n\r\n",
            b"\x00\x00\x00\x00",
            b"hello",
            b"GET / HTTP/1.1\r\n\r\n",
            b"INVITE sip:a@b\r\n\r\n",
            b"SIP/2.0 99 Low\r\n\r\n",
            b"SIP/2.0 700 High\r\n\r\n",
            b"SIP/2.0 OK\r\n\r\n",
            b"SIP/2.0 2000 OK\r\n\r\n",
            b"SIP/3.0 200 OK\r\n\r\n",
            b"IN(VITE sip:a@b SIP/2.0\r\n\r\n",
            b" sip:a@b SIP/2.0\r\n\r\n",
            b"\x80\x01\x02\x03",
        ],
    )
    def test_what_is_no_sip_message(self, data):
        with pytest.raises(ProtocolError):
            parse_message(data)

    @pytest.mark.parametrize("name", ["Via", "To", "From", "Call-ID", "CSeq"])
    def test_a_message_without_a_mandatory_field(self, name):
        lines = [line for line in MINIMAL.split("\r\n") if not line.startswith(name)]
        error = problem_of(parse("\r\n".join(lines)))
        assert name in str(error)
        assert error.status == 400

    @pytest.mark.parametrize("name", ["To", "From", "Call-ID", "CSeq"])
    def test_a_message_with_two_of_what_is_single(self, name):
        line = next(line for line in MINIMAL.split("\r\n") if line.startswith(name))
        assert name in str(problem_of(parse(MINIMAL + line + "\r\n")))

    @pytest.mark.parametrize(
        ("old", "new", "status"),
        [
            ("SIP/2.0\r", "SIP/2.1\r", 505),
            ("1 OPTIONS", "1 INVITE", 400),
            ("1 OPTIONS", "x OPTIONS", 400),
            ("sip:a@b SIP", "sip:a@[b SIP", 400),
            ("sip:a@b SIP", "sip:a @b SIP", 400),
            ("Via: SIP/2.0/UDP h", "Via: nonsense", 400),
            ("To: <sip:a@b>", "To: <sip:a@b", 400),
            ("From: <sip:c@d>", "From: nobody", 400),
            ("Call-ID: x", "Call-ID:", 400),
            ("Call-ID: x", "Call-ID: x\r\nno colon", 400),
            ("Call-ID: x", "Call-ID: x\r\nbad name: 1", 400),
            ("Call-ID: x", "Call-ID: x\r\nContact: <", 400),
            ("Call-ID: x", "Call-ID: x\r\nRoute: <sip:a@b>, ;", 400),
            ("Call-ID: x", "Call-ID: x\r\nRecord-Route: x", 400),
            ("Call-ID: x", "Call-ID: x\r\nContent-Length: -1", 400),
            ("Call-ID: x", "Call-ID: x\r\nContent-Length: 1\r\nl: 2", 400),
            ("Call-ID: x", "Call-ID: x\r\nContent-Length: 1", 400),
        ],
    )
    def test_validate_names_the_status_to_answer_with(self, old, new, status):
        assert MINIMAL.count(old) >= 1
        assert problem_of(parse(MINIMAL.replace(old, new, 1))).status == status

    def test_the_same_content_length_twice_is_taken(self):
        message = parse(MINIMAL + "Content-Length: 2\r\nl: 2\r\n", b"ab")
        message.validate()
        assert message.body == b"ab"

    def test_an_invalid_message_can_still_be_answered(self):
        message = parse(MINIMAL.replace("sip:a@b SIP", "sip:a @b SIP", 1))
        assert message.via.branch == "z9hG4bK1"
        assert message.headers.get_all("To") == ["<sip:a@b>"]


class TestLimits:
    def test_a_message_of_the_largest_datagram_is_read(self):
        filler = MAX_MESSAGE_SIZE - len(MINIMAL) - 2
        assert len(parse(MINIMAL, b"x" * filler).body) == filler

    def test_a_larger_message_is_refused(self):
        with pytest.raises(ProtocolError) as caught:
            parse_message(MINIMAL.encode() + b"x" * MAX_MESSAGE_SIZE)
        assert caught.value.status == 513

    def test_as_many_headers_as_allowed_are_read(self):
        count = MAX_HEADERS - MINIMAL.count("\r\n") + 1
        parse(MINIMAL + "X-A: 1\r\n" * count).validate()

    def test_more_headers_are_refused(self):
        with pytest.raises(ProtocolError):
            parse(MINIMAL + "X-A: 1\r\n" * (MAX_HEADERS + 1))

    def test_a_header_line_that_is_too_long_is_refused(self):
        parse(MINIMAL + f"Subject: {'x' * MAX_HEADER_LINE}\r\n").validate()
        error = problem_of(parse(MINIMAL + f"Subject: {'x' * MAX_HEADER_LINE}x\r\n"))
        assert "Subject" in str(error)

    def test_folding_does_not_get_around_the_limit(self):
        folded = f"Subject: {'x' * MAX_HEADER_LINE}\r\n {'x' * 10}\r\n"
        assert "Subject" in str(problem_of(parse(MINIMAL + folded)))

    def test_a_request_line_that_is_too_long_is_answered_with_414(self):
        error = problem_of(parse(MINIMAL.replace("sip:a@b SIP", f"sip:a@{'b' * 9000} SIP", 1)))
        assert error.status == 414

    @pytest.mark.parametrize("form", ["Via: {}\r\n", "v: {0}, {0}\r\n"])
    def test_more_vias_than_hops_are_answered_with_483(self, form):
        via = "SIP/2.0/UDP h;branch=z9hG4bK1"
        assert problem_of(parse(MINIMAL + form.format(via) * MAX_VIAS)).status == 483

    def test_more_contacts_than_any_list_has_are_refused(self):
        contacts = ",".join(["<sip:a@b>"] * (MAX_LIST_VALUES + 1))
        assert "Contact" in str(problem_of(parse(MINIMAL + f"Contact: {contacts}\r\n")))


class TestSerialize:
    def test_writes_a_request(self):
        request = Request("OPTIONS", Uri.parse("sip:a@b"), [("v", "SIP/2.0/UDP h")], b"xy")
        assert request.serialize() == (
            b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nContent-Length: 2\r\n\r\nxy"
        )

    def test_writes_a_response(self):
        response = Response(200, "OK", [("To", "<sip:a@b>")])
        assert response.serialize() == (
            b"SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\nContent-Length: 0\r\n\r\n"
        )

    def test_content_length_is_always_that_of_the_body(self):
        request = Request("OPTIONS", "sip:a@b", [("Content-Length", "99")], b"xy")
        assert request.serialize().count(b"Content-Length: 2\r\n") == 1
        assert b"99" not in request.serialize()

    @pytest.mark.parametrize(
        "message",
        [
            Request("OPT\r\nIONS", "sip:a@b"),
            Request("OPT IONS", "sip:a@b"),
            Request("OPTIONS", "sip:a@b SIP/2.0"),
            Request("OPTIONS", "sip:a@b\r\nEvil: 1"),
            Request("OPTIONS", "sip:a@b SIP/2.0\nEvil: 1"),
            Response(200, "OK\r\nEvil: 1"),
            Response(200, "OK\rEvil: 1"),
        ],
    )
    def test_a_start_line_cannot_be_broken_out_of(self, message):
        with pytest.raises(ValueError):
            message.serialize()

    def test_a_parsed_message_is_written_as_it_was(self):
        assert parse_message(parse_message(INVITE).serialize()) == parse_message(INVITE)

    def test_a_changed_request_uri_is_written(self):
        message = parse_message(INVITE)
        message.uri = "sip:carol@d"
        assert message.serialize().startswith(b"INVITE sip:carol@d SIP/2.0\r\n")
        assert message.uri.user == "carol"

    def test_messages_differ_by_line_headers_and_body(self):
        one = Request("OPTIONS", "sip:a@b", [("To", "t")], b"x")
        assert one == Request("OPTIONS", "sip:a@b", [("To", "t"), ("l", "1")], b"x")
        assert one != Request("INVITE", "sip:a@b", [("To", "t")], b"x")
        assert one != Request("OPTIONS", "sip:c@b", [("To", "t")], b"x")
        assert one != Request("OPTIONS", "sip:a@b", [("To", "u")], b"x")
        assert one != Request("OPTIONS", "sip:a@b", [("To", "t")], b"y")
        assert one != Response(200, "OK", [("To", "t")], b"x")
        assert Response(200, "OK") != Response(200, "Fine")

    def test_shows_its_start_line_only(self):
        request = Request("OPTIONS", "sip:a@b", [("Authorization", "Digest secret")], b"secret")
        assert repr(request) == "<Request OPTIONS sip:a@b>"
        assert repr(Response(200, "OK")) == "<Response 200 OK>"


TOKENS = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,20}", fullmatch=True)
VALUES = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])
) | st.binary().map(
    lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"").decode("utf-8", "surrogateescape")
)
FIELDS = st.lists(st.tuples(TOKENS | st.sampled_from(["Via", "v", "To", "l", "X", "x"]), VALUES))


@given(TOKENS, FIELDS, st.binary())
def test_a_written_request_parses_to_itself(method, fields, body):
    request = Request(method, "sip:a@b;x=y", fields, body)
    assert parse_message(request.serialize()) == request


@given(
    st.integers(100, 699),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])),
    FIELDS,
)
def test_a_written_response_parses_to_itself(status, reason, fields):
    response = Response(status, reason.strip(), fields, b"body")
    assert parse_message(response.serialize()) == response


def read(data: bytes) -> None:
    """What a user agent does with a datagram; after `validate` nothing may raise."""
    try:
        message = parse_message(data)
        message.validate()
    except ProtocolError:
        return
    everything_of(message)
    assert parse_message(message.serialize()) == message


@given(st.binary())
@example(b"SIP/2.0 200 OK\r\nSubject: a\r")
def test_any_octets_raise_nothing_but_a_protocol_error(data):
    read(data)
    read(b"SIP/2.0 200 OK\r\n" + data)
    read(MINIMAL.encode() + data)


SEEDS = sorted(pathlib.Path(__file__).parent.parent.joinpath("data").glob("rfc*/*"))
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 3),
        st.binary(max_size=3)
        | st.sampled_from(
            [b"\r\n", b"\r\n ", b'"', b"<", b">", b",", b";", b"=", b":", b"@", b"%"]
        ),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=400)
@given(st.sampled_from(SEEDS).map(pathlib.Path.read_bytes), EDITS)
def test_damaged_messages_raise_nothing_but_a_protocol_error(data, edits):
    for place, removed, inserted in edits:
        start = int(place * len(data))
        data = data[:start] + inserted + data[start + removed :]
    read(data)

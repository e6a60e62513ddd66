"""Session descriptions, as the field writes them (RFC 8866)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import SdpError
from platypus.sdp.description import (
    MAX_BYTES,
    MAX_FORMATS,
    MAX_LINES,
    MAX_MEDIA,
    MediaDescription,
    Origin,
    SessionDescription,
    parse,
)

# RFC 8866, 5 (the example), with documentation addresses.
EXAMPLE = b"""v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
t=0 0
m=audio 49170 RTP/AVP 0
m=audio 49180 RTP/AVP 0
m=video 51372 RTP/AVP 99
c=IN IP6 2001:db8::2
a=rtpmap:99 h263-1998/90000
""".replace(b"\n", b"\r\n")


def described(*lines: str) -> SessionDescription:
    return parse("\r\n".join(("v=0", *lines, "")).encode())


class TestParsing:
    def test_reads_the_example_of_the_rfc(self):
        found = parse(EXAMPLE)
        assert found.origin == Origin("jdoe", "3724394400", "3724394405", "198.51.100.1")
        assert found.name == "Call to John Smith"
        assert found.connection == "198.51.100.1"
        assert [(each.kind, each.port) for each in found.media] == [
            ("audio", 49170),
            ("audio", 49180),
            ("video", 51372),
        ]
        assert found.media[2].connection == "2001:db8::2"
        assert found.media[2].attribute("rtpmap") == "99 h263-1998/90000"

    def test_gives_back_the_same_bytes(self):
        assert parse(EXAMPLE).serialize() == EXAMPLE

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\r\n\r\n", b" \r\n"])
    def test_takes_any_line_end_and_blank_lines(self, end):
        assert parse(EXAMPLE.replace(b"\r\n", end)) == parse(EXAMPLE)

    def test_takes_a_body_without_a_last_line_end(self):
        assert parse(EXAMPLE.rstrip()) == parse(EXAMPLE)

    def test_does_not_take_unicode_separators_for_line_ends(self):
        assert described("s=one\u2028a=two").name == "one\u2028a=two"

    def test_does_without_name_time_and_origin(self):
        found = described("m=audio 4000 RTP/AVP 0")
        assert (found.name, found.origin) == ("-", Origin())
        assert found.media[0].port == 4000

    def test_keeps_lines_it_does_not_know(self):
        found = described("x=private", "m=audio 4000 RTP/AVP 0", "b=AS:64", "y=also")
        assert found.other == (("x", "private"),)
        assert found.media[0].other == (("b", "AS:64"), ("y", "also"))

    def test_leaves_out_lines_that_are_no_lines(self):
        assert described("nonsense", "=", "", "s=kept").name == "kept"

    def test_tells_a_flag_from_an_attribute_and_from_none(self):
        found = described("a=sendonly", "a=tool:x")
        assert found.attribute("sendonly") == ""
        assert found.attribute("tool") == "x"
        assert found.attribute("ptime") is None

    def test_reads_a_number_of_ports_and_a_multicast_address(self):
        found = described("c=IN IP4 224.2.1.1/127/3", "m=audio 49170/2 RTP/AVP 0")
        assert (found.connection, found.media[0].port_count) == ("224.2.1.1", 2)

    def test_replaces_what_is_not_utf_8(self):
        assert parse(b"v=0\r\ns=caf\xe9\r\n").name == "caf\ufffd"


class TestRefusing:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"hello",
            b"v=1\r\n",
            b"o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n",
            b"\x00\xff" * 50,
            b"v=0\r\no=- 1 1 IN\r\n",
            b"v=0\r\nc=IN IP4\r\n",
            b"v=0\r\nm=audio\r\n",
            b"v=0\r\nm=audio x RTP/AVP 0\r\n",
            b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
            b"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
            "v=0\r\nm=audio \u0664\u0664\u0664\u0664 RTP/AVP 0\r\n".encode(),
        ],
    )
    def test_says_what_is_wrong(self, body):
        with pytest.raises(SdpError) as caught:
            parse(body)
        assert len(str(caught.value)) > 10

    @pytest.mark.parametrize(
        "body",
        [
            b"v=0\r\ns=" + b"x" * MAX_BYTES,
            b"v=0\r\n" + b"a=x\r\n" * MAX_LINES,
            b"v=0\r\n" + b"m=audio 0 RTP/AVP 0\r\n" * (MAX_MEDIA + 1),
            b"v=0\r\nm=audio 0 RTP/AVP" + b" 0" * (MAX_FORMATS + 1) + b"\r\n",
            b"v=0\r\nm=audio " + b"9" * 60_000 + b" RTP/AVP 0\r\n",
        ],
    )
    def test_is_bounded(self, body):
        with pytest.raises(SdpError):
            parse(body)

    def test_takes_what_is_just_inside_the_bounds(self):
        body = b"v=0\r\n" + b"m=audio 0 RTP/AVP 0\r\n" * MAX_MEDIA
        assert len(parse(body).media) == MAX_MEDIA


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
texts = st.lists(words, max_size=4).map(" ".join)
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
addresses = st.sampled_from(["192.0.2.1", "2001:db8::1", "0.0.0.0", "phone.example.com"])
attributes = st.lists(st.tuples(names, st.none() | texts), max_size=5).map(tuple)
media = st.builds(
    MediaDescription,
    kind=st.sampled_from(["audio", "video", "image"]),
    port=st.integers(0, 65535),
    protocol=st.sampled_from(["RTP/AVP", "RTP/SAVPF", "UDPTL"]),
    formats=st.lists(words, min_size=1, max_size=5).map(tuple),
    port_count=st.integers(1, 9),
    connection=st.none() | addresses,
    attributes=attributes,
    other=st.lists(st.tuples(st.just("b"), texts), max_size=2).map(tuple),
)
descriptions = st.builds(
    SessionDescription,
    origin=st.builds(Origin, words, words, words, addresses),
    media=st.lists(media, max_size=4).map(tuple),
    name=st.lists(words, min_size=1, max_size=3).map(" ".join),
    connection=st.none() | addresses,
    attributes=attributes,
    other=st.just((("t", "0 0"), ("x", "y"))),
)


class TestProperties:
    @given(descriptions)
    def test_what_was_serialized_parses_to_the_same(self, description):
        assert parse(description.serialize()) == description

    @given(st.binary(max_size=400))
    def test_any_bytes_give_a_description_or_an_sdp_error(self, body):
        for each in (body, b"v=0\r\n" + body, b"v=0\nm=audio 4 RTP/AVP 0\n" + body):
            try:
                found = parse(each)
            except SdpError:
                continue
            assert parse(found.serialize()).media == found.media

    @given(st.data())
    def test_a_damaged_description_gives_a_description_or_an_sdp_error(self, data):
        body = bytearray(EXAMPLE)
        for _ in range(data.draw(st.integers(1, 6))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        try:
            parse(bytes(body))
        except SdpError:
            return

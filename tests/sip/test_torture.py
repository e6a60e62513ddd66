"""The torture messages of RFC 4475 and RFC 5118, each with what its RFC says of it.

Only what a parser decides is judged here: accepted, refused with a status, or no
message at all. What a user agent makes of an unknown extension, scheme, body or
Max-Forwards is judged where that is decided.
"""

from __future__ import annotations

import pathlib
import re

import pytest

from platypus.errors import ProtocolError
from platypus.sip.digest import DigestServer, Verdict
from platypus.sip.framing import StreamFramer
from platypus.sip.message import Message, Request, Response, parse_message
from platypus.sip.uri import Uri

DATA = pathlib.Path(__file__).parent.parent / "data"

# RFC 4475, by section; True: accepted.
RFC4475: dict[str, bool | int] = {
    "wsinv": True,  # 3.1.1.1
    "intmeth": True,  # 3.1.1.2
    "esc01": True,  # 3.1.1.3
    "escnull": True,  # 3.1.1.4
    "esc02": True,  # 3.1.1.5
    "lwsdisp": True,  # 3.1.1.6
    "longreq": True,  # 3.1.1.7
    "dblreq": True,  # 3.1.1.8: the first request; the rest of the datagram is dropped
    "semiuri": True,  # 3.1.1.9
    "transports": True,  # 3.1.1.10
    "mpart01": True,  # 3.1.1.11
    "unreason": True,  # 3.1.1.12
    "noreason": True,  # 3.1.1.13
    "badinv01": 400,  # 3.1.2.1
    "clerr": 400,  # 3.1.2.2
    "ncl": 400,  # 3.1.2.3
    "scalar02": 400,  # 3.1.2.4
    "scalarlg": 400,  # 3.1.2.5: a response, to be dropped
    "quotbal": 400,  # 3.1.2.6
    "ltgtruri": True,  # 3.1.2.7: may be refused, or taken without the brackets
    "lwsruri": 400,  # 3.1.2.8
    "lwsstart": True,  # 3.1.2.9: may be refused, or taken
    "trws": True,  # 3.1.2.10: may be refused, or taken
    "escruri": True,  # 3.1.2.11: may be refused, or taken without the headers
    "baddate": True,  # 3.1.2.12: the Date may be ignored
    "regbadct": 400,  # 3.1.2.13
    "badaspec": True,  # 3.1.2.14: may be refused, or taken
    "baddn": True,  # 3.1.2.15: may be refused, or taken
    "badvers": 505,  # 3.1.2.16
    "mismatch01": 400,  # 3.1.2.17
    "mismatch02": 400,  # 3.1.2.18
    "badbranch": True,  # 3.2.1: the branch does not identify its transaction
    "insuf": 400,  # 3.3.1
    "unkscm": True,  # 3.3.2: the user agent answers 416
    "novelsc": True,  # 3.3.3: as above
    "unksm2": True,  # 3.3.4
    "bext01": True,  # 3.3.5: the user agent answers 420
    "invut": True,  # 3.3.6: the user agent answers 415
    "regaut01": True,  # 3.3.7
    "multi01": 400,  # 3.3.8
    "mcl01": 400,  # 3.3.9
    "bcast": True,  # 3.3.10: a response for somebody else
    "zeromf": True,  # 3.3.11
    "cparam01": True,  # 3.3.12
    "cparam02": True,  # 3.3.13
    "regescrt": True,  # 3.3.14
    "sdp01": True,  # 3.3.15: the user agent answers 406
    "inv2543": True,  # 3.4.1
}

# Not messages at all: 3.1.2.19 and the archive's own test.
DROPPED = ["bigcode", "test"]

RFC5118: dict[str, bool | int] = {
    "ipv6-good": True,  # 4.1
    "ipv6-bad": 400,  # 4.2
    "port-ambiguous": True,  # 4.3
    "port-unambiguous": True,  # 4.4
    "via-received-param-with-delim": True,  # 4.5
    "via-received-param-no-delim": True,  # 4.5
    "ipv6-in-sdp": True,  # 4.6
    "mult-ip-in-header": True,  # 4.7
    "mult-ip-in-sdp": True,  # 4.8
    "ipv4-mapped-ipv6": True,  # 4.9
    "ipv6-bug-abnf-3-colons": True,  # 4.10
    "ipv6-correct-abnf-2-colons": True,  # 4.10
}


def octets(name: str) -> bytes:
    if name in RFC5118:
        # Stored with LF; some bodies are not as long as the RFC says they are.
        data = (DATA / "rfc5118" / f"{name}.msg").read_bytes().replace(b"\n", b"\r\n")
        body = data.partition(b"\r\n\r\n")[2]
        return re.sub(rb"(Content-Length:) \d+", rb"\1 %d" % len(body), data)
    return (DATA / "rfc4475" / f"{name}.dat").read_bytes()


def parsed(name: str) -> Message:
    return parse_message(octets(name))


def accepted(name: str) -> Request:
    message = parsed(name)
    message.validate()
    assert isinstance(message, Request)
    return message


def test_every_message_of_both_rfcs_is_judged():
    stored = {path.stem for path in DATA.glob("rfc[45]*/*")}
    assert stored == {*RFC4475, *RFC5118, *DROPPED}


@pytest.mark.parametrize(("name", "verdict"), [*RFC4475.items(), *RFC5118.items()])
def test_is_taken_or_refused_as_its_rfc_says(name, verdict):
    message = parsed(name)
    if verdict is True:
        message.validate()
    else:
        with pytest.raises(ProtocolError) as caught:
            message.validate()
        assert caught.value.status == verdict


@pytest.mark.parametrize("name", DROPPED)
def test_is_no_message(name):
    with pytest.raises(ProtocolError):
        parsed(name)


@pytest.mark.parametrize("name", [n for n, v in {**RFC4475, **RFC5118}.items() if v is True])
def test_what_is_taken_survives_writing_and_parsing(name):
    message = parsed(name)
    again = parse_message(message.serialize())
    again.validate()
    assert again == message


def test_wsinv_is_read_in_spite_of_its_blanks():
    message = accepted("wsinv")
    assert (message.max_forwards, message.cseq.number, message.cseq.method) == (68, 9, "INVITE")
    assert (message.to.tag, message.from_.tag) == ("1918181833n", "98asjd8")
    assert message.from_.display_name == 'J Rosenberg \\"'
    assert [(via.transport, via.host) for via in message.vias] == [
        ("UDP", "192.0.2.2"), ("TCP", "spindle.example.com"), ("UDP", "192.168.255.111"),
    ]  # fmt: skip
    assert [via.branch for via in message.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert message.contacts[0].params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert message.routes[0].uri.params["unknownwith"] == "value"
    assert message.headers.get("newfangledheader") == "newfangled value continued newfangled value"
    assert message.headers.get("Subject") == ""
    assert (message.content_length, len(message.body)) == (150, 150)


def test_intmeth_uses_every_character_it_may():
    message = accepted("intmeth")
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert message.uri.host == "example.com"
    assert message.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert message.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_.params["fromparam''~+*_!.-%"] == "работающий"
    assert message.via.branch == "z9hG4bK-.!%66*_+`'~"
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_esc01_has_escapes_in_uris():
    message = accepted("esc01")
    assert (message.uri.user, message.uri.host) == ("sips%3Auser%40example.com", "example.net")
    assert message.to.uri.user == "user"
    assert message.from_.uri.user == "I have spaces"
    assert message.contacts[0].uri.user == "caller"
    assert message.contacts[0].uri.is_loose
    assert message.contacts[0].uri.params["name"] == "value%2541"


def test_escnull_keeps_escaped_nulls_apart():
    message = accepted("escnull")
    assert [contact.uri.user for contact in message.contacts] == ["%00", "%00%00"]


def test_esc02_has_percent_signs_that_are_no_escapes():
    message = accepted("esc02")
    assert message.method == "RE%47IST%45R"
    assert message.from_.display_name == "%Z%45"
    assert [contact.uri.user for contact in message.contacts] == ["alias1", "alias3"]
    assert message.via.branch == "z9hG4bK209%fzsnel234"


def test_lwsdisp_needs_no_blank_before_the_bracket():
    assert accepted("lwsdisp").from_.display_name == "caller"


def test_longreq_is_read_to_its_end():
    message = accepted("longreq")
    assert len(message.vias) == 34
    assert message.to.display_name.startswith("I have a user name of extreme")
    assert message.to.uri.port == 6000
    assert len(message.body) == 150


def test_dblreq_is_two_messages_on_a_stream_and_one_in_a_datagram():
    assert accepted("dblreq").method == "REGISTER"
    framer = StreamFramer()
    framer.feed(octets("dblreq"))
    # The body of the second is longer than its Content-Length; the rest of it is no message.
    starts = [frame.split()[0] for frame in framer if b"SIP/2.0" in frame]
    assert starts == [b"REGISTER", b"INVITE"]


def test_semiuri_has_a_semicolon_in_its_user():
    uri = accepted("semiuri").uri
    assert (uri.user, uri.host, uri.params) == ("user;par=u%40example.net", "example.com", {})


def test_semiuri_has_a_folded_list():
    assert len(accepted("semiuri").headers.get_all("Accept")) == 6


def test_transports_may_be_unknown():
    names = [via.transport for via in accepted("transports").vias]
    assert names == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_mpart01_keeps_its_binary_body():
    message = accepted("mpart01")
    assert message.content_type == "multipart/mixed"
    assert message.body == octets("mpart01").partition(b"\r\n\r\n")[2][: message.content_length]


def test_unreason_is_utf8():
    response = parsed("unreason")
    assert isinstance(response, Response)
    assert response.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"


def test_noreason_is_empty():
    response = parsed("noreason")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (100, "")


def test_clerr_and_ncl_can_be_answered():
    for name in ("clerr", "ncl"):
        message = parsed(name)
        assert message.via.branch
        assert message.cseq.method == "INVITE"


def test_ltgtruri_loses_its_brackets():
    assert str(accepted("ltgtruri").uri) == "sip:user@example.com"


def test_escruri_can_be_taken_without_its_headers():
    assert str(accepted("escruri").uri.without_headers()) == "sip:user@example.com"


def test_badaspec_is_taken_without_its_blanks():
    assert accepted("badaspec").to.uri == Uri.parse("sip:t.watson@example.org")


def test_baddn_is_taken_as_if_quoted():
    message = accepted("baddn")
    assert (message.from_.display_name, message.from_.tag) == ("Bell, Alexander", "43")
    assert str(message.from_).startswith('"Bell, Alexander" <')


def test_unknown_schemes_are_kept():
    assert accepted("unkscm").uri.scheme == "nobodyknowsthisscheme"
    assert accepted("novelsc").uri.scheme == "soap.beep"
    assert accepted("unksm2").to.uri.scheme == "isbn"
    assert accepted("unksm2").from_.tag == "3234233"


def test_bext01_tells_what_it_requires():
    assert accepted("bext01").require == ("nothingSupportsThis", "nothingSupportsThisEither")


def test_regaut01_has_no_digest_credentials():
    server = DigestServer("example.com", {}.get, bytes)
    assert server.verify(accepted("regaut01"), 0.0).verdict is Verdict.MISSING


def test_cparam01_and_02_differ_in_where_the_parameter_stands():
    assert accepted("cparam01").contacts[0].params == {"unknownparam": None}
    assert accepted("cparam01").contacts[0].uri.params == {}
    assert accepted("cparam02").contacts[0].params == {}
    assert accepted("cparam02").contacts[0].uri.params == {"unknownparam": None}


def test_regescrt_keeps_the_headers_of_its_contact():
    uri = accepted("regescrt").contacts[0].uri
    assert uri.headers == {"Route": "<sip:sip.example.com>"}


def test_zeromf_has_no_hops_left():
    assert accepted("zeromf").max_forwards == 0


def test_inv2543_has_neither_branch_nor_tag():
    message = accepted("inv2543")
    assert message.via.branch is None
    assert message.from_.tag is None
    assert message.to.params == {"user": "phone"}
    assert message.content_length is None
    assert len(message.body) == 105


def test_ports_are_told_from_addresses_by_the_bracket():
    assert accepted("port-ambiguous").uri.port is None
    assert accepted("port-ambiguous").uri.host == "2001:db8::10:5070"
    assert accepted("port-unambiguous").uri.port == 5070
    assert accepted("port-unambiguous").uri.host == "2001:db8::10"


def test_received_is_the_same_with_and_without_brackets():
    for name in ("via-received-param-with-delim", "via-received-param-no-delim"):
        assert accepted(name).via.received == "2001:db8::9:255"


def test_addresses_of_both_families_stand_side_by_side():
    vias = accepted("mult-ip-in-header").vias
    assert [(via.host, via.port) for via in vias] == [
        ("2001:db8::9:1", 6050), ("192.0.2.1", None), ("2001:db8::9:255", None),
    ]  # fmt: skip
    assert vias[2].received == "192.0.2.200"


def test_mapped_addresses_are_hosts():
    message = accepted("ipv4-mapped-ipv6")
    assert [via.host for via in message.vias] == ["::ffff:192.0.2.10", "::ffff:192.0.2.2"]
    assert message.contacts[0].uri.host == "::ffff:192.0.2.2"


def test_three_colons_name_the_same_address_as_two():
    hosts = {accepted(f"ipv6-{name}-colons").uri.host for name in ("bug-abnf-3", "correct-abnf-2")}
    assert hosts == {"2001:db8::192.0.2.1"}


def test_bodies_are_as_long_as_they_say():
    for name in ("ipv6-in-sdp", "mult-ip-in-sdp", "ipv4-mapped-ipv6"):
        message = accepted(name)
        assert len(message.body) == message.content_length

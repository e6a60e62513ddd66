"""Header values with a structure: NameAddr, Via, CSeq (RFC 3261, section 20)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.headers import CSeq, NameAddr, Via
from platypus.sip.uri import Uri

TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
NAMES = st.from_regex(r"[a-z][a-z0-9\-.]*", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        ('"Alice" <sip:a@b>', "Alice", "sip:a@b"),
        ('"Mr. \\"J\\" \\\\" <sip:a@b>', 'Mr. "J" \\', "sip:a@b"),
        ('"A < B"<sip:a@b>', "A < B", "sip:a@b"),
        ("Bob Smith <sip:a@b>", "Bob Smith", "sip:a@b"),
        ("Bell, Alexander <sip:a@b>", "Bell, Alexander", "sip:a@b"),
        ("Jo\"e O'Neil (x) <sip:a@b>", "Jo\"e O'Neil (x)", "sip:a@b"),
        ("caller<sip:a@b>", "caller", "sip:a@b"),
        ('"" <sip:a@b>', "", "sip:a@b"),
        ("<  sip:a@b  >", "", "sip:a@b"),
        ("  sip:a@b  ", "", "sip:a@b"),
        ("<tel:+1;ext=2>", "", "tel:+1;ext=2"),
        ("<sip:a@b;lr?Subject=x>", "", "sip:a@b;lr?Subject=x"),
    ],
)
def test_parses_name_and_uri(text, name, uri):
    value = NameAddr.parse(text)
    assert (value.display_name, str(value.uri), value.params) == (name, uri, {})


@pytest.mark.parametrize(
    "text",
    ["<sip:a@b>;tag=1;x", "sip:a@b;tag=1;x", "<sip:a@b> ; Tag = 1 ;; x", '"n"<sip:a@b>;tag=1;x'],
)
def test_parameters_outside_brackets_belong_to_the_header(text):
    value = NameAddr.parse(text)
    assert value.params == {"tag": "1", "x": None}
    assert value.uri.params == {}
    assert value.tag == "1"


def test_parameters_inside_brackets_belong_to_the_uri():
    value = NameAddr.parse("<sip:a@b;user=phone>;tag=1")
    assert (value.uri.params, value.params) == ({"user": "phone"}, {"tag": "1"})


@pytest.mark.parametrize("text", ["<sip:a@b>", "<sip:a@b>;tag", "<sip:a@b>;tag="])
def test_has_no_tag_without_a_value(text):
    assert NameAddr.parse(text).tag is None


def test_reads_a_latin1_display_name():
    text = b'"J\xfcrgen" <sip:j@b>'.decode("utf-8", "surrogateescape")
    assert NameAddr.parse(text).display_name == "Jürgen"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "alice",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        '"Alice <sip:a@b>',
        '"Alice" sip:a@b',
        '"A" x <sip:a@b>',
        "<sip:a@b> x",
        "<sip:a@b>>",
        "sip:a@b?Route=%3Csip:x%3E",
        "sip:a,b@c",
        '<sip:a@b>;tag="x',
        "<sip:a@b>;=x",
    ],
)
def test_refuses_what_is_no_address(text):
    with pytest.raises(ProtocolError):
        NameAddr.parse(text)


def test_writes_the_name_in_quotes_with_escapes():
    value = NameAddr(Uri.parse("sip:a@b"), 'Joe "\\" X', {"tag": "1", "lr": None})
    assert str(value) == '"Joe \\"\\\\\\" X" <sip:a@b>;tag=1;lr'


def test_with_tag_replaces_the_tag_only():
    value = NameAddr.parse('"A" <sip:a@b>;tag=1;x=y')
    assert str(value.with_tag("2")) == '"A" <sip:a@b>;tag=2;x=y'
    assert value.tag == "1"


def test_drops_parameters():
    assert str(NameAddr.parse("<sip:a@b;lr>;tag=1").without_params()) == "<sip:a@b;lr>"


@given(TEXT, st.dictionaries(NAMES, st.none() | TEXT))
def test_a_written_address_parses_to_itself(name, params):
    value = NameAddr(Uri.parse("sip:a@b;lr"), name, params)
    assert NameAddr.parse(str(value)) == value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SIP/2.0/UDP a.example", ("UDP", "a.example", None)),
        ("SIP/2.0/TCP 192.0.2.1:5061", ("TCP", "192.0.2.1", 5061)),
        ("SIP/2.0/UDP 127.0.0.1:54321", ("UDP", "127.0.0.1", 54321)),
        ("SIP  /   2.0 /UDP    192.0.2.2", ("UDP", "192.0.2.2", None)),
        ("sip/2.0/tls h : 5061", ("TLS", "h", 5061)),
        ("SIP/2.0/SCTP [2001:db8::9:1]:6050", ("SCTP", "2001:db8::9:1", 6050)),
        ("SIP/2.0/UDP 2001:db8::9:1", ("UDP", "2001:db8::9:1", None)),
        ("SIP/2.0/TLS-SCTP my_host", ("TLS-SCTP", "my_host", None)),
    ],
)
def test_parses_via(text, parts):
    via = Via.parse(text)
    assert (via.transport, via.host, via.port) == parts


def test_parses_via_parameters():
    via = Via.parse("SIP/2.0/UDP h;branch=z9hG4bK1 ; received=192.0.2.1;rport=5070;ttl=1")
    assert (via.branch, via.received, via.rport) == ("z9hG4bK1", "192.0.2.1", 5070)
    assert via.params["ttl"] == "1"


@pytest.mark.parametrize("value", ["2001:db8::9:255", "[2001:db8::9:255]"])
def test_received_may_have_brackets_or_not(value):
    assert Via.parse(f"SIP/2.0/UDP h;received={value}").received == "2001:db8::9:255"


@pytest.mark.parametrize("value", ["=0", "=65536", "=x", "=-1", "=", ""])
def test_rport_that_is_no_port_is_none(value):
    via = Via.parse(f"SIP/2.0/UDP h;rport{value}")
    assert via.rport is None
    assert via.wants_rport


def test_no_rport_is_not_wanted():
    assert not Via.parse("SIP/2.0/UDP h").wants_rport


def test_an_old_via_has_no_branch():
    assert Via.parse("SIP/2.0/UDP h").branch is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ;branch=x",
        "SIP/3.0/UDP h",
        "UDP h",
        "SIP/2.0 h",
        ";",
        "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP h:99999",
        "SIP/2.0/UDP [::g]",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP h;=1",
    ],
)
def test_refuses_what_is_no_via(text):
    with pytest.raises(ProtocolError):
        Via.parse(text)


def test_fills_in_what_was_received():
    via = Via.parse("SIP/2.0/UDP h:5070;rport;branch=1").with_params(
        received="192.0.2.1", rport="9"
    )
    assert str(via) == "SIP/2.0/UDP h:5070;rport=9;branch=1;received=192.0.2.1"


@given(
    st.sampled_from(["UDP", "TCP", "TLS", "WS"]),
    st.sampled_from(["a.example", "192.0.2.1", "2001:db8::1"]),
    st.none() | st.integers(0, 65535),
    st.dictionaries(NAMES, st.none() | TEXT),
)
def test_a_written_via_parses_to_itself(transport, host, port, params):
    via = Via(transport, host, port, params)
    assert Via.parse(str(via)) == via


def test_parses_cseq():
    assert CSeq.parse("4711 INVITE") == CSeq(4711, "INVITE")
    assert CSeq.parse("0009   INVITE") == CSeq(9, "INVITE")
    assert CSeq.parse("2147483647 BYE").number == 2**31 - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE",
        "1 ",
        "x INVITE",
        "-1 INVITE",
        "1 IN VITE",
        "2147483648 BYE",
        "9" * 999 + " A",
    ],
)
def test_refuses_what_is_no_cseq(text):
    with pytest.raises(ProtocolError):
        CSeq.parse(text)


@given(st.sampled_from([NameAddr, Via, CSeq]), st.text())
def test_parsing_raises_nothing_but_its_own_error(kind, text):
    for prefix in ("", "SIP/2.0/UDP ", "SIP/2.0/UDP h;", "<sip:a@b>", '"'):
        try:
            value = kind.parse(prefix + text)
        except ProtocolError:
            continue
        assert kind.parse(str(value)) == value

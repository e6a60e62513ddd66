"""SIP URIs: parsing, writing and comparing (RFC 3261, 19.1)."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.uri import Uri

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sip:alice@atlanta.com", ("sip", "alice", None, "atlanta.com", None)),
        (
            "sip:alice:secretword@atlanta.com:5061",
            ("sip", "alice", "secretword", "atlanta.com", 5061),
        ),
        ("SIPS:1212@gateway.com", ("sips", "1212", None, "gateway.com", None)),
        ("sip:atlanta.com", ("sip", None, None, "atlanta.com", None)),
        ("sip:127.0.0.1:45678", ("sip", None, None, "127.0.0.1", 45678)),
        (
            "sip:+1-212-555-1212:1234@gateway.com",
            ("sip", "+1-212-555-1212", "1234", "gateway.com", None),
        ),
        (
            "sip:alice;day=tuesday@atlanta.com",
            ("sip", "alice;day=tuesday", None, "atlanta.com", None),
        ),
        ("sip:*60%23@pbx", ("sip", "*60#", None, "pbx", None)),
        ("sip:user@[2001:db8::1]:5070", ("sip", "user", None, "2001:db8::1", 5070)),
        ("sip:caller@2001:db8::1", ("sip", "caller", None, "2001:db8::1", None)),
        ("sip:john@corp.com@provider.net", ("sip", "john%40corp.com", None, "provider.net", None)),
        ("  sip:a@b  ", ("sip", "a", None, "b", None)),
        ("sip:@host", ("sip", "", None, "host", None)),
    ],
)
def test_parses_its_parts(text, parts):
    uri = Uri.parse(text)
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == parts


def test_parses_parameters_with_names_in_lower_case():
    uri = Uri.parse("sip:a@b;Transport=TCP;LR;maddr=239.255.255.1;;n%61me=v%61lue%25%34%31")
    assert uri.params == {
        "transport": "TCP", "lr": None, "maddr": "239.255.255.1", "name": "value%2541",
    }  # fmt: skip
    assert uri.transport == "tcp"
    assert uri.is_loose


def test_an_escaped_parameter_name_is_the_name():
    assert Uri.parse("sip:a@b;%6C%72").is_loose


def test_parses_headers_fully_unescaped_under_their_canonical_names():
    uri = Uri.parse("sip:a@b?subject=project%20x&replaces=1%40c%3Bto-tag%3D2&X-One=1")
    assert uri.headers == {"Subject": "project x", "Replaces": "1@c;to-tag=2", "X-One": "1"}


def test_joins_repeated_headers_as_a_list():
    uri = Uri.parse("sip:a@b?Route=%3Csip:x%3E&Route=%3Csip:y%3E")
    assert uri.headers["Route"] == "<sip:x>, <sip:y>"


@pytest.mark.parametrize("text", ["sip:a@b?Subject=x%0d%0aEvil:1", "sip:a@b?X%0aEvil=1"])
def test_refuses_headers_that_hold_a_line_end(text):
    with pytest.raises(ProtocolError):
        Uri.parse(text)


def test_a_body_in_the_headers_may_have_lines():
    assert Uri.parse("sip:a@b?body=v%3D0%0D%0A").headers["body"] == "v=0\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "alan@jasomi.com",
        "sip:",
        "sip:@",
        "sip:a@",
        "sip:a b@c",
        "sip:a@b c",
        "sip:a@b; lr",
        "sip:<a@b>",
        'sip:"a"@b',
        "sip:a@b:port",
        "sip:a@b:99999",
        "sip:a@[::g]",
        "sip:a@[::1",
        "sip:2001:db8::10",
        "sip:user@[2001:db8::1]x",
        "sip:a@b\r\nX: y",
        "1ip:a@b",
        ":a",
    ],
)
def test_refuses_what_is_no_uri(text):
    with pytest.raises(ProtocolError) as caught:
        Uri.parse(text)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "text",
    [
        "sip:%75ser@Example.COM;Transport=TCP;lr?subject=a%20b",
        "sip:user;par=u%40example.net@example.com",
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too."
        "(doesn't-it)@example.com",
        "sip:user@[2001:db8:::192.0.2.1]",
        "tel:+358-555-1234567;postd=pp22",
        "soap.beep://192.0.2.103:3002",
        "nobodyKnowsThisScheme:totallyopaquecontent",
    ],
)
def test_writes_what_it_parsed_exactly_as_it_was(text):
    assert str(Uri.parse(text)) == text


def test_keeps_other_schemes_opaque():
    uri = Uri.parse("isbn:2983792873")
    assert (uri.scheme, uri.user, uri.host, uri.is_sip) == ("isbn", "2983792873", "", False)


def test_finds_the_number_of_a_tel_uri():
    uri = Uri.parse("tel:863-1234;phone-context=+1-914-555")
    assert (uri.user, uri.params) == ("863-1234", {"phone-context": "+1-914-555"})


def test_writes_a_built_uri_with_brackets_and_escapes():
    uri = Uri("sip", "a b@c", "2001:db8::1", 5070, {"x": "a;b"}, {"Subject": "x&y"}, password="p:q")
    assert str(uri) == "sip:a%20b%40c:p%3Aq@[2001:db8::1]:5070;x=a%3Bb?Subject=x%26y"


def test_a_line_end_in_a_built_user_is_escaped():
    assert "\n" not in str(Uri("sip", "a\r\nX: y", "b"))


@given(TEXT, TEXT, st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.none() | TEXT))
def test_a_written_uri_parses_to_the_same_text(user, password, params):
    uri = Uri("sip", user, "example.com", 5060, params, password=password)
    again = Uri.parse(str(uri))
    assert str(dataclasses.replace(again)) == str(uri)
    assert (again.host, again.port, set(again.params)) == ("example.com", 5060, set(params))


@given(
    st.dictionaries(
        st.from_regex(r"X-[a-z]{1,9}", fullmatch=True),
        TEXT.filter(lambda t: "\n" not in t and "\r" not in t),
    )
)
def test_headers_survive_writing_and_parsing(headers):
    assert Uri.parse(str(Uri("sip", "a", "b", headers=headers))).headers == headers


@given(st.text())
def test_parsing_raises_nothing_but_its_own_error(text):
    for prefix in ("", "sip:", "sip:a@", "sip:a@b;", "sip:a@b?"):
        try:
            uri = Uri.parse(prefix + text)
        except ProtocolError:
            continue
        assert Uri.parse(str(uri)) == uri


def test_adds_and_replaces_parameters():
    uri = Uri.parse("sip:a@b;transport=udp").with_params(transport="tcp", lr=None)
    assert str(uri) == "sip:a@b;transport=tcp;lr"


def test_removes_parameters():
    uri = Uri.parse("sip:a@b;transport=udp;lr")
    assert str(uri.without_params("lr")) == "sip:a@b;transport=udp"
    assert str(uri.without_params()) == "sip:a@b"


def test_removes_headers():
    assert str(Uri.parse("sip:a@b?Subject=x").without_headers()) == "sip:a@b"


def test_its_parameters_cannot_be_changed_behind_the_cache():
    with pytest.raises(TypeError):
        Uri.parse("sip:a@b;lr").params["x"] = "y"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Uri.parse("sip:a@b;lr").host = "c"


def test_does_not_show_its_password():
    assert "secretword" not in repr(Uri.parse("sip:alice:secretword@atlanta.com"))


def test_equal_uris_have_equal_hashes():
    one, two = Uri.parse("sip:%61@b;x=1;y"), Uri.parse("sip:a@b;y;x=1")
    assert one == two
    assert len({one, two}) == 1


# The examples of RFC 3261, 19.1.4.
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_equivalent_uris_of_the_rfc(one, two):
    assert Uri.parse(one).equivalent(Uri.parse(two))
    assert Uri.parse(two).equivalent(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@b", "sips:a@b"),
        ("sip:a:p@b", "sip:a:q@b"),
        ("sip:a:p@b", "sip:a@b"),
        ("sip:a%3Bb@c", "sip:a;b@c"),
        ("sip:a@b;user=phone", "sip:a@b"),
    ],
)
def test_different_uris_of_the_rfc(one, two):
    assert not Uri.parse(one).equivalent(Uri.parse(two))
    assert not Uri.parse(two).equivalent(Uri.parse(one))


def test_other_schemes_compare_as_text():
    assert Uri.parse("tel:+1").equivalent(Uri.parse("TEL:+1"))
    assert not Uri.parse("tel:+1").equivalent(Uri.parse("tel:+2"))

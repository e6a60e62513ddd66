"""The lexical grammar: lists, parameters, quotes, escapes, hosts (RFC 3261, 25.1)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.grammar import (
    CANONICAL_NAMES,
    LIST_HEADERS,
    MAX_DELTA_SECONDS,
    Quoted,
    escape,
    format_host_port,
    format_params,
    is_ipv6,
    parse_host_port,
    parse_number,
    parse_params,
    parse_port,
    printable,
    quote,
    shown,
    split_list,
    split_params,
    unescape,
    unescape_fully,
    unquote,
)

LETTERS = re.compile(r"[a-z]+")
# What a header value can hold: anything but line ends and lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


def test_names_every_compact_form_of_the_registry():
    compact = {name: full for name, full in CANONICAL_NAMES.items() if len(name) == 1}
    assert "".join(sorted(compact)) == "ABCDEFIJKLMNORSTUVXY" + "abcdefijklmnorstuvxy"
    assert (compact["v"], compact["m"], compact["r"]) == ("Via", "Contact", "Refer-To")


def test_knows_every_list_header_by_its_canonical_name():
    assert set(CANONICAL_NAMES.values()) >= LIST_HEADERS


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"Bell, A" <sip:a@b>, <sip:c@d>', ['"Bell, A" <sip:a@b>', "<sip:c@d>"]),
        ("<sip:a,b@c>,<sip:d@e>", ["<sip:a,b@c>", "<sip:d@e>"]),
        (r'"q\", x" <sip:a@b>, c', [r'"q\", x" <sip:a@b>', "c"]),
        ('"a<b" <sip:x>, y', ['"a<b" <sip:x>', "y"]),
        ("a,,b", ["a", "", "b"]),
        ("", [""]),
    ],
)
def test_splits_lists_at_commas_outside_quotes_and_brackets(text, elements):
    assert split_list(text) == elements


@pytest.mark.parametrize("text", ['a, "b, c', "a, <b, c", '"' * 9, '<"' * 9, 'a,"\\'])
def test_keeps_what_is_never_closed_in_one_element(text):
    assert ",".join(part.replace(" ", "") for part in split_list(text)) == text.replace(" ", "")


def test_splits_parameters_at_semicolons_outside_quotes():
    assert split_params('a="x;y";b=c') == ['a="x;y"', "b=c"]


def test_parses_parameters_with_flags_quotes_and_blanks():
    params = parse_params(';lr ; Tag = abc;x="a;\\"b";;')
    assert params == {"lr": None, "tag": "abc", "x": 'a;"b'}


def test_takes_the_first_of_a_repeated_parameter():
    assert parse_params(";tag=a;TAG=b") == {"tag": "a"}


def test_keeps_an_empty_value_apart_from_a_flag():
    assert parse_params(";a=;b") == {"a": "", "b": None}


def test_refuses_a_parameter_without_a_name():
    with pytest.raises(ProtocolError):
        parse_params(";=x")


@pytest.mark.parametrize("text", [';a="x', ';a="x\\"', ';a="x"y'])
def test_refuses_a_quoted_value_that_does_not_end(text):
    with pytest.raises(ProtocolError):
        parse_params(text)


def test_writes_quoted_values_in_quotes_again():
    text = ';+sip.instance="<urn:uuid:1>";mobility="fixed";lr;q=0.5'
    assert format_params(parse_params(text)) == text


def test_quotes_values_that_are_no_token():
    assert format_params({"a": "x y", "b": ""}) == ';a="x y";b=""'


def test_marks_values_that_were_quoted():
    value = parse_params(';a="b"')["a"]
    assert isinstance(value, Quoted)
    assert value == "b"


@given(st.dictionaries(st.from_regex(r"[a-z+.\-]+", fullmatch=True), st.none() | TEXT))
def test_parameters_survive_writing_and_parsing(params):
    assert parse_params(format_params(params)) == params


@given(TEXT)
def test_quoted_strings_survive_writing_and_parsing(text):
    assert unquote(quote(text)) == text


@pytest.mark.parametrize("text", ["", "a", '"', '"a', 'a"', '"a\\"', '"a"b"', '"a" '])
def test_unquote_refuses_what_is_no_quoted_string(text):
    with pytest.raises(ProtocolError):
        unquote(text)


@given(TEXT)
def test_splitting_a_list_loses_nothing_but_blanks(text):
    def squeezed(value):
        return "".join(value.split())

    assert squeezed(",".join(split_list(text))) == squeezed(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("0068", 68),
        ("9" * 200, 1000),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        (" 1", None),
        ("\u0661", None),
        ("1.0", None),
        ("9" * 300, None),
    ],
)
def test_numbers_are_decimal_digits_and_capped(text, number):
    assert parse_number(text, 1000) == number


def test_delta_seconds_are_capped_at_their_largest_value():
    assert parse_number("10" * 40, MAX_DELTA_SECONDS) == MAX_DELTA_SECONDS


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        ("%75se%72", "user"),
        ("I%20have%20spaces", "I have spaces"),
        ("a%3bb", "a%3Bb"),
        ("sips%3Auser%40example.com", "sips%3Auser%40example.com"),
        ("null-%00-null", "null-%00-null"),
        ("%C3%A9", "é"),
        ("%ff", "%FF"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("%2541", "%2541"),
    ],
)
def test_unescapes_but_reserved_control_and_broken_ones(escaped, plain):
    assert unescape(escaped) == plain


@given(TEXT)
def test_unescaping_twice_is_unescaping_once(text):
    assert unescape(unescape(text)) == unescape(text)


def test_unescapes_fully_for_the_headers_of_a_uri():
    assert unescape_fully("%3Csip:a%40b%3E") == "<sip:a@b>"


def test_escapes_what_is_not_to_be_kept():
    assert escape("ab c%41é", LETTERS) == "ab%20c%41%C3%A9"


@given(TEXT)
def test_what_was_escaped_fully_unescapes_to_itself(text):
    assert unescape_fully(escape(text.replace("%", "%25"), LETTERS)) == text


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "1::",
        "2001:db8::9:1",
        "1:2:3:4:5:6:7:8",
        "::ffff:192.0.2.1",
        "2001:db8::192.0.2.1",
        "2001:db8:::192.0.2.1",
        "1:2:3:4:5:6:1.2.3.4",
        "fe80::1%eth0",
    ],
)
def test_accepts_ipv6_addresses(address):
    assert is_ipv6(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "1",
        ":",
        "1:2",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "12345::",
        "g::",
        "1:2:3:4:5:6:7::8:9",
        "1:2:3:4:5:6:7::8",
        "::1.2.3",
        "::1.2.3.256",
        "1.2.3.4",
        "1.2.3.4::",
        "::1.2.3.4.",
        "::::",
    ],
)
def test_refuses_what_is_no_ipv6_address(address):
    assert not is_ipv6(address)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.com", "example.com", None),
        ("example.com:5060", "example.com", 5060),
        ("my_host : 5060", "my_host", 5060),
        ("host:", "host", None),
        ("[2001:db8::10]", "2001:db8::10", None),
        ("[2001:db8::10]:5070", "2001:db8::10", 5070),
        ("[2001:db8::10:5070]", "2001:db8::10:5070", None),
    ],
)
def test_parses_hosts_and_ports(text, host, port):
    assert parse_host_port(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":5060",
        "a b",
        "a:b",
        "a:65536",
        "a:-1",
        "a:1:2",
        "[::1",
        "[::g]",
        "[::1]x",
        "-a",
        ".a",
        "é",
    ],
)
def test_refuses_hosts_and_ports_that_are_none(text):
    with pytest.raises(ProtocolError):
        parse_host_port(text)


def test_takes_bare_ipv6_only_where_asked():
    assert parse_host_port("2001:db8::1", bare_ipv6=True) == ("2001:db8::1", None)
    with pytest.raises(ProtocolError):
        parse_host_port("2001:db8::1")


def test_port_zero_to_65535():
    assert (parse_port("0"), parse_port("65535")) == (0, 65535)


def test_writes_brackets_around_ipv6():
    assert format_host_port("2001:db8::1", 5060) == "[2001:db8::1]:5060"
    assert format_host_port("a.example", None) == "a.example"


def test_reads_octets_that_are_not_utf8_as_latin1():
    assert printable(b"Andr\xe9".decode("utf-8", "surrogateescape")) == "André"
    assert printable("Łukasz") == "Łukasz"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("\x1b[2J\x1b]0;owned\x07Bob", "[2J]0;ownedBob"),
        ("Bob\tthe\r\nBuilder", "Bob the  Builder"),
        ("\u202egnp.exe", "gnp.exe"),  # would be read from right to left
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("Andr\udce9\x07", "Andr\xe9"),
    ],
)
def test_text_for_people_steers_no_terminal(said: str, told: str) -> None:
    assert shown(said) == told

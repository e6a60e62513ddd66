"""The words of a refusal."""

from __future__ import annotations

import pytest

from platypus.sip.message import Response
from platypus.sip.warning import warning, warning_of, with_warning


def refusal(value: str | None) -> Response:
    response = Response(488, "Not Acceptable Here")
    if value is not None:
        response.headers.add("Warning", value)
    return response


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('399 platypus "SRTP is required here"', "SRTP is required here"),
        ('304 pbx.example.com:5060 "Media type, not available"', "Media type, not available"),
        (r'399 x "say \"no\""', 'say "no"'),
        ('399 x "one", 399 y "two"', "one"),
        ('399 x "' + "a" * 400 + '"', "a" * 200),
        (None, ""),
        ("", ""),
        ("399 x nothing", ""),
        ('399 x "never ends', ""),
        ('x y "z"', ""),
    ],
)
def test_the_text_of_the_first_warning_is_read(value: str | None, text: str) -> None:
    assert warning_of(refusal(value)) == text


def test_what_a_terminal_would_act_on_is_not_shown() -> None:
    assert "\x1b" not in warning_of(refusal('399 x "\x1b[2J"'))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("no codec in common", "no codec in common"),
        ('the other side has "x"\\y', "the other side has 'x'/y"),
        ("a\r\nVia: \x1b b\u00e4r", "a??Via: ? b?r"),
        ("a" * 400, "a" * 200),
    ],
)
def test_what_is_said_is_one_harmless_line(said: str, read: str) -> None:
    name, value = warning(said)
    assert name == "Warning"
    assert warning_of(refusal(value)) == read


def test_only_who_could_not_take_an_offer_is_asked_why() -> None:
    response = refusal('399 x "no codec"')
    assert with_warning("Not Acceptable Here", response) == "Not Acceptable Here: no codec"
    busy = Response(486, "Busy Here")
    busy.headers.add("Warning", '399 x "no codec"')
    assert with_warning("Busy Here", busy) == "Busy Here"

"""The words of a refusal."""

from __future__ import annotations

import pytest

from platypus.sip.message import Response
from platypus.sip.warning import warning_of


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

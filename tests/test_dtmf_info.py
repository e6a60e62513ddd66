"""Digits in the bodies of INFO."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.dtmf_info import DEFAULT_MS, DIGITS, build_info, parse_info


@pytest.mark.parametrize(
    ("body", "pressed"),
    [
        (b"Signal=5\r\nDuration=160\r\n", ("5", 160)),
        (b"Signal= 5\nDuration= 160", ("5", 160)),
        (b"signal=d\r\n", ("D", DEFAULT_MS)),
        (b"Signal=*\r\nDuration=100\r\n", ("*", 100)),
        (b"Signal=10\r\nDuration=250\r\n", ("*", 250)),
        (b"Signal=11\r\n", ("#", DEFAULT_MS)),
        (b"Duration=90\r\nSignal=7\r\n", ("7", 90)),
        (b"7", ("7", DEFAULT_MS)),
        (b" #\r\n", ("#", DEFAULT_MS)),
        (b"Signal=1\r\nDuration=999999", ("1", 60_000)),
    ],
)
def test_is_read_as_phones_write_it(body: bytes, pressed: tuple[str, int]) -> None:
    assert parse_info(body) == pressed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Signal=16\r\n",
        b"Signal=\r\n",
        b"Signal=55555",
        b"Duration=100",
        b"hello",
        b"\xff\x00",
    ],
)
def test_what_is_no_digit_is_none(body: bytes) -> None:
    assert parse_info(body) is None


@given(st.sampled_from(DIGITS), st.integers(40, 5000))
def test_what_we_write_we_read(digit: str, duration_ms: int) -> None:
    content_type, body = build_info(digit.lower(), duration_ms)
    assert content_type == "application/dtmf-relay"
    assert parse_info(body) == (digit, duration_ms)


@given(st.binary(max_size=200))
def test_no_body_breaks_it(body: bytes) -> None:
    pressed = parse_info(body)
    assert pressed is None or pressed[0] in DIGITS


@pytest.mark.parametrize("digit", ["", "12", "E", "\r\n"])
def test_only_digits_are_written(digit: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        build_info(digit, 100)

"""The c= line: addresses, names, and what is neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.sdp.addresses import MAX_ADDRESS, MAX_NAME, is_name, is_zero, problem_with


@pytest.mark.parametrize(
    "text", ["pbx", "pbx.example.com", "PBX-1.example.com.", "3com.example", "a_b.local", "1.n2"]
)
def test_names(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "192.0.2.1", "1.2.3.456", "::1", "2001:db8::1", "-a.b", "a-.b", "a..b", "a b", "ä.de",
     "a." * 200 + "de", "x" * 64 + ".de", "a/b"],
)  # fmt: skip
def test_what_is_no_name(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        *("224.0.0.1", "ff02::1", "255.255.255.255", "1.2.3", "a..b", "fe80::1%eth0"),
        *("::ffff:224.0.0.1", "::ffff:255.255.255.255"),
    ],
)
def test_where_nothing_can_be_sent(text: str) -> None:
    assert text in problem_with(text)


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::0", "::ffff:0.0.0.0"])
def test_nowhere_yet(text: str) -> None:
    assert is_zero(text)


@pytest.mark.parametrize("text", [None, "", "0", "0.0.0.1", "::1", "pbx", "0" * 100_000])
def test_what_is_somewhere_or_nothing(text: str | None) -> None:
    assert not is_zero(text)


@given(st.text(alphabet="a1-._:%/", max_size=MAX_NAME + 10))
def test_an_address_is_never_taken_for_a_name(text: str) -> None:
    if len(text) <= MAX_ADDRESS and problem_with(text) == "":
        assert not is_name(text)

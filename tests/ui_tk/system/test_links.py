from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui_tk.system.links import LinkError, is_link, target


@pytest.mark.parametrize(
    ("link", "dialled"),
    [
        ("tel:+49-30-123.45", "+493012345"),
        ("tel:+1(212)555-0100;ext=5;isub=1", "+12125550100"),
        ("TEL:%2B49%2030%20123", "+4930123"),
        ("tel://600", "600"),
        ("tel:*72%23", "*72#"),
        ("callto:+49 30 123", "+4930123"),
        ("callto:ana@example.com", "sip:ana@example.com"),
        ("callto://600/", "600"),
        ("sip:600", "600"),
        ("sip:ana@example.com", "sip:ana@example.com"),
        ("sip:ana@example.com:5070;transport=tcp;x=1", "sip:ana@example.com:5070;transport=tcp"),
        ("sips:ana@example.com?Subject=hi&Route=%3Csip:evil%3E", "sips:ana@example.com"),
        ("sip:ana:secret@example.com", "sip:ana@example.com"),
        ("sip:ana@[2001:db8::1]:5060", "sip:ana@[2001:db8::1]:5060"),
        ("sip:pbx.example.com", "sip:pbx.example.com"),
    ],
)
def test_a_link_names_whom_to_call(link: str, dialled: str) -> None:
    assert is_link(link)
    assert target(link) == dialled


@pytest.mark.parametrize(
    "link",
    ["sip:", "sip:@host", "tel:", "tel:abc!", "tel:12\r\n34", "callto:", "http:x", "sip:a b@c d",
     "tel:" + "1" * 600],
)  # fmt: skip
def test_a_link_that_names_nobody_is_refused_in_a_sentence(link: str) -> None:
    with pytest.raises(LinkError, match=r"\.$"):
        target(link)


@pytest.mark.parametrize("text", ["", "600", "https://example.com", "ana@example.com"])
def test_other_texts_are_no_links(text: str) -> None:
    assert not is_link(text)


@given(st.sampled_from(["sip:", "tel:", "callto:", "sips:"]), st.text(max_size=60))
def test_no_link_smuggles_a_header_or_a_line(scheme: str, rest: str) -> None:
    try:
        dialled = target(scheme + rest)
    except LinkError:
        return
    assert not {"\r", "\n", "?", "<", ">"} & set(dialled)

"""Format parameters: pairs with semicolons between them, from anybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.sdp.fmtp import MAX_PARAMETERS, parameters, whole


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("useinbandfec=1;usedtx=0", {"useinbandfec": "1", "usedtx": "0"}),
        (" MaxAverageBitrate = 20000 ; stereo=0", {"maxaveragebitrate": "20000", "stereo": "0"}),
        ("a=1;a=2", {"a": "1"}),
        ("0-16", {}),
        ("=1;;b=;c", {"b": ""}),
        ("", {}),
    ],
)
def test_reads_pairs_and_leaves_out_what_is_none(text: str, found: dict[str, str]) -> None:
    assert parameters(text) == found


@pytest.mark.parametrize(
    ("value", "number"),
    [("6000", 6000), ("510000", 510000), ("5999", None), ("510001", None), ("-1", None),
     ("٣٠٠٠٠", None), ("", None), ("9" * 5000, None), ("1e4", None)],
)  # fmt: skip
def test_numbers_have_a_range(value: str, number: int | None) -> None:
    assert whole({"rate": value}, "rate", 6000, 510_000) == number


@given(st.text(max_size=3000))
def test_takes_any_text_and_little_of_it(text: str) -> None:
    found = parameters(text)
    assert len(found) <= MAX_PARAMETERS
    assert all(name == name.strip().lower() for name in found)

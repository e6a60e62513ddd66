"""Comfort noise (RFC 3389): as loud as it was described, and as coloured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus._media.comfort import Comfort


def noise(payload: bytes, *, rate: int = 8000, seconds: int = 4) -> np.ndarray:
    comfort = Comfort(rate)
    comfort.describe(payload)
    return np.frombuffer(comfort.make(rate * seconds), np.int16).astype(float)


def level(pcm: np.ndarray) -> float:
    """In dB below overload."""
    return float(-20 * np.log10(np.std(pcm) / 32768))


@pytest.mark.parametrize("rate", [8000, 48000])
@pytest.mark.parametrize("described", [40, 50, 65])
def test_has_the_level_that_was_described(described: int, rate: int) -> None:
    assert level(noise(bytes([described]), rate=rate)) == pytest.approx(described, abs=0.6)


def test_has_that_level_with_a_spectrum_too_and_the_spectrum() -> None:
    white = noise(bytes([45]))
    low = noise(bytes([45, 127 - 90]))
    high = noise(bytes([45, 127 + 90]))
    for coloured in (low, high):
        assert level(coloured) == pytest.approx(45, abs=0.8)

    def tilt(pcm: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(pcm)) ** 2
        return float(10 * np.log10(power[: len(power) // 2].sum() / power[len(power) // 2 :].sum()))

    assert abs(tilt(white)) < 0.5
    assert tilt(low) > 5 and tilt(high) < -5


def test_is_never_loud_whatever_is_described() -> None:
    assert level(noise(b"\x00")) == pytest.approx(30, abs=1)
    assert not noise(b"\x7f").any()


def test_there_is_none_before_any_was_described() -> None:
    comfort = Comfort()
    assert comfort.make(160) == b""
    comfort.describe(b"")
    assert comfort.make(160) == b""


@given(st.binary(min_size=1, max_size=300))
def test_any_description_is_stable(payload: bytes) -> None:
    pcm = noise(payload, seconds=1)
    assert np.abs(pcm[-800:]).max() < 20_000

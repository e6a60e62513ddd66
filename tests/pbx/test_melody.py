"""What the PBX plays, by its samples."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

import pytest

from platypus.pbx.melody import MESSAGE, MUSIC, RATE, melody, ringback, spoken_digits


def level(samples: array[int], hz: float) -> float:
    """Amplitude of one frequency (Goertzel)."""
    step = 2 * math.pi * hz / RATE
    real = sum(value * math.cos(step * n) for n, value in enumerate(samples))
    imaginary = sum(value * math.sin(step * n) for n, value in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


def test_a_note_has_its_pitch():
    samples = array("h", melody(((0, 4),), 0.25))
    assert len(samples) == RATE
    assert level(samples, 440) > 8 * level(samples, 466)


@pytest.mark.parametrize("notes", [MESSAGE, MUSIC])
def test_a_tune_does_not_clip_and_does_not_click(notes):
    samples = array("h", melody(notes))
    assert 3000 < max(map(abs, samples)) < 20_000
    jumps = [abs(b - a) for a, b in pairwise(samples)]
    assert max(jumps) < 4000
    assert abs(samples[0]) < 500 and abs(samples[-1]) < 500


def test_a_rest_is_silent():
    assert not any(array("h", melody(((None, 1),))))


@pytest.mark.parametrize(
    ("digit", "low", "high"),
    [("1", 697, 1209), ("5", 770, 1336), ("#", 941, 1477), ("D", 941, 1633)],
)
def test_a_digit_is_its_two_tones(digit, low, high):
    samples = array("h", spoken_digits(digit, on_ms=200, off_ms=0))
    assert level(samples, low) == pytest.approx(3000, rel=0.05)
    assert level(samples, high) == pytest.approx(3000, rel=0.05)
    assert level(samples, 852) < 300


def test_digits_follow_one_another_with_a_pause():
    samples = array("h", spoken_digits("12", on_ms=100, off_ms=50))
    assert len(samples) == 2 * 150 * RATE // 1000
    assert not any(samples[800:1200])


def test_the_ringing_tone_is_half_silence():
    samples = array("h", ringback())
    assert level(samples[:RATE], 425) == pytest.approx(6000, rel=0.01)
    assert not any(samples[RATE:])

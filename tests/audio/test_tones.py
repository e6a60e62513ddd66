"""The tones of countries: what they say, and that samples have those frequencies and times."""

from __future__ import annotations

import numpy as np
import pytest

from platypus.audio import tones
from platypus.audio.files import Wav
from platypus.audio.tones import PLANS, RECOMMENDED, TonePlan, plan_for
from platypus.errors import ConfigError

RATE = 48_000
EVERY = sorted(PLANS.items())


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, dtype=np.int16).astype(float)


def loudest(pcm: np.ndarray, count: int) -> set[int]:
    """The strongest frequencies in Hz."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), 8 * RATE))
    found: set[int] = set()
    while len(found) < count:
        best = int(np.argmax(spectrum))
        found.add(round(best / 8))
        spectrum[max(0, best - 100) : best + 100] = 0
    return found


@pytest.mark.parametrize(("code", "plan"), EVERY)
def test_every_plan_makes_sense(code: str, plan: TonePlan) -> None:
    assert len(code) == 2
    for cadence in (plan.ringback, plan.busy, plan.congestion, plan.waiting):
        assert cadence[0][0]
        assert all(300 <= hz <= 2000 for sines, _ in cadence for hz, _ in sines)
        assert all(0 < time <= 15_000 for _, time in cadence)
        assert any(not sines for sines, _ in cadence)
    assert len(plan.ring_ms) % 2 == 0


def test_ringback_of_germany_and_of_america() -> None:
    german = samples(tones.render(PLANS["de"].ringback, RATE))
    assert len(german) == 5 * RATE
    assert loudest(german[:RATE], 1) == {425}
    assert not german[RATE:].any()
    american = samples(tones.render(PLANS["us"].ringback, RATE))
    assert len(american) == 6 * RATE
    assert loudest(american[: 2 * RATE], 2) == {440, 480}


def test_a_modulated_tone_has_its_side_bands() -> None:
    indian = samples(tones.render(PLANS["in"].ringback, RATE))
    assert loudest(indian[: int(0.4 * RATE)], 3) == {375, 400, 425}


def test_the_special_information_tone_is_three_notes() -> None:
    notes = samples(tones.render(tones.INFORMATION, RATE))
    third = int(0.33 * RATE)
    heard = [loudest(notes[n * third : (n + 1) * third], 1) for n in range(3)]
    assert heard == [{950}, {1400}, {1800}]


def test_no_tone_clicks_or_clips() -> None:
    for _, plan in EVERY:
        pcm = samples(tones.render(plan.busy, 8000))
        assert pcm[0] == pcm[-1] == 0
        assert np.abs(pcm).max() < 30_000


def test_the_bell_has_the_countrys_cadence() -> None:
    british = samples(tones.render_bell(PLANS["gb"], 8000))
    loud = [np.abs(british[int(at * 8000) :][:400]).max() > 1000 for at in (0.1, 0.45, 0.7, 1.5)]
    assert loud == [True, False, True, False]


def test_digits_are_heard_as_their_two_frequencies() -> None:
    pcm = samples(tones.render_digits("5", RATE))
    assert loudest(pcm[: int(0.12 * RATE)], 2) == {770, 1336}
    assert len(samples(tones.render_digits("123", RATE))) == 3 * len(pcm)


def test_a_file_rings_with_a_pause() -> None:
    own = Wav(8000, np.full(8000, 1000, dtype=np.int16).tobytes())
    pcm = samples(tones.render_file(own, RATE))
    assert 2.4 * RATE < len(pcm) < 2.6 * RATE
    assert not pcm[-RATE:].any()


@pytest.mark.parametrize(
    ("country", "locale", "plan"),
    [
        ("de", "", PLANS["de"]),
        ("DE", "en_US.UTF-8", PLANS["de"]),
        ("ca", "", PLANS["us"]),
        (None, "fr_FR.UTF-8", PLANS["fr"]),
        (None, "fr_CA", PLANS["us"]),
        (None, "C.UTF-8", RECOMMENDED),
        (None, "", RECOMMENDED),
        (None, "de_XX", RECOMMENDED),
    ],
)
def test_the_country_is_the_one_named_or_that_of_the_system(
    country: str | None, locale: str, plan: TonePlan
) -> None:
    assert plan_for(country, locale) is plan


def test_an_unknown_country_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(ConfigError, match=r"'xx'.*at, au") as caught:
        plan_for("xx")
    assert "uk" in str(caught.value)

"""Holding a sound card's ring at its level, in virtual time."""

from __future__ import annotations

import math
from array import array

import numpy as np
import pytest

from benchmarks import card_drift
from platypus._media.drift import Drift

RATE = 48000
BLOCK = 480
TARGET = 240


def simulate(ppm: float, seconds: float, *, level: float = TARGET) -> list[float]:
    """A playout ring written every 10 ms, drained by a card whose clock is off by `ppm`."""
    drift = Drift(RATE, TARGET)
    levels = []
    silence = array("h", bytes(2 * BLOCK))
    for _ in range(int(seconds * 100)):
        levels.append(level)
        ratio = drift.measure(level, BLOCK / RATE)
        level += len(drift.resample(ratio, silence)) / 2
        level -= BLOCK * (1 + ppm * 1e-6)
    return levels


@pytest.mark.parametrize("ppm", [-200, -50, 0, 50, 200])
def test_holds_the_level_whatever_the_card_drifts(ppm):
    levels = simulate(ppm, 120)
    assert max(abs(level - TARGET) for level in levels[6000:]) < RATE * 0.001


@pytest.mark.parametrize("ppm", [-200, 200])
def test_on_the_way_there_the_level_never_leaves_five_ms(ppm):
    assert max(abs(level - TARGET) for level in simulate(ppm, 120)) < RATE * 0.005


def test_a_level_that_is_off_comes_back():
    levels = simulate(0, 60, level=TARGET + 20 * RATE / 1000)
    assert abs(levels[-1] - TARGET) < RATE * 0.001


def test_never_corrects_by_more_than_is_heard():
    drift = Drift(RATE, TARGET)
    ratios = [drift.measure(100_000, 0.01) for _ in range(1000)]
    assert max(ratios) == pytest.approx(1.002)


def resampled(ratio: float, hz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(RATE * seconds)) / RATE
    tone = np.round(10_000 * np.sin(2 * math.pi * hz * time)).astype(np.int16)
    drift = Drift(RATE, TARGET)
    blocks = [
        drift.resample(ratio, array("h", tone[at : at + BLOCK].tobytes()))
        for at in range(0, len(tone), BLOCK)
    ]
    return np.frombuffer(b"".join(blocks), dtype=np.int16).astype(float)


def test_a_ratio_of_one_passes_every_sample_as_it_is():
    time = np.arange(RATE) / RATE
    tone = np.round(10_000 * np.sin(2 * math.pi * 1000 * time))
    out = resampled(1.0, 1000)
    assert np.array_equal(out[2:], tone[: len(out) - 2])


@pytest.mark.parametrize("ratio", [0.9995, 1.0005])
def test_gives_as_many_samples_as_the_ratio_says(ratio):
    assert len(resampled(ratio, 440, 10.0)) == pytest.approx(10 * RATE / ratio, abs=2)


@pytest.mark.parametrize("hz", [300, 1000, 3400])
def test_a_tone_stays_pure_while_its_speed_is_corrected(hz):
    ratio = 1.0005
    out = resampled(ratio, hz)[100:]
    time = np.arange(len(out)) / RATE
    angle = 2 * math.pi * hz * ratio * time
    basis = np.stack([np.sin(angle), np.cos(angle)])
    fit = np.linalg.lstsq(basis.T, out, rcond=None)[0] @ basis
    assert 10 * math.log10(np.mean(fit**2) / np.mean((out - fit) ** 2)) > 50


def test_full_scale_does_not_wrap():
    drift = Drift(RATE, TARGET)
    square = array("h", ([32767] * 24 + [-32768] * 24) * 10)
    out = np.frombuffer(drift.resample(1.0005, square), dtype=np.int16)
    assert set(np.sign(out[40:60])) <= {-1, 1}
    assert out.max() == 32767
    assert out.min() == -32768


@pytest.mark.parametrize("count", [0, 5000])
def test_refuses_a_block_of_another_size(count):
    with pytest.raises(ValueError, match="block"):
        Drift(RATE, TARGET).resample(1.0, array("h", bytes(2 * count)))


def test_a_level_far_too_high_is_brought_down_by_leaving_samples_out():
    drift = Drift(RATE, TARGET)
    for _ in range(500):
        drift.measure(TARGET + 2000, 0.01)
    blocks = [drift.skip(array("h", bytes(2 * BLOCK))) for _ in range(10)]
    assert 1400 < sum(BLOCK - left for left in blocks) <= 2000
    assert blocks[-1] == BLOCK


def test_what_is_left_out_is_hidden_under_a_crossfade():
    drift = Drift(RATE, TARGET)
    for _ in range(500):
        drift.measure(TARGET + 2000, 0.01)
    time = np.arange(BLOCK) / RATE
    samples = array("h", np.round(8000 * np.sin(2 * math.pi * 400 * time)).astype(np.int16))
    left = drift.skip(samples)
    assert np.abs(np.diff(np.array(samples[:left], dtype=float))).max() < 900


def test_a_level_that_only_wobbles_loses_no_sample():
    drift = Drift(RATE, TARGET)
    for turn in range(500):
        drift.measure(TARGET + (480 if turn % 2 else -240), 0.01)
        assert drift.skip(array("h", bytes(2 * BLOCK))) == BLOCK


def test_between_two_cards_with_wrong_clocks_the_delay_stays():
    """The whole path, from a fast microphone to a slow speaker: benchmarks.card_drift, shorter."""
    result = card_drift.run(60.0)
    assert result["delay_changes_ms"] < 5.0
    assert (result["gaps"], result["dropped"]) == (0.0, 0.0)
    assert result["pulses"] > 90

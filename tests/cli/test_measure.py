"""The figures of the demo, against signals whose figures are known."""

from __future__ import annotations

import math
import random
from array import array

import numpy as np
import pytest

from platypus.audio.synthetic import speech
from platypus.cli.demo import Measured, compare
from platypus.cli.measure import find_lag, snr_db, through_g711


@pytest.fixture(scope="module")
def voice() -> array[int]:
    return array("h", speech(1.5))


def noisy(samples: array[int], amplitude: int) -> array[int]:
    noise = random.Random(7)
    return array("h", (one + noise.randint(-amplitude, amplitude) for one in samples))


def test_the_ratio_is_that_of_the_powers(voice: array[int]) -> None:
    received = noisy(voice, 300)
    signal = np.array(voice, dtype=float)
    difference = np.array(received, dtype=float) - signal
    expected = 10 * np.log10((signal**2).sum() / (difference**2).sum())
    assert snr_db(voice, received) == pytest.approx(expected, abs=1e-9)


def test_the_same_signal_has_no_noise(voice: array[int]) -> None:
    assert snr_db(voice, voice) == math.inf


def test_silence_that_came_back_as_noise_has_no_signal() -> None:
    assert snr_db(array("h", [0, 0]), array("h", [1, 2])) == -math.inf


@pytest.mark.parametrize(("law", "low", "high"), [("pcmu", 34, 40), ("pcma", 34, 40)])
def test_g711_gives_what_it_is_known_to_give(
    voice: array[int], law: str, low: float, high: float
) -> None:
    assert low < snr_db(voice, through_g711(voice, law)) < high


def test_going_through_g711_twice_is_no_worse_than_once(voice: array[int]) -> None:
    once = through_g711(voice, "pcmu")
    assert through_g711(once, "pcmu") == once


@pytest.mark.parametrize("lag", [0, 1, 160, 777, 3000])
def test_the_lag_is_found_to_the_sample(voice: array[int], lag: int) -> None:
    received = array("h", [0] * lag) + noisy(through_g711(voice, "pcmu"), 100)
    assert find_lag(voice, received, range(4000)) == lag


def test_something_else_has_no_lag(voice: array[int]) -> None:
    noise = random.Random(3)
    received = array("h", (noise.randint(-5000, 5000) for _ in range(len(voice) + 2000)))
    assert find_lag(voice, received, range(2000)) is None


def test_silence_has_no_lag(voice: array[int]) -> None:
    assert find_lag(voice, array("h", bytes(2 * len(voice))), range(2000)) is None


def test_nothing_has_no_lag(voice: array[int]) -> None:
    assert find_lag(voice, array("h"), range(2000)) is None


def figures(voice: array[int], heard: array[int], offset: int) -> Measured:
    measured = compare(voice, heard, offset, setup_ms=1, lost=0, lateness_p99_ms=0.1)
    assert measured is not None
    return measured


def test_the_delay_is_half_of_what_lies_beyond_the_rings_own_offset(voice: array[int]) -> None:
    offset, round_trip = 480, 640
    heard = array("h", bytes(2 * (offset + round_trip))) + through_g711(voice, "pcmu")
    measured = figures(voice, heard, offset)
    assert measured.delay_ms == 40.0
    assert measured.snr_db == pytest.approx(measured.snr_g711_db)


def test_a_packet_of_silence_in_between_shows(voice: array[int]) -> None:
    heard = array("h", bytes(2 * 320)) + through_g711(voice, "pcmu")
    heard[8000:8160] = array("h", bytes(2 * 160))
    measured = figures(voice, heard, 0)
    assert measured.snr_db < measured.snr_g711_db - 3


def test_each_figure_is_on_a_line_of_its_own() -> None:
    assert Measured(12.34, 37.256, 37.3, 20, 0, 0.0126).lines() == [
        "setup_ms: 12.3 ms",
        "snr_db: 37.26 dB",
        "snr_g711_db: 37.30 dB",
        "delay_ms: 20.0 ms",
        "lost: 0 packets",
        "lateness_p99_ms: 0.013 ms",
    ]

"""Stretching, on sounds whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from platypus._media.timescale import lengthen, pitch, shorten

Sound = NDArray[np.float64]


def wave(period: float, samples: int, *, rate: int = 8000, start: int = 0) -> Sound:
    """A sum of harmonics with a period in samples, which need not be whole."""
    at = np.arange(start, start + samples)
    harmonics = [np.cos(2 * np.pi * k * at / period + k) / k for k in (1, 2, 3)]
    return np.asarray(6000 * np.sum(harmonics, axis=0))


def pcm(sound: Sound) -> bytes:
    return np.rint(sound).astype(np.int16).tobytes()


def sound(data: bytes) -> Sound:
    return np.frombuffer(data, dtype=np.int16).astype(float)


def largest_bend(samples: Sound) -> float:
    """The largest second difference: a step of any height is one."""
    return float(np.abs(np.diff(samples, 2)).max())


class TestPitch:
    @pytest.mark.parametrize("rate", [8000, 16000, 48000])
    @pytest.mark.parametrize("period_ms", [4.0, 7.5, 10.0])
    def test_finds_a_period_or_a_multiple(self, rate: int, period_ms: float) -> None:
        period = period_ms * rate / 1000
        lag, likeness = pitch(pcm(wave(period, 30 * rate // 1000)), rate)
        assert abs(lag / period - round(lag / period)) < 0.02
        assert likeness > 0.99

    def test_noise_is_like_nothing(self) -> None:
        noise = np.random.default_rng(1).normal(0, 3000, 240)
        assert pitch(pcm(noise), 8000)[1] < 0.5

    def test_silence_is_like_silence(self) -> None:
        assert pitch(bytes(480), 8000)[1] == 1.0

    def test_needs_enough_to_compare(self) -> None:
        with pytest.raises(ValueError, match="too few"):
            pitch(bytes(200), 8000)


class TestStretching:
    PERIOD = 70.5  # half a sample off any whole lag

    def test_shortening_takes_a_period_out_without_a_step(self) -> None:
        whole = wave(self.PERIOD, 400)
        short = sound(shorten(pcm(whole), 70))
        assert len(short) == 330
        assert largest_bend(short) < 1.3 * largest_bend(whole)
        assert np.abs(short[140:] - whole[210:]).max() <= 0.5
        # Within the overlap it is the wave, half a sample off at the most.
        assert np.corrcoef(short[:140], whole[:140])[0, 1] > 0.99

    def test_lengthening_puts_a_period_in_without_a_step(self) -> None:
        whole = wave(self.PERIOD, 400)
        long = sound(lengthen(pcm(whole), 70))
        assert len(long) == 470
        assert largest_bend(long) < 1.3 * largest_bend(whole)
        assert np.abs(long[:70] - whole[:70]).max() <= 0.5
        assert np.abs(long[140:] - whole[70:]).max() <= 0.5
        assert np.corrcoef(long[70:140], whole[70:140])[0, 1] > 0.99

    def test_one_undoes_the_other_on_a_steady_wave(self) -> None:
        steady = pcm(wave(64, 512))
        assert np.abs(sound(shorten(lengthen(steady, 64), 64)) - sound(steady)).max() <= 2

    @pytest.mark.parametrize("lag", [0, -1, 201])
    def test_lags_that_do_not_fit(self, lag: int) -> None:
        for stretch in (shorten, lengthen):
            with pytest.raises(ValueError, match="lag"):
                stretch(bytes(800), lag)

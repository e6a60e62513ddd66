"""Concealing, on sounds whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from platypus._media.conceal import Concealer
from tests._media.test_timescale import Sound, largest_bend, pcm, sound, wave


class TestConcealing:
    def after(self, heard: Sound, samples: int) -> Sound:
        concealer = Concealer(8000)
        concealer.heard(pcm(heard))
        return sound(concealer.fill(samples))

    @pytest.mark.parametrize("period", [32, 57, 80, 110])
    def test_goes_on_with_the_wave(self, period: int) -> None:
        made = self.after(wave(period, 400), 80)
        assert np.abs(made - wave(period, 80, start=400)).max() < 2

    def test_a_growing_sound_has_no_seam_where_it_repeats(self) -> None:
        growing = wave(70, 400) * np.exp(np.arange(400) / 150) / 15
        made = self.after(growing, 160)
        assert largest_bend(made) < 1.5 * largest_bend(growing[240:])

    def test_fades_from_10_to_210_ms(self) -> None:
        made = self.after(wave(80, 400), 2080).reshape(-1, 160)
        loud = np.sqrt((made**2).mean(axis=1))
        even = 1 - (np.arange(10) + 0.5) / 10.5
        assert np.allclose(loud[:10] / loud[0] * even[0], even, atol=0.3)
        assert np.all(loud[4:] < 0.8 * loud[0])
        assert not made[11:].any()

    def test_what_repeats_becomes_a_noise_of_its_colour_as_it_fades(self) -> None:
        made = self.after(wave(80, 400), 1680)
        assert np.abs(made[:80] - wave(80, 80, start=400)).max() < 2
        middle = made[720:1040]
        assert np.corrcoef(middle[:-80], middle[80:])[0, 1] < 0.9
        power = np.abs(np.fft.rfft(middle * np.hanning(320))) ** 2
        heard = np.abs(np.fft.rfft(wave(80, 320) * np.hanning(320))) ** 2
        # 25 Hz a step: nearly all of it is where the sound was, within the grains' blur.
        band = np.flatnonzero(heard > 0.001 * heard.max())
        assert power[: band.max() + 8].sum() > 0.95 * power.sum()

    def test_in_wide_band_there_is_half_as_much_of_that_noise(self) -> None:
        shares = []
        for rate in (8000, 16000):
            concealer = Concealer(rate)
            period = rate // 100
            concealer.heard(pcm(wave(period, 5 * period)))
            middle = sound(concealer.fill(14 * period))[6 * period : 10 * period]
            # What repeats, whatever its loudness, and the rest.
            repeated = middle.reshape(4, period).mean(axis=0)
            shares.append(float(np.std(middle - np.tile(repeated, 4)) / np.std(repeated)))
        assert 0.3 * shares[0] < shares[1] < 0.7 * shares[0]

    def test_the_same_loss_is_filled_with_the_same_samples(self) -> None:
        assert np.array_equal(self.after(wave(57, 400), 1120), self.after(wave(57, 400), 1120))

    def test_when_the_sender_stopped_on_purpose_it_fades_in_5_ms(self) -> None:
        concealer = Concealer(8000)
        concealer.heard(pcm(wave(80, 400)))
        concealer.hush()
        made = sound(concealer.fill(160))
        assert np.abs(made[:20]).max() > 2000
        assert not made[41:].any()

    def test_what_comes_back_is_faded_into_within_5_ms(self) -> None:
        concealer = Concealer(8000)
        concealer.heard(pcm(wave(80, 400)))
        concealer.fill(80)
        back = wave(53, 160)
        merged = sound(concealer.merge(pcm(back)))
        assert np.abs(merged[40:] - back[40:]).max() <= 0.5
        continued = wave(80, 1, start=480)[0]
        assert abs(merged[0] - continued) < 0.1 * abs(continued - back[0]) + 50

    def test_after_silence_nothing_is_merged(self) -> None:
        concealer = Concealer(8000)
        concealer.heard(pcm(wave(80, 400)))
        concealer.fill(1700)
        back = pcm(wave(53, 160))
        assert concealer.merge(back) == back

    @pytest.mark.parametrize("rate", [8000, 16000, 48000])
    @pytest.mark.parametrize("period_ms", [4.0, 7.1, 12.5])
    def test_a_gap_in_a_steady_sound_is_not_there(self, rate: int, period_ms: float) -> None:
        period, gap = period_ms * rate / 1000, rate // 50
        whole = wave(period, rate // 10 + 2 * gap, rate=rate)
        concealer = Concealer(rate)
        concealer.heard(pcm(whole[: rate // 10]))
        made = sound(concealer.bridge(gap, pcm(whole[-gap:])))
        missing = whole[rate // 10 : rate // 10 + gap]
        assert np.corrcoef(made, missing)[0, 1] > 0.98
        joined = np.concatenate([whole[: rate // 10], made, whole[-gap:]])
        # No step: a period is a whole number of samples, so it may be half a sample off.
        assert np.abs(np.diff(joined)).max() < 1.1 * np.abs(np.diff(whole)).max()

    def test_a_bridge_passes_from_what_was_to_what_follows(self) -> None:
        concealer = Concealer(8000)
        concealer.heard(pcm(wave(80, 400)))
        made = sound(concealer.bridge(160, pcm(0.25 * wave(50, 160))))
        before, after = np.abs(made[:40]).max(), np.abs(made[-40:]).max()
        assert before > 0.8 * np.abs(wave(80, 40)).max()
        assert after < 0.5 * np.abs(wave(80, 80)).max()
        assert np.corrcoef(made[-40:], wave(50, 40, start=-40))[0, 1] > 0.9

    def test_a_bridge_goes_on_where_a_blind_beginning_ended(self) -> None:
        concealer = Concealer(8000)
        whole = wave(80, 880)
        concealer.heard(pcm(whole[:400]))
        made = sound(concealer.fill(80) + concealer.bridge(80, pcm(whole[560:720])))
        joined = np.concatenate([whole[:400], made, whole[560:720]])
        assert largest_bend(joined) < 1.5 * largest_bend(whole)

    def test_what_follows_is_bridged_to_without_anything_before(self) -> None:
        concealer = Concealer(8000)
        made = sound(concealer.bridge(160, pcm(wave(50, 160))))
        assert np.abs(made[:20]).max() < 0.2 * np.abs(made[-50:]).max()

    @pytest.mark.parametrize("following", [0, 1, 63, 64, 160, 5000])
    @pytest.mark.parametrize("samples", [0, 1, 7, 160, 2000])
    def test_any_lengths_are_bridged(self, following: int, samples: int) -> None:
        noise = np.random.default_rng(5).integers(-32768, 32767, 6000)
        for rate in (8000, 24000, 48000):
            concealer = Concealer(rate)
            concealer.heard(pcm(noise[:3000]))
            made = concealer.bridge(samples, pcm(noise[1000 : 1000 + following]))
            assert len(made) == 2 * samples

    def test_with_too_little_heard_it_is_silent(self) -> None:
        assert not self.after(wave(80, 200), 160).any()

    def test_noise_is_not_turned_into_a_buzz(self) -> None:
        noise = np.random.default_rng(3).normal(0, 3000, 400)
        made = self.after(noise, 80)
        # 25 ms are repeated: nothing comes twice within the first 10.
        correlations = [
            float(np.corrcoef(made[:30], made[lag : lag + 30])[0, 1]) for lag in range(20, 50)
        ]
        assert max(correlations) < 0.8

    @pytest.mark.parametrize("rate", [0, 4000, 96000])
    def test_rates_that_are_not_speech(self, rate: int) -> None:
        with pytest.raises(ValueError, match="speech"):
            Concealer(rate)

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from platypus._media.mixer import level
from platypus._media.tone import Tone, amplitude_of, dtmf_frequencies


def read(tone: Tone, samples: int) -> NDArray[np.int16]:
    return np.frombuffer(tone.read(samples), dtype=np.int16)


def sine(hz: float, amplitude: float, samples: int, rate: int = 8000) -> NDArray[np.float64]:
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / rate))


class TestSines:
    @pytest.mark.parametrize(("hz", "rate"), [(1004.0, 8000), (2.0, 48000), (3999.0, 8000)])
    def test_is_the_sine_rounded_for_a_minute(self, hz: float, rate: int) -> None:
        samples = 60 * rate
        made = read(Tone([(hz, 12345.0)], rate), samples)
        assert np.abs(made - sine(hz, 12345.0, samples, rate)).max() < 0.501

    def test_blocks_make_no_difference(self) -> None:
        whole = Tone([(440.0, 9000.0)], 8000).read(10_000)
        tone = Tone([(440.0, 9000.0)], 8000)
        assert b"".join(tone.read(size) for size in (1, 159, 4000, 5840)) == whole

    def test_several_are_added(self) -> None:
        made = read(Tone([(350.0, 5000.0), (440.0, 4000.0)], 8000), 4000)
        expected = sine(350.0, 5000.0, 4000) + sine(440.0, 4000.0, 4000)
        assert np.abs(made - expected).max() < 0.501

    def test_a_sum_over_full_scale_is_limited(self) -> None:
        made = read(Tone([(1000.0, 32767.0), (1000.0, 32767.0)], 8000), 80)
        assert (made.max(), made.min()) == (32767, -32768)

    def test_no_sines_are_silence(self) -> None:
        assert Tone([], 8000).read(10) == bytes(20)


class TestCadence:
    def test_goes_on_and_off_and_begins_again(self) -> None:
        made = read(Tone([(1000.5, 8000.0)], 8000, cadence_ms=[20, 10, 5, 10]), 2 * 360)
        heard = np.abs(made.reshape(2, 360)) > 0
        for round_ in heard:
            assert round_[1:160].mean() > 0.95
            assert not round_[160:240].any()
            assert round_[240:280].mean() > 0.9
            assert not round_[280:].any()

    def test_the_sine_runs_on_through_pauses(self) -> None:
        steady = read(Tone([(440.0, 8000.0)], 8000), 800)
        made = read(Tone([(440.0, 8000.0)], 8000, cadence_ms=[25, 25]), 800)
        assert np.array_equal(made[400:600], steady[400:600])


class TestTelephone:
    def test_the_reference_tone_is_0_dbm0(self) -> None:
        rms, _ = level(Tone.reference(8000).read(80_000))
        assert rms == pytest.approx(-3.01 - 3.14, abs=0.01)

    @pytest.mark.parametrize(
        ("key", "frequencies"),
        [
            ("1", (697.0, 1209.0)),
            ("5", (770.0, 1336.0)),
            ("#", (941.0, 1477.0)),
            ("*", (941.0, 1209.0)),
            ("0", (941.0, 1336.0)),
            ("d", (941.0, 1633.0)),
        ],
    )
    def test_keys_have_their_two_tones(self, key: str, frequencies: tuple[float, float]) -> None:
        assert dtmf_frequencies(key) == frequencies
        spectrum = np.abs(np.fft.rfft(read(Tone.dtmf(key, 8000), 8000)))
        assert set(np.argsort(spectrum)[-2:]) == {int(hz) for hz in frequencies}

    def test_each_tone_of_a_key_has_its_level(self) -> None:
        amplitude = amplitude_of(-9.0)
        spectrum = np.abs(np.fft.rfft(read(Tone.dtmf("5", 8000, dbm0=-9.0), 8000))) / 4000
        assert spectrum[770] == pytest.approx(amplitude, rel=0.001)
        assert spectrum[1336] == pytest.approx(amplitude, rel=0.001)


class TestArguments:
    @pytest.mark.parametrize("key", ["", "12", "E", " "])
    def test_what_is_no_key(self, key: str) -> None:
        with pytest.raises(ValueError, match="key"):
            dtmf_frequencies(key)

    @pytest.mark.parametrize(
        "tones",
        [
            [(4000.0, 1.0)],
            [(0.0, 1.0)],
            [(100.0, 40000.0)],
            [(float("nan"), 1.0)],
            [(100.0, 1.0)] * 5,
        ],
    )
    def test_tones_that_make_no_sense(self, tones: list[tuple[float, float]]) -> None:
        with pytest.raises(ValueError, match="sine"):
            Tone(tones, 8000)

    @pytest.mark.parametrize("cadence", [[0], [10] * 9])
    def test_cadences_that_make_no_sense(self, cadence: list[int]) -> None:
        with pytest.raises(ValueError, match="times"):
            Tone([(100.0, 1.0)], 8000, cadence_ms=cadence)

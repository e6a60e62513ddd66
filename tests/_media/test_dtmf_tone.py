"""Keys as tones in the sound: what is sent, what is heard, and what is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from platypus._media import g711
from platypus._media.dtmf_tone import KeyReceiver, KeySender
from platypus.audio.synthetic import speech as synthetic_speech
from tests._media.path import speech
from tests.harness.listening import speech as lively_speech

KEYS = "0123456789*#ABCD"
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
PAD = "123A456B789C*0#D"
Pcm = NDArray[np.int16]


def pair(key: str) -> tuple[int, int]:
    place = PAD.index(key)
    return ROWS[place // 4], COLUMNS[place % 4]


def tones(
    key: str,
    ms: float = 80,
    *,
    rate: int = 8000,
    dbm0: float = -9.0,
    twist_db: float = 0.0,
    off: float = 0.0,
    off_high: float | None = None,
    phases: tuple[float, float] = (0.0, 0.0),
    after_ms: float = 80,
) -> Pcm:
    """A key pressed for so long, and the silence after it."""
    time = np.arange(round(ms * rate / 1000)) / rate
    amplitude = 32767 * 10 ** ((dbm0 - 3.14) / 20)
    low, high = map(float, pair(key))
    low, high = low * (1 + off), high * (1 + (off if off_high is None else off_high))
    wave = amplitude * np.sin(2 * np.pi * low * time + phases[0])
    wave += amplitude * 10 ** (twist_db / 20) * np.sin(2 * np.pi * high * time + phases[1])
    return np.concatenate([wave, np.zeros(round(after_ms * rate / 1000))]).astype(np.int16)


def heard(pcm: Pcm, rate: int = 8000) -> str:
    return "".join(key for key, _ in KeyReceiver(rate).hear(pcm.tobytes()))


def shifted(pcm: Pcm, samples: int) -> Pcm:
    return np.concatenate([np.zeros(samples, np.int16), pcm])


class TestHearing:
    @pytest.mark.parametrize("rate", [8000, 16000, 48000])
    def test_every_key_at_every_rate(self, rate: int) -> None:
        pcm = np.concatenate([tones(key, rate=rate) for key in KEYS])
        assert heard(pcm, rate) == KEYS

    @pytest.mark.parametrize("start", range(0, 102, 17))
    def test_forty_milliseconds_wherever_they_begin(self, start: int) -> None:
        """ITU-T Q.24, table A-1: 40 ms of tone and 40 of pause are to be told."""
        pcm = np.concatenate([tones(key, 40, after_ms=40) for key in KEYS])
        assert heard(shifted(pcm, start)) == KEYS

    @pytest.mark.parametrize("off", [-0.015, 0.015])
    def test_tones_a_little_off(self, off: float) -> None:
        assert heard(np.concatenate([tones(key, off=off) for key in KEYS])) == KEYS

    @pytest.mark.parametrize("twist_db", [-8.0, -4.0, 0.0, 4.0])
    @pytest.mark.parametrize("off", [(-0.015, -0.015), (-0.015, 0.015), (0.015, -0.015)])
    def test_tones_a_little_off_wherever_they_begin(
        self, off: tuple[float, float], twist_db: float
    ) -> None:
        """Q.24: 1.5 % off, the high tone 4 dB louder or 8 dB softer, and 40 ms long."""
        chance = np.random.default_rng(7)
        for key in KEYS * 6:
            phases = chance.uniform(0, 2 * np.pi, 2)
            pcm = tones(
                *(key, 42),
                dbm0=-12,
                twist_db=twist_db,
                off=off[0],
                off_high=off[1],
                phases=(phases[0], phases[1]),
            )
            assert heard(shifted(pcm, int(chance.integers(102)))) == key

    @pytest.mark.parametrize("off", [-0.05, -0.04, 0.04, 0.05])
    def test_tones_far_off_are_none(self, off: float) -> None:
        assert heard(np.concatenate([tones(key, off=off) for key in KEYS])) == ""

    @pytest.mark.parametrize("twist_db", [-7.0, -4.0, 4.0, 7.0])
    def test_one_group_louder_than_the_other(self, twist_db: float) -> None:
        pcm = np.concatenate([tones(key, twist_db=twist_db, dbm0=-15) for key in KEYS])
        assert heard(pcm) == KEYS

    @pytest.mark.parametrize("dbm0", [-30.0, -20.0, -3.0])
    def test_loud_and_faint(self, dbm0: float) -> None:
        assert heard(np.concatenate([tones(key, dbm0=dbm0) for key in KEYS])) == KEYS

    def test_too_faint_is_nothing(self) -> None:
        assert heard(np.concatenate([tones(key, dbm0=-45) for key in KEYS])) == ""

    def test_in_noise(self) -> None:
        pcm = np.concatenate([tones(key, dbm0=-12) for key in KEYS * 5]).astype(float)
        noise = np.random.default_rng(1).normal(0, 800, len(pcm))  # 15 dB below the two tones
        assert heard((pcm + noise).astype(np.int16)) == KEYS * 5

    def test_through_g711(self) -> None:
        pcm = np.concatenate([tones(key) for key in KEYS])
        codes = g711.encode_ulaw(pcm.tobytes())
        assert heard(np.frombuffer(g711.decode_ulaw(codes), np.int16)) == KEYS

    def test_a_short_hole_does_not_make_two_of_one(self) -> None:
        pcm = tones("5", 200).copy()
        pcm[800:880] = 0  # 10 ms, as an echo canceller tears
        assert heard(pcm) == "5"

    def test_the_same_key_twice_is_twice(self) -> None:
        assert heard(np.concatenate([tones("7", 60, after_ms=50)] * 3)) == "777"

    def test_two_keys_without_a_pause_are_two(self) -> None:
        assert heard(np.concatenate([tones("1", 80, after_ms=0), tones("9", 80)])) == "19"

    @pytest.mark.parametrize("ms", [50, 100, 400, 2000])
    def test_how_long_it_was_pressed(self, ms: int) -> None:
        ((_, duration_ms),) = KeyReceiver().hear(tones("8", ms).tobytes())
        assert abs(duration_ms - ms) <= 20

    def test_twenty_milliseconds_are_no_key(self) -> None:
        assert heard(np.concatenate([tones(key, 20) for key in KEYS])) == ""


class TestTalkOff:
    @pytest.mark.parametrize("seed", range(6))
    def test_a_voice_presses_no_keys(self, seed: int) -> None:
        for voice in (speech(60, seed=seed), lively_speech(60, seed=seed)):
            assert heard(voice) == ""

    def test_nor_does_one_with_formants(self) -> None:
        assert heard(np.frombuffer(synthetic_speech(120.0), np.int16)) == ""

    def test_nor_do_single_tones_noise_and_the_tones_of_a_line(self) -> None:
        time = np.arange(8000) / 8000
        pairs = [(350, 440), (440, 480), (480, 620), (425, 425), *((f, f) for f in ROWS + COLUMNS)]
        for low, high in pairs:
            wave = 6000 * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time))
            assert heard(wave.astype(np.int16)) == ""
        noise = np.random.default_rng(2).normal(0, 6000, 8000 * 120)
        assert heard(np.clip(noise, -32768, 32767).astype(np.int16)) == ""

    def test_nor_do_two_tones_of_one_group_or_a_third_beside(self) -> None:
        time = np.arange(8000) / 8000
        for frequencies in ((697, 852), (1209, 1477), (697, 1209, 1477), (697, 941, 1336)):
            wave = sum(5000 * np.sin(2 * np.pi * hz * time) for hz in frequencies)
            assert heard(np.asarray(wave).astype(np.int16)) == ""


class TestSending:
    @pytest.mark.parametrize("rate", [8000, 16000, 48000])
    def test_what_is_pressed_is_heard(self, rate: int) -> None:
        sender, receiver = KeySender(rate), KeyReceiver(rate)
        sender.press(KEYS, tone_ms=90, gap_ms=60)
        found = []
        while sender.sending:
            found += receiver.hear(sender.fill(bytes(2 * rate // 50)))
        found += receiver.hear(bytes(rate))
        assert "".join(key for key, _ in found) == KEYS
        assert all(abs(duration_ms - 90) <= 15 for _, duration_ms in found)

    def test_the_tones_are_nine_db_below_a_milliwatt(self) -> None:
        sender = KeySender()
        sender.press("5", tone_ms=1000)
        pcm = np.frombuffer(sender.fill(bytes(16000)), np.int16).astype(float)
        spectrum = np.abs(np.fft.rfft(pcm)) / len(pcm) * 2
        for hz in pair("5"):
            assert 20 * np.log10(spectrum[hz] / 32767) + 3.14 == pytest.approx(-9, abs=0.2)

    def test_they_take_the_place_of_the_voice_and_give_it_back(self) -> None:
        voice = speech(1.0)
        sender = KeySender()
        sender.press("1", tone_ms=50, gap_ms=30)
        out = np.frombuffer(sender.fill(voice.tobytes()), np.int16)
        assert not out[400:640].any()
        assert np.array_equal(out[640:], voice[640:])
        assert not sender.sending

    def test_no_more_than_sixty_four_wait(self) -> None:
        sender = KeySender()
        sender.press("1" * 64)
        with pytest.raises(ValueError, match="too many"):
            sender.press("1")

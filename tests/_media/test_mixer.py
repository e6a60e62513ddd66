from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus._media.mixer import level, mix


def pcm(*samples: int) -> bytes:
    return np.array(samples, dtype=np.int16).tobytes()


def numbers(data: bytes) -> list[int]:
    return [int(sample) for sample in np.frombuffer(data, dtype=np.int16)]


FRAMES = st.lists(st.integers(-32768, 32767), min_size=4, max_size=4)


class TestMix:
    def test_adds(self) -> None:
        assert numbers(mix([pcm(1, -2), pcm(10, 20), pcm(100, -200)])) == [111, -182]

    def test_limits_what_comes_out(self) -> None:
        assert numbers(mix([pcm(30000, -30000), pcm(30000, -30000)])) == [32767, -32768]

    def test_limits_only_what_comes_out(self) -> None:
        loud, opposite = pcm(30000), pcm(-30000)
        assert numbers(mix([loud, loud, opposite])) == [30000]

    def test_a_party_does_not_hear_itself(self) -> None:
        assert numbers(mix([pcm(1), pcm(20), pcm(300)], without=1)) == [301]

    @given(
        st.lists(
            st.lists(st.integers(-32768, 32767), min_size=4, max_size=4), min_size=1, max_size=9
        )
    )
    def test_is_the_sum_limited(self, frames: list[list[int]]) -> None:
        total = np.clip(np.sum(frames, axis=0), -32768, 32767)
        assert numbers(mix([pcm(*frame) for frame in frames])) == total.tolist()

    def test_nobody_is_silent(self) -> None:
        assert mix([]) == b""
        assert numbers(mix([pcm(5)], without=0)) == [0]

    def test_a_party_is_taken_from_the_sum_before_it_is_limited(self) -> None:
        assert numbers(mix([pcm(32767), pcm(32767), pcm(-32768)], without=1)) == [-1]

    def test_frames_of_different_length_are_refused(self) -> None:
        with pytest.raises(ValueError, match="one length"):
            mix([pcm(1), pcm(1, 2)])


class TestLevel:
    def test_a_full_scale_square_wave_is_0_dbfs(self) -> None:
        assert level(pcm(-32768, -32768)) == (0.0, 0.0)

    def test_a_full_scale_sine_is_3_db_below_its_peak(self) -> None:
        sine = np.rint(32767 * np.sin(2 * np.pi * np.arange(800) / 80))
        rms, peak = level(sine.astype(np.int16).tobytes())
        assert rms == pytest.approx(-3.01, abs=0.01)
        assert peak == pytest.approx(0.0, abs=0.01)

    def test_silence_has_a_number(self) -> None:
        assert level(bytes(320)) == (-96.0, -96.0)
        assert level(b"") == (-96.0, -96.0)

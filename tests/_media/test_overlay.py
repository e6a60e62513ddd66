"""A gain, a tune on top and a level, as a card's callback applies them."""

from __future__ import annotations

import numpy as np
import pytest

from platypus._media.overlay import Overlay

RATE = 48_000
BLOCK = 480


def apply(overlay: Overlay, value: int = 0, blocks: int = 1) -> np.ndarray:
    heard = []
    for _ in range(blocks):
        samples = bytearray(np.full(BLOCK, value, dtype=np.int16).tobytes())
        overlay.apply(samples)
        heard.append(np.frombuffer(samples, dtype=np.int16))
    return np.concatenate(heard)


def pcm(value: int, blocks: float) -> bytes:
    return np.full(int(BLOCK * blocks), value, dtype=np.int16).tobytes()


@pytest.fixture
def overlay() -> Overlay:
    return Overlay(RATE)


class TestGain:
    def test_one_changes_no_bit(self, overlay):
        assert (apply(overlay, -12345) == -12345).all()

    def test_changes_over_one_block_and_then_holds(self, overlay):
        overlay.gain = 0.5
        assert overlay.gain == 0.5
        first, second = apply(overlay, 10_000), apply(overlay, 10_000)
        assert first[0] > 9_900
        assert np.abs(np.diff(first.astype(int))).max() < 20
        assert (second == 5_000).all()

    def test_zero_is_silence(self, overlay):
        overlay.gain = 0.0
        assert not apply(overlay, 10_000, 2)[BLOCK:].any()

    def test_too_much_is_limited_and_does_not_wrap(self, overlay):
        overlay.gain = 8.0
        assert (apply(overlay, -20_000, 2)[BLOCK:] == -32768).all()
        assert (apply(overlay, 20_000, 1) == 32767).all()

    @pytest.mark.parametrize("value", [-0.1, 8.1, float("nan")])
    def test_others_are_refused(self, overlay, value):
        with pytest.raises(ValueError, match="gain"):
            overlay.gain = value


class TestTune:
    def test_is_added_to_what_is_heard_and_ends(self, overlay):
        assert overlay.play(pcm(100, 1.5))
        assert overlay.playing
        heard = apply(overlay, 1, 3)
        assert (heard[: BLOCK * 3 // 2] == 101).all()
        assert (heard[BLOCK * 3 // 2 :] == 1).all()
        assert not overlay.playing

    def test_loops_without_a_seam(self, overlay):
        overlay.play(pcm(100, 0.7), loop=True)
        assert (apply(overlay, 0, 10) == 100).all()
        assert overlay.playing

    def test_one_that_is_stopped_fades_over_a_block(self, overlay):
        overlay.play(pcm(10_000, 1), loop=True)
        apply(overlay)
        overlay.stop()
        heard = apply(overlay, 0, 2).astype(int)
        assert heard[0] > 9_900
        assert np.abs(np.diff(heard)).max() < 30
        assert not heard[BLOCK:].any()
        assert not overlay.playing

    def test_a_newer_one_takes_its_place(self, overlay):
        overlay.play(pcm(100, 1), loop=True)
        apply(overlay)
        overlay.play(pcm(7, 1), loop=True)
        assert (apply(overlay, 0, 2)[BLOCK:] == 7).all()

    def test_a_card_that_stands_still_is_not_given_more_than_it_can_keep(self, overlay):
        given = [overlay.play(pcm(value, 1)) for value in range(10)]
        assert given[:3] == [True, True, True]
        assert not any(given[4:])
        assert (apply(overlay) == given.count(True) - 1).all()

    def test_is_turned_down_with_the_rest(self, overlay):
        overlay.gain = 0.5
        overlay.play(pcm(1000, 4))
        assert (apply(overlay, 0, 2)[BLOCK:] == 500).all()

    def test_half_a_sample_is_refused(self, overlay):
        with pytest.raises(ValueError, match="two bytes"):
            overlay.play(b"abc")

    def test_a_hundred_in_turn_are_all_heard_and_none_is_kept(self, overlay):
        for value in range(1, 100):
            assert overlay.play(pcm(value, 1), loop=True)
            assert (apply(overlay, 0, 2)[BLOCK:] == value).all()


class TestLevel:
    def test_is_the_peak_of_a_tenth_of_a_second(self, overlay):
        apply(overlay, -8192, 10)
        assert overlay.level == 0.25
        apply(overlay, 0, 10)
        assert overlay.level == 0.0

    def test_is_that_of_what_comes_out(self, overlay):
        overlay.gain = 2.0
        apply(overlay, 8192, 20)
        assert overlay.level == 0.5

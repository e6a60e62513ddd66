"""The resampler: its response measured on sines, its blocks counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from platypus._media.resample import Resampler

AMPLITUDE = 20000.0
RATES = [8000, 16000, 24000, 32000, 44100, 48000]
PAIRS = [(rate, 8000) for rate in RATES[1:]] + [(8000, rate) for rate in RATES[1:]]
PAIRS += [(16000, 48000), (48000, 16000)]
ODD = [(22050, 8000), (11025, 8000), (44056, 8000), (8000, 44057), (12345, 16000), (96000, 8000)]


def resample(hz: float, in_rate: int, out_rate: int, seconds: float = 1.0) -> NDArray[np.float64]:
    """The steady part of a resampled sine."""
    time = np.arange(round(in_rate * seconds)) / in_rate
    pcm = np.rint(AMPLITUDE * np.sin(2 * np.pi * hz * time)).astype(np.int16)
    out = Resampler(in_rate, out_rate).process(pcm.tobytes())
    return np.frombuffer(out, dtype=np.int16).astype(float)[out_rate // 10 : -out_rate // 10]


def fitted(signal: NDArray[np.float64], hz: float, rate: int) -> tuple[float, float]:
    """The amplitude of a sine in it, and of the largest line in what is left, in dB."""
    time = np.arange(len(signal)) / rate
    basis = np.stack([np.sin(2 * np.pi * hz * time), np.cos(2 * np.pi * hz * time)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, signal, rcond=None)
    rest = signal - basis @ weights
    lines = np.abs(np.fft.rfft(rest * np.hanning(len(rest)))) * 4 / len(rest)
    gain = 20 * np.log10(np.hypot(*weights) / AMPLITUDE)
    return float(gain), float(20 * np.log10(lines.max() / AMPLITUDE))


def band_edge(low: int) -> float:
    return 3400.0 if low == 8000 else 0.4375 * low


class TestResponse:
    @pytest.mark.parametrize(("in_rate", "out_rate"), PAIRS + ODD)
    @pytest.mark.parametrize("part", [0.05, 0.3, 1.0])
    def test_is_flat_to_the_edge_and_clean(self, in_rate: int, out_rate: int, part: float) -> None:
        hz = part * band_edge(min(in_rate, out_rate))
        gain, spurious = fitted(resample(hz, in_rate, out_rate), hz, out_rate)
        assert -0.3 < gain < 0.05
        assert spurious < -85

    @pytest.mark.parametrize(("in_rate", "out_rate"), [p for p in PAIRS + ODD if p[0] > p[1]])
    def test_what_would_alias_into_the_band_is_gone(self, in_rate: int, out_rate: int) -> None:
        lowest = out_rate - band_edge(out_rate)
        for hz in np.linspace(lowest, min(in_rate / 2 - 10, 2.5 * out_rate), 12):
            loudest = np.abs(resample(float(hz), in_rate, out_rate, 0.5)).max()
            assert 20 * np.log10(max(loudest, 0.1) / AMPLITUDE) < -85

    @pytest.mark.parametrize(("in_rate", "out_rate"), PAIRS + ODD)
    def test_a_constant_stays_what_it_is(self, in_rate: int, out_rate: int) -> None:
        pcm = np.full(in_rate // 5, 12345, dtype=np.int16)
        out = np.frombuffer(Resampler(in_rate, out_rate).process(pcm.tobytes()), dtype=np.int16)
        assert np.abs(out[out_rate // 20 :] - 12345).max() <= 1

    def test_full_scale_is_limited_not_wrapped(self) -> None:
        square = np.where(np.arange(8000) // 40 % 2, 32767, -32768).astype(np.int16)
        out = np.frombuffer(Resampler(8000, 48000).process(square.tobytes()), dtype=np.int16)
        assert (out.max(), out.min()) == (32767, -32768)
        # Overshoot that wrapped would cross zero between the edges as well.
        crossings = np.count_nonzero(np.diff(out[480:] >= 0))
        assert crossings == pytest.approx(8000 / 40, abs=4)


class TestTime:
    @pytest.mark.parametrize(("in_rate", "out_rate"), PAIRS)
    def test_an_impulse_comes_after_the_delay_it_tells(self, in_rate: int, out_rate: int) -> None:
        pcm = np.zeros(in_rate // 5, dtype=np.int16)
        pcm[in_rate // 10] = 32767
        resampler = Resampler(in_rate, out_rate)
        out = np.frombuffer(resampler.process(pcm.tobytes()), dtype=np.int16)
        energy = out.astype(float) ** 2
        at_ms = 1000 * np.sum(energy * np.arange(len(out))) / np.sum(energy) / out_rate
        assert at_ms - 100 == pytest.approx(resampler.delay_ms, abs=0.05)
        assert resampler.delay_ms <= 3.0

    @pytest.mark.parametrize(("in_rate", "out_rate"), PAIRS)
    def test_blocks_of_20_ms_give_20_ms(self, in_rate: int, out_rate: int) -> None:
        resampler = Resampler(in_rate, out_rate)
        block = bytes(2 * (in_rate // 50))
        assert {len(resampler.process(block)) for _ in range(100)} == {2 * (out_rate // 50)}

    @given(
        st.sampled_from([*PAIRS, *ODD, (8000, 8000)]),
        st.lists(st.integers(0, 700), min_size=1, max_size=8),
    )
    def test_blocks_make_no_difference(self, pair: tuple[int, int], sizes: list[int]) -> None:
        pcm = np.random.default_rng(1).integers(-9000, 9000, sum(sizes)).astype(np.int16)
        resampler, at, parts = Resampler(*pair), 0, []
        for size in sizes:
            parts.append(resampler.process(pcm[at : at + size].tobytes()))
            at += size
        assert b"".join(parts) == Resampler(*pair).process(pcm.tobytes())
        given_out = len(b"".join(parts)) // 2
        assert given_out == -(-sum(sizes) * pair[1] // pair[0])

    @given(
        st.sampled_from([*PAIRS, *ODD, (8000, 8000)]),
        st.integers(0, 500),
        st.integers(1, 900),
    )
    def test_tells_how_much_it_needs(self, pair: tuple[int, int], before: int, wanted: int) -> None:
        resampler = Resampler(*pair)
        resampler.process(bytes(2 * before))
        needed = resampler.needed(wanted)
        if needed > 0:
            short = resampler.process(bytes(2 * (needed - 1)))
            assert len(short) < 2 * wanted
            assert len(short) + len(resampler.process(bytes(2))) >= 2 * wanted

    def test_a_reset_forgets(self) -> None:
        resampler = Resampler(8000, 16000)
        block = np.full(400, 9000, dtype=np.int16).tobytes()
        first = resampler.process(block)
        assert resampler.process(block) != first
        resampler.reset()
        assert resampler.process(block) == first


class TestEqualRates:
    @given(st.binary(max_size=400).map(lambda data: data[: len(data) & ~1]))
    def test_pass_bit_for_bit(self, pcm: bytes) -> None:
        resampler = Resampler(8000, 8000)
        assert resampler.process(pcm) == pcm
        assert resampler.delay_ms == 0


class TestArguments:
    @pytest.mark.parametrize(
        "pair", [(0, 8000), (8000, 999), (-8000, 8000), (400_000, 8000), (384_000, 1000)]
    )
    def test_rates_that_make_no_sense(self, pair: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="cannot convert"):
            Resampler(*pair)

    def test_half_a_sample_is_refused(self) -> None:
        with pytest.raises(ValueError, match="odd"):
            Resampler(8000, 16000).process(b"\0")

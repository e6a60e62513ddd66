"""The E-model against what G.107 says of it."""

from __future__ import annotations

import math

import pytest

from platypus._media.emodel import mos, rating


def rated(delay_ms: float = 0.0, loss: float = 0.0, burst_ratio: float = 1.0) -> float:
    value = rating("pcmu", delay_ms, loss, burst_ratio)
    assert value is not None
    return value


def test_the_defaults_of_the_recommendation_give_93_2() -> None:
    assert rated() == pytest.approx(93.2, abs=0.05)
    assert mos(rated()) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("value", "score"),
    [(-5, 1.0), (0, 1.0), (50, 2.58), (60, 3.1), (70, 3.6), (80, 4.02), (90, 4.34), (120, 4.5)],
)
def test_scores_are_those_of_annex_b(value: float, score: float) -> None:
    assert mos(value) == pytest.approx(score, abs=0.005)


def test_random_loss_costs_what_the_formula_says() -> None:
    # 7.5 with Ie 0 and Bpl 25.1 (G.113, table I.4): 95 * 3 / (3 + 25.1).
    assert rated() - rated(loss=0.03) == pytest.approx(95 * 3 / 28.1, abs=1e-9)


def test_loss_in_bursts_costs_more() -> None:
    assert rated(loss=0.03) - rated(loss=0.03, burst_ratio=2) == pytest.approx(
        95 * 3 / 26.6 - 95 * 3 / 28.1, abs=1e-9
    )


def test_delay_costs_more_than_its_share_beyond_a_sixth_of_a_second() -> None:
    ratings = [rated(delay_ms) for delay_ms in (0, 50, 100, 150, 200, 300, 400, 600)]
    assert ratings == sorted(ratings, reverse=True)
    assert ratings[0] - ratings[2] < 3
    # Idd of 400 ms is 24.7 or so (7.4), and talker echo at the default loss comes on top.
    assert delay_alone(400.0) < ratings[0] - ratings[6] < delay_alone(400.0) + 10


def delay_alone(delay_ms: float) -> float:
    x = math.log2(delay_ms / 100)
    return 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)


def test_a_codec_without_published_figures_is_not_rated() -> None:
    assert rating("cn", 0.0, 0.0) is None


def test_opus_has_figures_between_those_that_were_measured() -> None:
    def opus(bitrate: float, loss: float = 0.0) -> float | None:
        return rating("opus", 0.0, loss, bitrate=bitrate)

    assert opus(25_000) == pytest.approx((148 - 20.21) / 1.48)
    assert opus(29_500) == pytest.approx((148 - (18.48 + 16.83) / 2) / 1.48)
    assert opus(90_000) == opus(40_000) == pytest.approx((148 - 10.67) / 1.48)
    assert opus(13_900) is opus(0) is None
    slow = rating("opus", 400.0, 0.0, bitrate=25_000)
    assert slow is not None  # delay is as bad as it is in narrow band
    assert slow == pytest.approx((148 - 20.21) / 1.48 - delay_alone(400.0))
    lossy = opus(25_000, 0.05)
    assert lossy == pytest.approx((148 - 20.21 - (132 - 20.21) * 5 / (5 + 11.28)) / 1.48)


@pytest.mark.parametrize(
    "path", [(-1.0, 0.0, 1.0), (0.0, 1.1, 1.0), (0.0, 0.1, 0.5), (math.nan, 0.0, 1.0)]
)
def test_what_is_no_path_is_an_error(path: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="no path"):
        rating("pcmu", *path)


def test_wideband_begins_higher_and_is_scored_on_the_same_scale() -> None:
    # G.107.1: (129 - 13) / 1.29 for G.722 at 64 kbit/s.
    assert rating("g722", 0.0, 0.0) == pytest.approx(116 / 1.29)
    lossy = rating("g722", 0.0, 0.02)
    assert lossy is not None
    assert lossy < rated(loss=0.02)

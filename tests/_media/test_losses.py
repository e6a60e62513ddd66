"""The pattern of loss: rates, runs, and the bursts of RFC 3611, A.2."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from platypus._media.losses import Losses


def after(count: int, *, lost: Iterable[int] = (), late: Iterable[int] = ()) -> Losses:
    losses, gone, slow = Losses(), set(lost), set(late)
    for position in range(count):
        if position not in gone:
            losses.note(position, late=position in slow)
    return losses


class TestSummary:
    def test_nothing_was_counted_yet(self) -> None:
        assert after(0).summary() == {"loss": 0.0, "burst_ratio": 1.0, "any": 0}

    def test_all_came(self) -> None:
        assert after(1000).summary() == {"loss": 0.0, "burst_ratio": 1.0, "any": 1}

    def test_what_is_missing_now_is_lost_also_before_it_is_settled(self) -> None:
        assert after(10, lost=[8]).summary()["loss"] == pytest.approx(0.1)

    def test_late_packets_were_not_played_either(self) -> None:
        assert after(100, lost=[50], late=[60, 70]).summary()["loss"] == pytest.approx(0.03)

    def test_overtaken_packets_are_not_lost(self) -> None:
        losses = Losses()
        for position in (0, 2, 1, 5, 4, 3, 6):
            losses.note(position)
        assert losses.summary()["loss"] == 0.0

    def test_packets_from_before_the_first_do_not_count(self) -> None:
        losses = Losses()
        for position in (10, 9, 8, 11):
            losses.note(position)
        assert losses.summary()["loss"] == 0.0

    def test_single_losses_are_not_bursty(self) -> None:
        assert after(1000, lost=range(10, 1000, 50)).summary()["burst_ratio"] == 1.0

    def test_runs_of_five_are_five_times_as_long_as_random_ones(self) -> None:
        lost = [start + step for start in range(10, 1000, 100) for step in range(5)]
        summary = after(1000, lost=lost).summary()
        assert summary["loss"] == pytest.approx(0.05)
        assert summary["burst_ratio"] == pytest.approx(5 * 0.95)

    def test_random_loss_has_a_burst_ratio_of_about_one(self) -> None:
        lost = np.flatnonzero(np.random.default_rng(4).random(50_000) < 0.1)
        summary = after(50_000, lost=lost.tolist()).summary()
        assert summary["burst_ratio"] == pytest.approx(1.0, abs=0.03)

    def test_a_leap_of_positions_is_a_new_beginning(self) -> None:
        losses = after(100)
        losses.note(10**12)
        assert losses.summary()["loss"] == 0.0


class TestBursts:
    def test_no_loss_is_one_gap(self) -> None:
        described = after(500).describe()
        assert described["gap_ms"] == 10_000
        assert {described[key] for key in described if key != "gap_ms"} == {0}

    def test_isolated_losses_belong_to_the_gap(self) -> None:
        described = after(1000, lost=range(100, 1000, 100)).describe()
        assert (described["burst_ms"], described["burst_density"]) == (0, 0)
        assert described["gap_density"] == pytest.approx(256 * 9 / 1000, abs=1)
        assert described["loss_rate"] == int(256 * 9 / 1000)

    def test_losses_close_together_are_a_burst(self) -> None:
        # Ten of twenty packets, twice in 1,000: RFC 3611 counts two bursts.
        lost = [start + step for start in (200, 600) for step in range(0, 20, 2)]
        described = after(1000, lost=lost).describe()
        assert described["burst_ms"] == pytest.approx(19 * 20, abs=20)
        assert described["burst_density"] == pytest.approx(128, abs=16)
        assert described["gap_density"] == 0
        assert described["gap_ms"] == pytest.approx((1000 - 2 * 19) / 2 * 20, rel=0.03)

    def test_discards_are_told_from_losses(self) -> None:
        described = after(256, lost=[20], late=[100, 200]).describe()
        assert (described["loss_rate"], described["discard_rate"]) == (1, 2)

"""The histogram of lateness, and the thread that does nothing."""

from __future__ import annotations

import pytest

from platypus._media.lateness import DoNothingThread, Histogram

MS = 1_000_000


def test_nothing_added_is_nothing_late():
    assert Histogram().summary() == {
        "count": 0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0, "skipped": 0,
    }  # fmt: skip


@pytest.mark.parametrize("late_ms", [0.003, 0.015, 0.1, 0.999, 7.3, 150.0, 60_000.0])
def test_percentiles_are_within_6_percent(late_ms):
    histogram = Histogram()
    histogram.add(int(late_ms * MS))
    histogram.add(int(200_000 * MS))
    assert histogram.summary()["p50_ms"] == pytest.approx(late_ms, rel=0.07, abs=0.001)


def test_the_worst_is_exact_to_a_microsecond():
    histogram = Histogram()
    histogram.add(12_345_678)
    histogram.add(1)
    assert histogram.summary()["max_ms"] == 12.345


def test_one_in_a_hundred_does_not_move_the_99th_percentile():
    histogram = Histogram()
    for _ in range(99):
        histogram.add(MS // 10)
    histogram.add(500 * MS)
    summary = histogram.summary()
    assert summary["p99_ms"] == pytest.approx(0.1, rel=0.07)
    assert summary["max_ms"] == 500.0


def test_two_in_a_hundred_do():
    histogram = Histogram()
    for _ in range(98):
        histogram.add(MS // 10)
    for _ in range(2):
        histogram.add(500 * MS)
    assert histogram.summary()["p99_ms"] == pytest.approx(500, rel=0.07)


def test_a_clock_that_runs_early_counts_as_no_lateness():
    histogram = Histogram()
    histogram.add(-5 * MS)
    assert histogram.summary()["max_ms"] == 0.0


def test_skipped_packets_are_counted_apart():
    histogram = Histogram()
    histogram.skip(3)
    histogram.skip(2)
    assert (histogram.summary()["skipped"], histogram.summary()["count"]) == (5, 0)


def test_beginning_again_shows_at_once_and_forgets_everything():
    histogram = Histogram()
    histogram.add(500 * MS)
    histogram.skip(1)
    histogram.reset()
    assert histogram.summary()["count"] == 0
    histogram.add(MS)
    assert histogram.summary()["max_ms"] == 1.0
    assert histogram.summary()["skipped"] == 0


def test_a_lateness_of_an_hour_is_kept():
    histogram = Histogram()
    histogram.add(3_600_000 * MS)
    assert histogram.summary()["p99_ms"] == pytest.approx(3_600_000, rel=0.07)


def test_the_thread_that_does_nothing_ends_when_told_twice():
    thread = DoNothingThread(1)
    thread.start()
    thread.close()
    thread.close()
    assert thread.lateness()["skipped"] == 0

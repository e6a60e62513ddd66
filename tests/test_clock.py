"""The signalling's clock, and a sleep that shows on it."""

from __future__ import annotations

import sys
import time

import pytest

from platypus.clock import LATE, SLEEP, SleepWatch, awake_and_asleep


class Clocks:
    """The signalling's, and the loop's, which stands still while the machine sleeps."""

    def __init__(self) -> None:
        self.signalling, self.loop = 1000.0, 5.0
        self.watch = SleepWatch(lambda: self.signalling, lambda: self.loop)

    def run(self, seconds: float) -> None:
        self.signalling += seconds
        self.loop += seconds

    def sleep(self, seconds: float) -> None:
        self.signalling += seconds


def test_time_that_both_clocks_saw_is_no_sleep() -> None:
    clocks = Clocks()
    for _ in range(100):
        clocks.run(7.0)
        assert clocks.watch.slept() == 0.0


def test_time_that_only_one_saw_is_sleep_told_once() -> None:
    clocks = Clocks()
    clocks.sleep(3600.0)
    clocks.run(2.0)
    assert clocks.watch.slept() == pytest.approx(3600.0)
    assert clocks.watch.slept() == 0.0


def test_a_moment_between_two_readings_is_no_sleep() -> None:
    clocks = Clocks()
    clocks.sleep(SLEEP * 0.9)
    assert clocks.watch.slept() == 0.0


def test_where_both_clocks_go_on_asleep_a_question_that_comes_late_tells() -> None:
    clocks = Clocks()
    clocks.watch.expect(5.0)
    clocks.run(5.0 + LATE - 1.0)
    assert clocks.watch.slept() == 0.0
    clocks.watch.expect(5.0)
    clocks.run(605.0)
    assert clocks.watch.slept() == pytest.approx(600.0)


def test_the_clock_never_goes_back_and_ticks_in_seconds() -> None:
    clock = awake_and_asleep()
    before, real = clock(), time.monotonic()
    while time.monotonic() - real < 0.02:
        pass
    assert 0.01 < clock() - before < 10.0


@pytest.mark.skipif(sys.platform != "linux", reason="CLOCK_BOOTTIME is Linux's")
def test_on_linux_it_counts_the_time_asleep() -> None:
    assert awake_and_asleep()() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5.0)

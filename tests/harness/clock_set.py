"""The machine's clock set as waking up sets it: to what it is, or microseconds beside."""

from __future__ import annotations

import time

import pytest


def set_clock() -> None:
    """Skips the test where that is not allowed."""
    if not hasattr(time, "clock_settime"):
        pytest.skip("this system's clock can't be set by Python")
    try:
        time.clock_settime(time.CLOCK_REALTIME, time.time())
    except OSError:
        pytest.skip("only root may set the clock")

"""The system says that the clock was set, as it is when a machine wakes up."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from platypus.net.resumed import Resumed
from tests.harness.clock_set import set_clock
from tests.harness.phones import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")


def test_it_is_told_each_time_and_never_after_the_end() -> None:
    async def work() -> None:
        told = asyncio.Semaphore(0)
        resumed = Resumed(asyncio.get_running_loop(), told.release)
        try:
            for _ in range(3):
                set_clock()
                await told.acquire()
        finally:
            resumed.close()
            resumed.close()
        set_clock()
        await asyncio.sleep(0.05)
        assert told.locked()

    run(work())


def test_it_leaves_no_descriptor_behind() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        before = os.listdir("/proc/self/fd")
        for _ in range(10):
            Resumed(loop, print).close()
        assert os.listdir("/proc/self/fd") == before

    run(work())

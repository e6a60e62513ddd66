"""Notice at once that the machine has slept, where the system tells.

Linux has a timer for whoever must know that the clock was set (timerfd_create(2),
TFD_TIMER_CANCEL_ON_SET), and waking up sets it. It costs nothing until then; that the clock was
set for another reason is found out by whoever is told. Elsewhere nothing is told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import sys
import time
from collections.abc import Callable

logger = logging.getLogger("platypus.net")

_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000  # TFD_NONBLOCK and TFD_CLOEXEC, of all but Alpha and MIPS
_ABSTIME, _CANCEL_ON_SET = 1, 2
_NEVER = min(2**40, sys.maxsize)  # seconds: some 35,000 years


class Resumed:
    """`told()` is called on the loop when the clock was set, as it is when the machine wakes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Callable[[], object]) -> None:
        self._loop = loop
        self._told = told
        self._timer = _open()
        if self._timer is not None:
            loop.add_reader(self._timer, self._read)

    def close(self) -> None:
        if self._timer is not None:
            self._loop.remove_reader(self._timer)
            os.close(self._timer)
            self._timer = None

    def _read(self) -> None:
        assert self._timer is not None  # noqa: S101 - it is read from
        try:
            os.read(self._timer, 8)
        except BlockingIOError:
            return
        except OSError:  # ECANCELED is what it waits for; reading makes it wait again
            self._told()


def _open() -> int | None:
    if sys.platform != "linux":
        return None
    import ctypes  # with Python 3.13 `os` has these

    try:
        system = ctypes.CDLL(None, use_errno=True)
        timer = int(system.timerfd_create(time.CLOCK_REALTIME, _NONBLOCK | _CLOEXEC))
        if timer < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        when = struct.pack("@llll", 0, 0, _NEVER, 0)
        if system.timerfd_settime(timer, _ABSTIME | _CANCEL_ON_SET, when, None) < 0:
            os.close(timer)
            raise OSError(ctypes.get_errno(), "timerfd_settime")
    except (OSError, AttributeError) as error:  # a sandbox, or a C library without them
        logger.debug("nobody tells that the machine slept: %s", error)
        return None
    return timer

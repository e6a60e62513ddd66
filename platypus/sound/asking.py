"""Asks which sound devices there are, and does not wait for an answer without end.

    quick      something has failed, and why is to be told within a second
    patient    a busy machine's server may be slow, as long as nothing fails meanwhile

An answer that comes when nobody waits any more is not lost: `late` hears of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from platypus.audio.pulse import HANGS
from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus.audio.device import DeviceLists
    from platypus.sound.aside import Aside

STEP_S = 0.1
WITHIN_S = 0.4
FIRST_WITHIN_S = 0.8  # nothing is heard yet, and nobody was told why
PATIENT_S = 3.0


class Asking:
    """`failing` says whether a device in use has failed; `late` hears of an answer after all."""

    def __init__(self, aside: Aside, failing: Callable[[], bool], late: Callable[[], None]) -> None:
        self._aside, self._failing, self._late = aside, failing, late
        self._asked: asyncio.Future[DeviceLists] | None = None  # patiently

    def forget(self) -> None:
        """Nobody wants to know any more."""
        self._asked = None

    async def quickly(self) -> DeviceLists:
        """What is known at once. DeviceError where it can't be had."""
        from platypus.audio.lists import list_devices

        asked = self._aside.do(partial(list_devices, quick=True))
        await asyncio.wait((asked,), timeout=WITHIN_S)
        if not asked.done():
            raise DeviceError(HANGS)
        return asked.result()

    async def patiently(self, *, first: bool) -> DeviceLists:
        """All there is. DeviceError where it can't be had, or does not come in time."""
        from platypus.audio.lists import list_devices

        if self._asked is None:
            self._asked = self._aside.do(list_devices)
        asked, until = self._asked, time.monotonic() + (FIRST_WITHIN_S if first else PATIENT_S)
        while not asked.done() and time.monotonic() < until:
            if self._failing():
                asked.add_done_callback(self._came)
                return await self.quickly()
            await asyncio.wait((asked,), timeout=STEP_S)
        if not asked.done():
            asked.add_done_callback(self._came)
            raise DeviceError(HANGS)
        self._asked = None
        return asked.result()

    def _came(self, asked: asyncio.Future[DeviceLists]) -> None:
        """Whoever asked had given up."""
        if self._asked is asked:
            self._asked = None
            if asked.exception() is None:
                self._late()

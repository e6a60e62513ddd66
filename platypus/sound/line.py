"""One thing a sound device is used for (talking, listening, ringing), and the device it has.

A line knows which devices are to be tried in which order, and what ails the one it has. Devices
that failed are shunned for a while; one whose opening takes too long is given up, and the stream
closed if it comes after all. When to look, and what to tell, is the desk's business.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from platypus.audio.device import DeviceLists, SoundDevice, Stream, chain, matching
from platypus.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from platypus.sound.aside import Aside

logger = logging.getLogger("platypus.engine")

# Callbacks come every 10 to 25 ms, in Python 60 at most; two of a busy machine's stalls.
SILENT_MS = 400
SHUN_S = 5.0  # one that was silent; sooner where the lists say that it is in service again
BUSY_S = 1.0  # one that could not be opened
OPEN_S = 0.7  # takes a tenth; a server that hangs is to be named within a second
OPEN_MOST_S = 3.0  # where it took too long before: the machine may be slow
OPENINGS = 2  # that may hang at once: each keeps a thread and a place at the server
STEADY_S = 0.4  # a suspended device calls back to fill its buffer, and then no more


class Line:
    """`wanted` is a name, or None for the system's default.

    `equip` gets every stream before it is used, in one of `aside`'s threads. `moved` hears of every
    change, while what was in use before is still open.
    """

    def __init__(
        self,
        wanted: str | None,
        aside: Aside,
        *,
        capture: bool,
        moved: Callable[[], None] = lambda: None,
        equip: Callable[[SoundDevice, Stream], None] = lambda device, stream: None,
    ) -> None:
        self.wanted = wanted
        self.capture = capture
        self._moved = moved
        self._equip = equip
        self._aside = aside
        self._logged: str | None = None  # one that is tried again and again is logged once
        self.gain = 1.0
        self.stream: Stream | None = None
        self.device: SoundDevice | None = None
        self._shunned: dict[str, tuple[float, bool]] = {}  # until when; it was out of service
        self._suspects: set[str] = set()  # failed since they were last well
        self._openings: set[asyncio.Future[Stream]] = set()
        self._open_s = OPEN_S

    @property
    def kind(self) -> str:
        """What people call such a device."""
        return "microphone" if self.capture else "speaker"

    @property
    def hangs(self) -> bool:
        """A device is being opened that was given up."""
        return bool(self._openings)

    @property
    def name(self) -> str | None:
        """Of the device in use."""
        return self.device.name if self.device is not None else None

    def order(self, lists: DeviceLists) -> list[SoundDevice]:
        """What to try, the best first."""
        devices = lists.inputs if self.capture else lists.outputs
        default = lists.default_input if self.capture else lists.default_output
        order = chain(devices, self.wanted, default)
        return [device for device in order if not self._shuns(device)]

    def _shuns(self, device: SoundDevice) -> bool:
        until, suspended = self._shunned.get(device.name, (0.0, False))
        return time.monotonic() < until and not (suspended and not device.suspended)

    def missing(self, lists: DeviceLists) -> str | None:
        """A sentence where the device that was asked for can't be told from the lists."""
        devices = lists.inputs if self.capture else lists.outputs
        if self.wanted is None:
            return None
        found = matching(devices, self.wanted)
        if len(found) == 1:
            return None
        return f"{'more than one' if found else 'no'} sound device is called {self.wanted!r}"

    def ails(self, lists: DeviceLists | None) -> str | None:
        """Why what it has is not heard any more; None while all is well, or nothing is open."""
        if self.stream is None or self.device is None:
            return None
        label = self.device.label
        if lists is not None and not self._listed(lists):
            return f"the sound device {label!r} is gone"
        if not self.stream.active:
            return f"the sound device {label!r} stopped"
        if (self.stream.silent_ms or 0.0) > SILENT_MS:
            return f"the sound device {label!r} is suspended"
        return None

    def _listed(self, lists: DeviceLists) -> bool:
        return self._entry(lists) is not None

    def _entry(self, lists: DeviceLists) -> SoundDevice | None:
        devices = lists.inputs if self.capture else lists.outputs
        return next((device for device in devices if device.name == self.name), None)

    def refresh(self, lists: DeviceLists) -> bool:
        """Whether its device is not what it was: headphones were plugged into it."""
        entry = self._entry(lists)
        if entry is None or self.device is None:
            return False
        changed = (entry.headset, entry.label) != (self.device.headset, self.device.label)
        self.device = entry
        return changed

    def suspect(self, lists: DeviceLists | None) -> None:
        """The device it has failed. One that runs but is silent is left alone for a while."""
        if self.stream is None or self.device is None:
            return
        self._suspects.add(self.device.name)
        entry = self._entry(lists) if lists is not None else None
        if self.stream.active and entry is not None:
            self._shunned[entry.name] = (time.monotonic() + SHUN_S, entry.suspended)

    def forgive(self, name: str) -> None:
        """Somebody chose it: it is tried at once."""
        self._shunned.pop(name, None)

    async def open(self, device: SoundDevice) -> str | None:
        """Change to `device`; says why not. What it had goes on until the new one is there.

        One that failed before has to prove first that it is well.
        """
        try:
            stream = await self._open(device)
        except DeviceError as problem:
            if str(problem) != self._logged:
                logger.warning("%s", problem)
            self._logged = str(problem)
            self._shunned[device.name] = (time.monotonic() + BUSY_S, False)
            return str(problem)
        if device.name in self._suspects and not await _steady(stream):
            self._shunned[device.name] = (time.monotonic() + SHUN_S, device.suspended)
            return f"the sound device {device.label!r} is suspended"
        self._suspects.discard(device.name)
        self._logged = None
        await self._change(device, stream)
        return None

    async def _change(self, device: SoundDevice, stream: Stream) -> None:
        before, self.stream, self.device = self.stream, stream, device
        stream.overlay.gain = self.gain
        self._moved()
        if before is not None:
            await asyncio.get_running_loop().run_in_executor(None, before.close)

    async def _open(self, device: SoundDevice) -> Stream:
        """A stream that comes when nobody waits for it any more is closed."""
        if len(self._openings) >= OPENINGS:
            raise DeviceError(f"the sound device {device.label!r} does not answer")
        opening = self._aside.do(partial(self._open_now, device))
        try:
            stream = await asyncio.wait_for(asyncio.shield(opening), self._open_s)
        except (TimeoutError, asyncio.CancelledError) as ended:
            self._give_up(opening)
            if isinstance(ended, asyncio.CancelledError):
                raise
            self._open_s = min(2 * self._open_s, OPEN_MOST_S)
            raise DeviceError(f"the sound device {device.label!r} does not answer") from None
        self._open_s = OPEN_S
        return stream

    def _give_up(self, opening: asyncio.Future[Stream]) -> None:
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)
        opening.add_done_callback(_close_late)

    def _open_now(self, device: SoundDevice) -> Stream:
        from platypus.audio.portaudio import open_stream  # PyAudio, which is optional

        stream = open_stream(device, capture=self.capture)
        self._equip(device, stream)
        return stream

    def take(self) -> Callable[[], None] | None:
        """Give the stream up; whoever gets this closes it."""
        stream, self.stream, self.device = self.stream, None, None
        return stream.close if stream is not None else None


async def _steady(stream: Stream) -> bool:
    """Whether its callbacks go on; it is closed where they do not."""
    well = False
    try:
        await asyncio.sleep(STEADY_S)
        well = stream.active and (stream.silent_ms or 0.0) < SILENT_MS / 2
    finally:
        if not well:
            stream.close()
    return well


def _close_late(opening: asyncio.Future[Stream]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()

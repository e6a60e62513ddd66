"""The sound devices in use: opened when needed, watched, replaced when they fail.

    lists, watch, health -> Desk -> Line.open -> `moved`, `tell`

While somebody holds the desk a task looks after the lines: at once when the watch tells of a
change, and ten times a second at the streams themselves, because a suspended device and a dead
server tell nothing. What fails is replaced by the next in its chain (the device asked for, the
system's default, any other); what is better and there again is taken up again. Each change is
told with a reason.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from platypus.errors import DeviceError, PlatypusError
from platypus.events import DeviceChanged, Event
from platypus.sound.line import Line
from platypus.sound.watch import Watch
from platypus.waiting import log_failure

if TYPE_CHECKING:
    from platypus.audio.device import DeviceLists, SoundDevice, Stream

logger = logging.getLogger("platypus.engine")

TICK_S = 0.1
LOOK_S = 1.0  # where something is missing, or not as it should be; more and more
LOOK_MOST_S = 30.0  # PortAudio's start costs time, and some memory for good
POLL_S = 5.0  # where nothing tells of changes: another process has to be asked
LIST_WITHIN_S = 0.4  # a failure is to be told within a second
PATIENT_S = 1.5  # a busy machine's server may be slow, and nothing fails meanwhile
OPENED = "opened for a call"
BACK = "the sound devices are back"
SERVER_GONE = "the sound server is gone, and with it every sound device"


class Desk:
    """Two lines for a call, one for ringing. `moved` hears when a line has another stream.

    `equip` gets each microphone's stream, in a worker thread; `remark` has something to add to
    what is told of a change.
    """

    def __init__(
        self,
        input: str | None,
        output: str | None,
        ring: str | None,
        *,
        publish: Callable[[Event], None],
        moved: Callable[[], None],
        equip: Callable[[SoundDevice, Stream], None] = lambda device, stream: None,
        remark: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.talking = Line(input, capture=True, moved=moved, equip=equip)
        self.listening = Line(output, capture=False, moved=moved)
        self.ringing = Line(ring or output, capture=False, moved=moved)
        self.no_sound: str | None = None  # why there is none at all
        self._publish, self._moved = publish, moved
        self._remark = remark
        self._held: dict[object, frozenset[Line]] = {}
        self._needed: set[Line] = set()  # by anybody
        self._lists: DeviceLists | None = None
        self._looked = 0.0
        self._look_s = LOOK_S
        self._stale = True  # the lists: something may have changed
        self._stirred = asyncio.Event()
        self._watch: Watch | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Future[None]] = set()
        self._told: tuple[object, ...] | None = None

    @property
    def open(self) -> bool:
        return bool(self._needed)

    def need(self, who: object, *lines: Line) -> None:
        """Open these, and keep them until `who` lets go."""
        self._held[who] = frozenset(lines)
        if self._needed.issuperset(lines):
            return
        self._needed.update(lines)
        self.stir()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look_after())
            self._task.add_done_callback(log_failure)

    def let_go(self, who: object) -> None:
        """What nobody else needs is closed."""
        self._held.pop(who, None)
        free = self._needed.difference(*self._held.values())
        self._needed -= free
        for line in free:
            self._close_line(line)
        if free and not self._needed:
            self._stop()

    def choose(self, line: Line, name: str | None) -> None:
        """Another device for `line`, from now on."""
        line.wanted = name
        if name is not None:
            line.forgive(name)
        self.stir()

    def stir(self) -> None:
        """Something may have changed."""
        self._stale = True
        self._look_s = LOOK_S
        self._stirred.set()

    def close(self) -> None:
        """Takes a second at most: nobody waits for the loop any more. Idempotent."""
        self._held.clear()
        self._needed.clear()
        self._stop()
        lines = (self.talking, self.listening, self.ringing)
        closing = [threading.Thread(target=close) for line in lines if (close := line.take())]
        for thread in closing:  # at once: each may take its second
            thread.start()
        for thread in closing:
            thread.join()

    async def closed(self) -> None:
        """What was let go has been closed."""
        await asyncio.gather(*self._closing)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._lists = self._told = None

    def _close_line(self, line: Line) -> None:
        close = line.take()
        if close is None:
            return
        closing = asyncio.get_running_loop().run_in_executor(None, close)
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _look_after(self) -> None:
        self._watch = Watch(self.stir)
        while True:
            self._stirred.clear()
            try:
                await self._tend()
            except PlatypusError as problem:  # of a call that has ended: the others go on
                logger.warning("sound: %s", problem)
            try:
                async with asyncio.timeout(TICK_S):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    async def _tend(self) -> None:
        ailing = any(line.ails(None) for line in self._needed)
        if ailing or self._stale or time.monotonic() - self._looked > self._patience():
            await self._look(quick=ailing)
        reasons = [
            reason
            for line in (self.talking, self.listening, self.ringing)
            if line in self._needed and (reason := await self._mend(line)) is not None
        ]
        for line in (self.talking, self.listening, self.ringing):
            if line not in self._needed:  # it was let go while it was being opened
                self._close_line(line)
        self._tell(reasons)

    def _patience(self) -> float:
        """How old the lists may be."""
        settled = all(line.stream is not None for line in self._needed)
        if not settled or not self._best_in_use():
            return self._look_s
        return float("inf") if self._watch is not None and self._watch.wakes else POLL_S

    def _best_in_use(self) -> bool:
        return self._lists is not None and all(
            [device.name for device in line.order(self._lists)[:1]] == [line.name]
            for line in self._needed
        )

    async def _look(self, *, quick: bool) -> None:
        """With `quick` only what is known at once: the rest in the next turn."""
        from platypus.audio.lists import list_devices

        self._look_s = LOOK_S if self._stale else min(2 * self._look_s, LOOK_MOST_S)
        self._stale, self._looked = quick, time.monotonic()
        within = LIST_WITHIN_S if quick else PATIENT_S
        find = partial(list_devices, within, quick=quick)
        loop = asyncio.get_running_loop()
        try:
            self._lists = await loop.run_in_executor(None, find)
        except DeviceError as problem:
            self._lists, self.no_sound = None, str(problem)
        else:
            self.no_sound = None
            changed = [line for line in self._needed if line.refresh(self._lists)]
            if changed:
                self._moved()

    async def _mend(self, line: Line) -> str | None:
        """Bring a line to the best device there is; why, where that changed something."""
        problem = line.ails(self._lists)
        if problem is not None:
            line.suspect(self._lists)
            self._close_line(line)
            if not self._listed:
                problem = self.no_sound or SERVER_GONE
        if self._lists is None:
            return problem
        order = line.order(self._lists)
        if line.stream is None:
            missing = line.missing(self._lists) if self._listed else None
            return await self._open_first(line, order, [problem, missing])
        if order and order[0].name != line.name and await line.open(order[0]) is None:
            missing = line.missing(self._lists)
            whose = "system's sound device is now" if line.wanted is None else "sound device is"
            return "; ".join(filter(None, (missing, f"the {whose} {order[0].label!r}")))
        return None

    @property
    def _listed(self) -> bool:
        """Whether there is any device at all."""
        return self._lists is not None and bool(self._lists.inputs or self._lists.outputs)

    async def _open_first(
        self, line: Line, order: list[SoundDevice], problems: list[str | None]
    ) -> str | None:
        reasons = [each for each in problems if each]
        for device in order:
            failed = await line.open(device)
            if failed is None:
                return "; ".join(reasons) or (OPENED if self._told is None else BACK)
            reasons.append(failed)
        return "; ".join(reasons) or None

    def _tell(self, reasons: list[str]) -> None:
        """An event when a line of a call has another stream, or none any more."""
        lines = (self.talking, self.listening)
        if not self._needed.intersection(lines):
            return
        streams = tuple(line.stream for line in lines)
        if streams == self._told:
            return
        self._told = streams
        names = (self.talking.name, self.listening.name)
        parts = [part for reason in reasons for part in reason.split("; ")]
        reason = "; ".join(dict.fromkeys(parts))
        if names == (None, None):
            from platypus.audio.device import NO_DEVICES

            reason = reason or self.no_sound or NO_DEVICES
        logger.log(logging.WARNING if None in names else logging.INFO, "sound: %s", reason)
        remark = self._remark() if None not in names else None
        self._publish(DeviceChanged(*names, "; ".join(filter(None, (reason or OPENED, remark)))))

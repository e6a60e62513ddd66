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
from typing import TYPE_CHECKING

from platypus.audio.pulse import HANGS
from platypus.errors import DeviceError, PlatypusError
from platypus.events import Event
from platypus.sound.aside import Aside
from platypus.sound.asking import Asking
from platypus.sound.line import Line
from platypus.sound.telling import BACK, OPENED, Telling
from platypus.sound.watch import Watch
from platypus.waiting import log_failure

if TYPE_CHECKING:
    from platypus.audio.device import DeviceLists, SoundDevice, Stream

logger = logging.getLogger("platypus.engine")

TICK_S = 0.1
LOOK_S = 1.0  # where something is missing, or not as it should be; more and more
LOOK_MOST_S = 30.0  # PortAudio's start costs time, and some memory for good
POLL_S = 5.0  # where nothing tells of changes: another process has to be asked
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
        self._aside = Aside()
        self.talking = Line(input, self._aside, capture=True, moved=moved, equip=equip)
        self.listening = Line(output, self._aside, capture=False, moved=moved)
        self.ringing = Line(ring or output, self._aside, capture=False, moved=moved)
        self.no_sound: str | None = None  # why there is none at all
        self._moved = moved
        self._telling = Telling(publish, remark)
        self._held: dict[object, frozenset[Line]] = {}
        self._needed: set[Line] = set()  # by anybody
        self._lists: DeviceLists | None = None
        self._looked = 0.0
        self._asking = Asking(self._aside, self._failing, self.stir)
        self._look_s = LOOK_S
        self._stale = True  # the lists: something may have changed
        self._stirred = asyncio.Event()
        self._watch: Watch | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Future[None]] = set()

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
        self._aside.close()
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
        self._lists = None
        self._asking.forget()
        self._telling.forget()

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
        failing = self._failing()
        if failing or self._stale or time.monotonic() - self._looked > self._patience():
            await self._look(quick=failing)
        reasons = await self._mend_all()
        for line in self._lines:
            if line not in self._needed:  # it was let go while it was being opened
                self._close_line(line)
        self._telling.tell(
            [line for line in self._lines if line in self._needed],
            (self._name(self.talking), self._name(self.listening)),
            reasons,
            call=self.talking in self._needed,
            no_sound=self.no_sound,
        )

    @property
    def _lines(self) -> tuple[Line, Line, Line]:
        return self.talking, self.listening, self.ringing

    async def _mend_all(self) -> list[str]:
        """Why the lines have others now than they had."""
        reasons: list[str] = []
        for line in self._lines:
            hung = line.hangs
            reason = await self._mend(line) if line in self._needed else None
            if reason is not None:
                rings = line.device if line is self.ringing else None
                if rings is not None and reason not in (OPENED, BACK):
                    reason += f"; it rings on {rings.label!r}"
                reasons.append(reason)
            if line.hangs and not hung:  # to be told before the others take their time
                self._stale = True
                break
        return reasons

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
        self._look_s = LOOK_S if self._stale else min(2 * self._look_s, LOOK_MOST_S)
        self._stale, self._looked = quick, time.monotonic()
        try:
            self._lists = await self._list(quick=quick)
        except DeviceError as problem:
            self._lists, self.no_sound = None, str(problem)
            if self.no_sound == HANGS:  # nothing else tells that it goes on
                self._look_s = LOOK_S
        else:
            self.no_sound = None
            changed = [line for line in self._needed if line.refresh(self._lists)]
            if changed:
                self._moved()

    async def _list(self, *, quick: bool) -> DeviceLists:
        if quick:
            return await self._asking.quickly()
        silent = all(line.stream is None for line in self._needed)
        return await self._asking.patiently(first=silent and not self._telling.told)

    def _failing(self) -> bool:
        return any(line.ails(None) for line in self._needed)

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
        if not order and not reasons and self._listed:
            reasons.append(f"there is no {line.kind} that can be used")
        for device in order:
            failed = await line.open(device)
            if failed is None:
                return "; ".join(reasons) or self._telling.why_opened
            reasons.append(failed)
        return "; ".join(reasons) or None

    def _name(self, line: Line) -> str | None:
        """Of what it has; where it is not needed now, of what it would get."""
        if line in self._needed or self._lists is None:
            return line.name
        return next((device.name for device in line.order(self._lists)), None)

"""What the desktop is told: notifications, the tray, keys for everywhere, no suspend in a call.

Lives on the engine's thread and reads the messages that go to the window. What a button asks
for goes back as the window's own commands would. Where there is no bus nothing happens, and
calls go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from ui_tk import words
from ui_tk.messages import (
    Answer,
    AppearanceTold,
    CallChanged,
    CallOver,
    Command,
    DeedAsked,
    DesktopCommand,
    HangUp,
    HotkeysTold,
    Message,
    PageAsked,
    SetHotkeys,
    ShowTray,
    TrayChanged,
)
from ui_tk.system.appearance import Appearance
from ui_tk.system.hotkeys import Hotkeys
from ui_tk.system.inhibit import SuspendLock
from ui_tk.system.notifications import OPENED, Notifier
from ui_tk.system.status_item import StatusItem
from ui_tk.texts import tr

LEAVE_S = 1.0  # what the desktop has not taken by then it is not told
RINGS = ("trying", "ringing", "early")


class Desktop:
    """`obey` takes commands for the engine, `post` messages for the window."""

    def __init__(self, obey: Callable[[Command], None], post: Callable[[Message], None]) -> None:
        self._obey, self._post = obey, post
        self._notifier = Notifier(self._pressed)
        self._appearance = Appearance(lambda dark: post(AppearanceTold(dark)))
        self._hotkeys = Hotkeys(lambda deed: post(DeedAsked(deed)))
        self._tray = StatusItem(
            lambda deed: post(DeedAsked(deed)), lambda present: post(TrayChanged(present))
        )
        self._lock = SuspendLock()
        self._calls: dict[str, CallChanged] = {}
        self._told: dict[str, str] = {}  # calls that are shown, and who by
        self._work: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._notifier.__aenter__()
        await self._tray.__aenter__()
        await self._appearance.__aenter__()
        if not self._tray.present:
            self._post(TrayChanged(False))  # a window that an earlier one let go comes back
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._calls.clear()
        if self._work:
            await asyncio.wait(self._work, timeout=LEAVE_S)
        self._hotkeys.close()
        await self._appearance.__aexit__(kind, error, trace)
        await self._tray.__aexit__(kind, error, trace)
        await self._notifier.__aexit__(kind, error, trace)
        await asyncio.to_thread(self._lock.release)

    def hear(self, message: Message) -> None:
        """Before the window gets it; returns at once."""
        match message:
            case CallChanged():
                self._changed(message)
            case CallOver():
                self._over(message)

    def obey(self, command: DesktopCommand) -> None:
        """Returns at once."""
        match command:
            case ShowTray(face):
                self._do(self._tray.show(face))
            case SetHotkeys():
                self._do(self._set_hotkeys(command))

    async def _set_hotkeys(self, wanted: SetHotkeys) -> None:
        problem = await self._hotkeys.set(dict(wanted.keys), headset=wanted.headset)
        self._post(HotkeysTold(problem))

    def _changed(self, call: CallChanged) -> None:
        first = call.call not in self._calls
        self._calls[call.call] = call
        who = call.display_name or words.short(call.remote)
        rings = call.direction == "incoming" and call.state in RINGS
        if rings and self._told.get(call.call) != who:
            self._told[call.call] = who
            buttons = {"answer": tr("Answer"), "refuse": tr("Refuse")}
            title = tr("{who} calls", who=who)
            self._do(self._notifier.show(call.call, title, words.short(call.remote),
                                         actions=buttons, urgent=True))  # fmt: skip
        elif not rings and self._told.pop(call.call, None) is not None:
            self._do(self._notifier.withdraw(call.call))
        if first:
            self._do(self._keep_awake())

    def _over(self, over: CallOver) -> None:
        call = self._calls.pop(over.call, None)
        who = self._told.pop(over.call, None)
        if call is not None and who is not None:
            if over.by == "remote" and not over.elsewhere:
                missed = tr("Missed call from {who}.", who=who)
                self._do(self._notifier.show(over.call, missed, words.short(call.remote)))
            else:
                self._do(self._notifier.withdraw(over.call))
        self._do(self._keep_awake())

    async def _keep_awake(self) -> None:
        """Off the loop: the bus may take a second."""
        if self._calls:
            await asyncio.to_thread(self._lock.hold, "in a call")
        else:
            await asyncio.to_thread(self._lock.release)

    def _pressed(self, call: str, action: str) -> None:
        if action == OPENED:
            self._post(PageAsked("phone"))
        elif call in self._calls:
            self._obey(Answer(call) if action == "answer" else HangUp(call))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """One after the other: a call may be over before its notification is shown."""

        async def in_turn() -> None:
            async with self._turn:
                await work

        task = asyncio.ensure_future(in_turn())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

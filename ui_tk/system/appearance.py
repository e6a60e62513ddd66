"""Whether the desktop wants dark windows, while it runs: org.freedesktop.portal.Settings.

    async with Appearance(changed):     # changed(True): dark; False: light; None: no word on it
        ...

Over D-Bus by jeepney. Without a bus or a portal `changed` is never called: then holds what was
found at the start (`ui_tk.palette`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ui_tk.system.session_bus import BusPart

NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
INTERFACE = "org.freedesktop.portal.Settings"
NAMESPACE, KEY = "org.freedesktop.appearance", "color-scheme"
QUEUE = 8


class Appearance(BusPart):
    """`changed` runs on the loop: once at the beginning, then for every change."""

    what = "Colours of the desktop"

    def __init__(self, changed: Callable[[bool | None], None]) -> None:
        super().__init__()
        self._changed = changed

    async def _open(self) -> None:
        from jeepney import DBusAddress, MatchRule, MessageType, new_method_call

        bus = await self._connect()
        rule = MatchRule(type="signal", interface=INTERFACE, path=PATH, member="SettingChanged")
        rule.add_arg_condition(0, NAMESPACE)
        queue: asyncio.Queue[Any] = asyncio.Queue(QUEUE)
        self._stack.enter_context(self._router.filter(rule, queue=queue))
        await bus.AddMatch(rule)
        # `ReadOne` is of version 2; what the older `Read` gives is wrapped once more.
        portal = DBusAddress(PATH, bus_name=NAME, interface=INTERFACE)
        ask = new_method_call(portal, "Read", "ss", (NAMESPACE, KEY))
        reply = await self._router.send_and_get_reply(ask)
        if reply.header.message_type is MessageType.error:
            raise ValueError("the portal knows no appearance")
        self._changed(prefers_dark(reply.body[0]))
        self._listener = asyncio.create_task(self._listen(queue))

    async def _listen(self, queue: asyncio.Queue[Any]) -> None:
        while True:
            body = (await queue.get()).body
            if len(body) == 3 and body[1] == KEY:
                self._changed(prefers_dark(body[2]))


def prefers_dark(value: object) -> bool | None:
    """What a variant, or one in another, says: 1 is dark, 2 is light, 0 no preference."""
    while isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return {1: True, 2: False}.get(value) if isinstance(value, int) else None

"""Whether the desktop wants dark windows, while it runs: org.freedesktop.portal.Settings.

    async with Appearance(changed):     # changed(True): dark; False: light; None: no word on it
        ...

Over D-Bus by jeepney. Without a bus or a portal `changed` is never called: then holds what was
found at the start (`ui_tk.palette`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

logger = logging.getLogger("ui_tk.appearance")

NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
INTERFACE = "org.freedesktop.portal.Settings"
NAMESPACE, KEY = "org.freedesktop.appearance", "color-scheme"
TIMEOUT_S = 2.0
QUEUE = 8


class Appearance:
    """`changed` runs on the loop: once at the beginning, then for every change."""

    def __init__(self, changed: Callable[[bool | None], None]) -> None:
        self._changed = changed
        self._stack = contextlib.AsyncExitStack()
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await asyncio.wait_for(self._open(), TIMEOUT_S)
        except ImportError:
            logger.info("the desktop's colours are not followed without the jeepney package")
        except (OSError, KeyError, ValueError, EOFError, TimeoutError) as error:
            logger.info("nobody tells the desktop's colours (%s)", type(error).__name__)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        with contextlib.suppress(OSError, EOFError):  # the bus may have gone before us
            await self._stack.aclose()

    async def _open(self) -> None:
        from jeepney import DBusAddress, MatchRule, MessageType, message_bus, new_method_call
        from jeepney.io.asyncio import DBusRouter, Proxy, open_dbus_connection

        connection = await open_dbus_connection("SESSION")
        self._stack.push_async_callback(connection.close)
        router = await self._stack.enter_async_context(DBusRouter(connection))
        rule = MatchRule(type="signal", interface=INTERFACE, path=PATH, member="SettingChanged")
        rule.add_arg_condition(0, NAMESPACE)
        queue: asyncio.Queue[Any] = asyncio.Queue(QUEUE)
        self._stack.enter_context(router.filter(rule, queue=queue))
        await Proxy(message_bus, router).AddMatch(rule)
        # `ReadOne` is of version 2; what the older `Read` gives is wrapped once more.
        portal = DBusAddress(PATH, bus_name=NAME, interface=INTERFACE)
        ask = new_method_call(portal, "Read", "ss", (NAMESPACE, KEY))
        reply = await router.send_and_get_reply(ask)
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

"""Desktop notifications with Answer and Refuse (freedesktop.org, Desktop Notifications 1.2).

Over D-Bus by jeepney, on the event loop of the engine's thread:

    async with Notifier(on_action) as notifier:
        await notifier.show("call:1", "Ana calls", actions={"answer": "Answer"})
        ...                                  # on_action("call:1", "answer")
        await notifier.withdraw("call:1")

Without a session bus, a notification server or jeepney, `show` does nothing: the window itself
comes to the front for a call. What comes over the bus is checked before it is believed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from ui_tk.system.session_bus import TIMEOUT_S, BusPart

logger = logging.getLogger("ui_tk.notifications")

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
QUEUE = 32  # signals waiting; a server that floods loses its own
OPENED = "default"  # a click on the notification itself


class Notifier(BusPart):
    """`on_action(key, action)` runs on the loop. Keys are the user's; one notification each."""

    what = "Desktop notifications"

    def __init__(self, on_action: Callable[[str, str], None]) -> None:
        super().__init__()
        self._on_action = on_action
        self._shown: dict[str, int] = {}
        self._has_actions = False

    @property
    def available(self) -> bool:
        return self._router is not None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for key in list(self._shown):
            await self.withdraw(key)
        await super().__aexit__(kind, error, trace)

    async def show(
        self,
        key: str,
        title: str,
        text: str = "",
        *,
        actions: Mapping[str, str] | None = None,
        urgent: bool = False,
    ) -> None:
        """Show, or show anew under the same key. An urgent one stays until it is withdrawn."""
        buttons: list[str] = []
        if self._has_actions:
            for action, label in {**(actions or {}), OPENED: ""}.items():
                buttons += [action, label]
        hints = {"urgency": ("y", 2 if urgent else 1), "category": ("s", "call")}
        hints["desktop-entry"] = ("s", "platypus")
        body = (
            "Platypus",
            self._shown.get(key, 0),
            "call-start",
            _line(title),
            _escaped(text),
            buttons,
            hints,
            0 if urgent else -1,
        )
        reply = await self._call("Notify", "susssasa{sv}i", body)
        if reply and isinstance(reply[0], int):
            self._shown[key] = reply[0]

    async def withdraw(self, key: str) -> None:
        number = self._shown.pop(key, None)
        if number is not None:
            await self._call("CloseNotification", "u", (number,))

    async def _open(self) -> None:
        from jeepney import MatchRule

        bus = await self._connect()
        rule = MatchRule(type="signal", interface=NAME, path=PATH)
        await bus.AddMatch(rule)
        queue: asyncio.Queue[Any] = asyncio.Queue(QUEUE)
        self._stack.enter_context(self._router.filter(rule, queue=queue))
        capabilities = await self._call("GetCapabilities")
        if capabilities is None:
            raise OSError("no notification server")
        self._has_actions = "actions" in capabilities[0]
        self._listener = asyncio.create_task(self._listen(queue))

    async def _call(
        self, method: str, signature: str | None = None, body: tuple[Any, ...] = ()
    ) -> tuple[Any, ...] | None:
        """The reply's body, or None: a notification that fails is worth a line in the log."""
        if self._router is None:
            return None
        from jeepney import DBusAddress, MessageType, new_method_call
        from jeepney.io.common import RouterClosed

        address = DBusAddress(PATH, bus_name=NAME, interface=NAME)
        message = new_method_call(address, method, signature, body)
        try:
            reply = await asyncio.wait_for(self._router.send_and_get_reply(message), TIMEOUT_S)
        except (OSError, EOFError, ValueError, TimeoutError, RouterClosed) as error:
            logger.info("%s failed: %s: %s", method, type(error).__name__, error)
            return None
        if reply.header.message_type is MessageType.error:
            logger.info("%s was refused: %s", method, reply.body[:1])
            return None
        return tuple(reply.body)

    async def _listen(self, queue: asyncio.Queue[Any]) -> None:
        from jeepney import HeaderFields

        while True:
            message = await queue.get()
            member = message.header.fields.get(HeaderFields.member)
            number, *rest = message.body or (0,)
            key = next((key for key, each in self._shown.items() if each == number), None)
            if key is None:
                continue  # another program's
            if member == "NotificationClosed":
                self._shown.pop(key, None)
            elif member == "ActionInvoked" and rest and isinstance(rest[0], str):
                self._on_action(key, rest[0])


def _line(text: str) -> str:
    return " ".join(text.split())[:120]


def _escaped(text: str) -> str:
    """Servers read markup in the body, and a caller chooses its own name."""
    plain = " ".join(text.split())[:240]
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

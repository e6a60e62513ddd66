"""The phone's icon in the tray: org.kde.StatusNotifierItem, over D-Bus by jeepney.

    async with StatusItem(on_deed, on_present) as item:
        await item.show(face)                # on_deed("answer"), on_deed("come_forward")...

Whoever draws trays asks for it: the item registers with `org.kde.StatusNotifierWatcher`, and again
when that comes back. `on_present(True)` says that somebody draws it: a watcher without a host
shows nothing. Without a bus, a watcher or jeepney there is none, and nothing else changes.
Trays that speak only XEmbed are not served.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any

from ui_tk.shapes import ICONS, argb
from ui_tk.system.menu import INTERFACE as MENU
from ui_tk.system.menu import PATH as MENU_PATH
from ui_tk.system.menu import Menu, Reply
from ui_tk.system.session_bus import TIMEOUT_S, BusPart
from ui_tk.tray import Face

logger = logging.getLogger("ui_tk.tray")

ITEM, PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
PROPERTIES = "org.freedesktop.DBus.Properties"
QUEUE = 64  # calls waiting; whoever floods loses its own
SIZES = (24, 48)  # of the icon files
PIXMAPS = "a(iiay)"


@lru_cache(maxsize=5)
def _pixmaps(state: str) -> list[tuple[int, int, bytes]]:
    return [argb((ICONS / f"tray-{state}-{size}.png").read_bytes()) for size in SIZES]


_numbers = count(1)  # an engine that starts anew has an item anew


class StatusItem(BusPart):
    """`on_deed(name)` and `on_present(shown)` run on the loop."""

    what = "Icons in a tray"

    def __init__(self, on_deed: Callable[[str], None], on_present: Callable[[bool], None]) -> None:
        super().__init__()
        self._on_deed, self._on_present = on_deed, on_present
        self._menu = Menu(on_deed)
        self._face = Face("unregistered", "Platypus")
        self._name = f"{ITEM}-{os.getpid()}-{next(_numbers)}"
        self.present = False

    async def show(self, face: Face) -> None:
        """From now on. What did not change is not told again."""
        old, self._face = self._face, face
        if self._menu.show(face.menu):
            await self._tell(MENU_PATH, MENU, "LayoutUpdated", "ui", (self._menu.revision, 0))
        if old.title != face.title:
            await self._tell(PATH, ITEM, "NewTitle")
        if (old.title, old.text) != (face.title, face.text):
            await self._tell(PATH, ITEM, "NewToolTip")
        if old.state != face.state:
            await self._tell(PATH, ITEM, "NewIcon")
            await self._tell(PATH, ITEM, "NewAttentionIcon")
            await self._tell(PATH, ITEM, "NewStatus", "s", (self._status,))

    async def _open(self) -> None:
        from jeepney import MatchRule

        bus = await self._connect()
        queue: asyncio.Queue[Any] = asyncio.Queue(QUEUE)
        owner = MatchRule(
            type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged",
            sender="org.freedesktop.DBus",
        )  # fmt: skip
        owner.add_arg_condition(0, WATCHER)
        hosts = MatchRule(type="signal", interface=WATCHER, path=WATCHER_PATH)
        for rule in (owner, hosts):
            await bus.AddMatch(rule)
            self._stack.enter_context(self._router.filter(rule, queue=queue))
        calls = MatchRule(type="method_call")
        self._stack.enter_context(self._router.filter(calls, queue=queue))
        await bus.RequestName(self._name)
        self._listener = asyncio.create_task(self._listen(queue))
        await self._register()

    async def _register(self) -> None:
        """With the watcher, if there is one; and whether it has somebody who draws."""
        asked = await self._ask(WATCHER, "RegisterStatusNotifierItem", "s", (self._name,))
        drawn = None
        if asked is not None:
            body = (WATCHER, "IsStatusNotifierHostRegistered")
            drawn = await self._ask(PROPERTIES, "Get", "ss", body)
        self._set_present(bool(drawn and drawn[0][1] is True))

    def _set_present(self, present: bool) -> None:
        if present != self.present:
            self.present = present
            self._on_present(present)

    async def _ask(
        self, interface: str, method: str, signature: str, body: tuple[Any, ...]
    ) -> tuple[Any, ...] | None:
        """The watcher's reply, or None."""
        from jeepney import DBusAddress, MessageFlag, MessageType, new_method_call
        from jeepney.io.common import RouterClosed

        address = DBusAddress(WATCHER_PATH, bus_name=WATCHER, interface=interface)
        message = new_method_call(address, method, signature, body)
        message.header.flags |= MessageFlag.no_auto_start
        try:
            reply = await asyncio.wait_for(self._router.send_and_get_reply(message), TIMEOUT_S)
        except (OSError, EOFError, ValueError, TimeoutError, RouterClosed) as error:
            logger.info("%s failed: %s", method, type(error).__name__)
            return None
        if reply.header.message_type is MessageType.error:
            logger.info("%s was refused: %s", method, reply.body[:1])
            return None
        return tuple(reply.body)

    async def _tell(
        self, path: str, interface: str, name: str, signature: str | None = None,
        body: tuple[Any, ...] = (),
    ) -> None:  # fmt: skip
        if self._router is None:
            return
        from jeepney import DBusAddress, new_signal

        emitter = DBusAddress(path, interface=interface)
        with contextlib.suppress(OSError):
            await self._router.send(new_signal(emitter, name, signature, body))

    async def _listen(self, queue: asyncio.Queue[Any]) -> None:
        from jeepney import HeaderFields, MessageType

        while True:
            message = await queue.get()
            fields = message.header.fields
            if message.header.message_type is MessageType.method_call:
                await self._answer(message)
            elif fields.get(HeaderFields.member) == "NameOwnerChanged" and not message.body[2]:
                self._set_present(False)
            elif fields.get(HeaderFields.member) in (
                "NameOwnerChanged",
                "StatusNotifierHostRegistered",
                "StatusNotifierHostUnregistered",
            ):
                await self._register()

    async def _answer(self, message: Any) -> None:
        from jeepney import HeaderFields, MessageFlag, new_error, new_method_return

        fields = message.header.fields
        where = fields.get(HeaderFields.path), fields.get(HeaderFields.interface)
        member = fields.get(HeaderFields.member) or ""
        try:
            found = self._carry_out(where, member, tuple(message.body))
        except (LookupError, TypeError, ValueError, OSError) as error:
            problem = "org.freedesktop.DBus.Error.InvalidArgs"
            reply = new_error(message, problem, "s", (str(error),))
        else:
            if found is None:
                problem = "org.freedesktop.DBus.Error.UnknownMethod"
                reply = new_error(message, problem, "s", (f"there is no {member} here",))
            else:
                reply = new_method_return(message, found[0] or None, found[1])
        if not message.header.flags & MessageFlag.no_reply_expected:
            with contextlib.suppress(OSError):
                await self._router.send(reply)

    def _carry_out(
        self, where: tuple[str | None, str | None], member: str, body: tuple[Any, ...]
    ) -> Reply | None:
        path, interface = where
        if path == MENU_PATH and interface in (MENU, None):
            return self._menu.call(member, body)
        if interface == PROPERTIES:
            return self._property(path, member, body)
        if path != PATH or interface not in (ITEM, None):
            return None
        match member:
            case "Activate" | "SecondaryActivate":
                self._on_deed("come_forward")
            case "ContextMenu" | "Scroll" | "ProvideXdgActivationToken":
                pass  # whoever draws the icon draws its menu too
            case _:
                return None
        return "", ()

    def _property(self, path: str | None, member: str, body: tuple[Any, ...]) -> Reply | None:
        known = {PATH: self._properties, MENU_PATH: self._menu.properties}.get(path or "")
        if known is None:
            return None
        if member == "GetAll":
            return "a{sv}", (known,)
        return ("v", (known[body[1]],)) if member == "Get" else None

    @property
    def _status(self) -> str:
        return "NeedsAttention" if self._face.state in ("ringing", "missed") else "Active"

    @property
    def _properties(self) -> dict[str, tuple[str, object]]:
        face = self._face
        icon, pixmaps = f"tray-{face.state}-{SIZES[-1]}", _pixmaps(face.state)
        return {
            "Category": ("s", "Communications"),
            "Id": ("s", "platypus"),
            "Title": ("s", face.title),
            "Status": ("s", self._status),
            "WindowId": ("i", 0),
            "IconThemePath": ("s", str(ICONS)),
            "IconName": ("s", icon),
            "IconPixmap": (PIXMAPS, pixmaps),
            "OverlayIconName": ("s", ""),
            "OverlayIconPixmap": (PIXMAPS, []),
            "AttentionIconName": ("s", icon),
            "AttentionIconPixmap": (PIXMAPS, pixmaps),
            "AttentionMovieName": ("s", ""),
            "ToolTip": ("(sa(iiay)ss)", ("", [], face.title, face.text)),
            "ItemIsMenu": ("b", False),
            "Menu": ("o", MENU_PATH),
        }

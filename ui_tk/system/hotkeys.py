"""Keys that work whatever window is in front, and the buttons of a headset that come as keys.

X11 only, by python-xlib (the extra `hotkeys`): XGrabKey on the root window, in every state of
Caps Lock and Num Lock. Under Wayland no program may take keys for itself: the desktop binds
them, for instance to `platypus ctl answer`. Headsets are heard where the system makes their
buttons keys (XF86Phone, XF86AudioMicMute); their HID telephony reports are not read.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from ui_tk.texts import tr

if TYPE_CHECKING:
    from Xlib.display import Display

logger = logging.getLogger("ui_tk.hotkeys")

TIMEOUT_S = 2.0
# X11's masks (X.h), by what people write.
MODIFIERS = {"shift": 1, "ctrl": 4, "control": 4, "strg": 4, "alt": 8, "super": 64, "win": 64}
LOCKS = (0, 2), (0, 16)  # Caps Lock, Num Lock: a key is another one under each
HEADSET = {0x1008FF6E: "answer_or_end", 0x1008FFB2: "mute"}  # XF86Phone, XF86AudioMicMute
_ALONE = re.compile(r"F\d{1,2}|Pause|Scroll_Lock|Print|XF86\w+")


class HotkeyError(ValueError):
    """A key that can't be one that works everywhere. Its text is a sentence for the user."""


def parse(text: str) -> tuple[int, str]:
    """`Ctrl+Alt+A` as X11's mask and the name of the key. Raises HotkeyError."""
    *modifiers, key = (part.strip() for part in text.split("+"))
    mask = 0
    for each in modifiers:
        if each.lower() not in MODIFIERS:
            raise HotkeyError(tr("There is no {key}: write it as in Ctrl+Alt+A.", key=each))
        mask |= MODIFIERS[each.lower()]
    if not re.fullmatch(r"\w+", key):
        raise HotkeyError(tr("Write it as in Ctrl+Alt+A."))
    if not mask & ~MODIFIERS["shift"] and not _ALONE.fullmatch(key):
        raise HotkeyError(tr("With Ctrl, Alt or Super: else it could not be typed any more."))
    return mask, key


class Hotkeys:
    """`pressed(deed)` runs on the loop, which also owns the connection to the display."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._display: Display | None = None
        self._wanted: dict[str, str] = {}
        self._headset = False
        self._deeds: dict[tuple[int, int], str] = {}  # by keycode and mask

    async def set(self, keys: Mapping[str, str], *, headset: bool) -> str:
        """Take these, by their deeds, and no others; why some can't be had, in a sentence."""
        self.close()
        self._wanted, self._headset = {deed: key for deed, key in keys.items() if key}, headset
        if not self._wanted and not headset:
            return ""
        problem = why_none() or await self._connect()
        if not problem:
            return self._grab()
        return problem if self._wanted else ""  # a headset without them is no trouble

    async def _connect(self) -> str:
        try:
            display = await asyncio.wait_for(asyncio.to_thread(_open), TIMEOUT_S)
        except ImportError:
            return tr("Keys that work everywhere need the python-xlib package.")
        except TimeoutError:
            return tr("The display does not answer.")
        if display is None:
            return tr("There is no display whose keys could be taken.")
        self._display = display
        asyncio.get_running_loop().add_reader(display.fileno(), self._read)
        return ""

    def close(self) -> None:
        """Give every key back. Idempotent."""
        display, self._display = self._display, None
        self._deeds.clear()
        if display is not None:
            asyncio.get_running_loop().remove_reader(display.fileno())
            display.close()

    def _grab(self) -> str:
        """Take the keys anew; those that somebody else has, or the keyboard has not."""
        from Xlib import XK

        assert self._display is not None  # noqa: S101 - for mypy
        problems = []
        self._deeds.clear()
        self._display.screen().root.ungrab_key(0, 0x8000)  # AnyKey, AnyModifier
        for deed, text in self._wanted.items():
            try:
                mask, name = parse(text)
            except HotkeyError as error:
                problems.append(str(error))
                continue
            keysym = XK.string_to_keysym(name.lower() if len(name) == 1 else name)
            if not self._display.keysym_to_keycode(keysym):
                problems.append(tr("There is no such key on this keyboard: {key}.", key=text))
            elif not self._take(keysym, mask, deed):
                problems.append(tr("Another program has {key}.", key=text))
        for keysym, deed in HEADSET.items() if self._headset else ():
            self._take(keysym, 0, deed)  # a desktop that has it does something sensible itself
        return " ".join(problems)

    def _take(self, keysym: int, mask: int, deed: str) -> bool:
        from Xlib import X, error

        display = self._display
        keycode = display.keysym_to_keycode(keysym) if display is not None and keysym else 0
        if display is None or not keycode:
            return False
        root, failed = display.screen().root, error.CatchError(error.BadAccess)
        for locks in product(*LOCKS):
            root.grab_key(keycode, mask | sum(locks), True, X.GrabModeAsync, X.GrabModeAsync,
                          onerror=failed)  # fmt: skip
        display.sync()
        if failed.get_error() is not None:
            return False
        self._deeds[keycode, mask] = deed
        return True

    def _read(self) -> None:
        from Xlib import X
        from Xlib.error import ConnectionClosedError

        try:
            while self._display is not None and self._display.pending_events():
                event: Any = self._display.next_event()
                if event.type == X.KeyPress:
                    locks = sum(max(each) for each in LOCKS)
                    deed = self._deeds.get((event.detail, event.state & 0xFF & ~locks))
                    if deed is not None:
                        self._pressed(deed)
                elif event.type == X.MappingNotify and event.request != X.MappingPointer:
                    self._display.refresh_keyboard_mapping(event)
                    self._grab()
        except (ConnectionClosedError, OSError) as problem:
            logger.info("the display has gone: %s", problem)
            self.close()


def why_none() -> str:
    """Why this system has none, in a sentence; "" where it may have."""
    if sys.platform in ("win32", "darwin"):
        return tr("Keys that work everywhere are there on Linux with X11 only.")
    if os.environ.get("WAYLAND_DISPLAY"):
        return tr(
            "Under Wayland the desktop binds such keys: have it run "
            "“platypus ctl answer”, “hangup” or “mute on=true”."
        )
    return ""


def _open() -> Display | None:
    from Xlib import display, error

    try:
        return display.Display()
    except (error.DisplayError, error.XauthError, error.ConnectionClosedError, OSError):
        return None

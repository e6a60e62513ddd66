"""A menu that another program draws: com.canonical.dbusmenu, version 3.

Pure: the calls of whoever draws it go in, the replies come out. The numbers of the lines are
their places in the list, and every change of the list is a new revision; there are no menus
within the menu. A number that is none is answered as the interface wants it, not believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ui_tk.tray import Entry

INTERFACE = "com.canonical.dbusmenu"
PATH = "/StatusNotifierItem/menu"
LAYOUT = "(ia{sv}av)"

Reply = tuple[str, tuple[Any, ...]]  # D-Bus signature and body


class Menu:
    """`chosen(deed)` is called for the line that somebody clicked."""

    def __init__(self, chosen: Callable[[str], None]) -> None:
        self._chosen = chosen
        self._entries: tuple[Entry, ...] = ()
        self.revision = 0

    def show(self, entries: Sequence[Entry]) -> bool:
        """Whether that changed anything: then those who draw it are to be told."""
        if tuple(entries) == self._entries:
            return False
        self._entries = tuple(entries)
        self.revision += 1
        return True

    @property
    def properties(self) -> dict[str, tuple[str, object]]:
        return {
            "Version": ("u", 3),
            "TextDirection": ("s", "ltr"),
            "Status": ("s", "normal"),
            "IconThemePath": ("as", []),
        }

    def call(self, member: str, body: Sequence[Any]) -> Reply | None:
        """None for what is no method of this interface. Raises LookupError for a wrong number."""
        match member, body:
            case "GetLayout", (parent, depth, _):
                children = self._children() if parent == 0 and depth != 0 else []
                at = {"children-display": ("s", "submenu")} if parent == 0 else self._of(parent)
                return f"u{LAYOUT}", (self.revision, (parent, at, children))
            case "GetGroupProperties", (numbers, _):
                wanted = numbers or range(1, len(self._entries) + 1)
                known = [each for each in wanted if 0 < each <= len(self._entries)]
                return "a(ia{sv})", ([(each, self._of(each)) for each in known],)
            case "GetProperty", (number, name):
                return "v", (self._of(number)[name],)
            case "Event", (number, event, _, _):
                self._event(number, event)
                return "", ()
            case "EventGroup", (events,):
                wrong = [each[0] for each in events if not 0 <= each[0] <= len(self._entries)]
                for number, event, _, _ in events:
                    self._event(number, event)
                return "ai", (wrong,)
            case "AboutToShow", _:
                return "b", (False,)
            case "AboutToShowGroup", _:
                return "aiai", ([], [])
        return None

    def _children(self) -> list[tuple[str, object]]:
        numbers = range(1, len(self._entries) + 1)
        return [(LAYOUT, (number, self._of(number), [])) for number in numbers]

    def _of(self, number: int) -> dict[str, tuple[str, object]]:
        if not 0 < number <= len(self._entries):
            raise LookupError(f"there is no line {number} in this menu")
        entry = self._entries[number - 1]
        if not entry.deed:
            return {"type": ("s", "separator")}
        found: dict[str, tuple[str, object]] = {
            "label": ("s", entry.text.replace("_", "__")),  # one underscore marks a key
            "enabled": ("b", entry.enabled),
        }
        if entry.checked is not None:
            found["toggle-type"] = ("s", "checkmark")
            found["toggle-state"] = ("i", int(entry.checked))
        return found

    def _event(self, number: int, event: str) -> None:
        entry = self._entries[number - 1] if 0 < number <= len(self._entries) else None
        if event == "clicked" and entry is not None and entry.deed and entry.enabled:
            self._chosen(entry.deed)

"""What comes from outside while the phone runs: telephone links, and second starts.

A later start hands its links to the phone that runs, which comes to the front. A link is put
into the number field for the user to look at, or dialled at once where they want it so.
"""

from __future__ import annotations

import sys
import tkinter as tk
from collections.abc import Callable, Sequence

from ui_tk.system.links import LinkError, target
from ui_tk.system.single_instance import Instance

LOOK_MS = 200  # where Tk can't watch a socket: Windows


class Door:
    """`called(numbers)` runs on the window's thread; `refused(text)` for a link that is none."""

    def __init__(
        self,
        root: tk.Tk,
        instance: Instance | None,
        called: Callable[[Sequence[str]], None],
        refused: Callable[[str], None],
    ) -> None:
        self._root, self._instance = root, instance
        self._called, self._refused = called, refused
        if instance is not None:
            self._watch(instance)

    def open(self, links: Sequence[str]) -> None:
        """Links from the command line, ours or another start's."""
        numbers = []
        for link in links:
            try:
                numbers.append(target(link))
            except LinkError as error:
                self._refused(str(error))
        self._called(numbers)

    def close(self) -> None:
        instance, self._instance = self._instance, None
        if instance is None:
            return
        if sys.platform != "win32":
            self._root.deletefilehandler(instance.socket)
        instance.close()

    def _watch(self, instance: Instance) -> None:
        if sys.platform == "win32":
            self._look()
        else:
            self._root.createfilehandler(instance.socket, tk.READABLE, lambda *_: self._receive())

    def _look(self) -> None:
        if self._instance is not None:
            self._receive()
            self._root.after(LOOK_MS, self._look)

    def _receive(self) -> None:
        if self._instance is not None:
            for links in self._instance.receive():
                self.open(links)

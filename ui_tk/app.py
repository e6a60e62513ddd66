"""Joins the window and the engine: starts both, carries messages, ends both."""

from __future__ import annotations

import logging
import signal
import sys
import tkinter as tk
from collections.abc import Sequence
from dataclasses import replace
from tkinter import simpledialog
from types import TracebackType

from ui_tk import words
from ui_tk.bridge import Bridge, PhoneSettings
from ui_tk.messages import AccountSettings, Command
from ui_tk.model import Model
from ui_tk.theme import Theme
from ui_tk.window import Window

logger = logging.getLogger("ui_tk.app")

BATCH = 100  # messages drawn at once, so that a storm of them leaves time for the keyboard
POLL_MS = 20  # where Tk can't watch a socket: Windows


class App:
    """One phone with its window. `run` returns when the user has closed it."""

    def __init__(self, root: tk.Tk, settings: PhoneSettings, *, scale: float | None = None) -> None:
        self._root = root
        self._bridge = Bridge(settings)
        self._model = Model()
        self._closed = False
        theme = Theme(root, scale=scale)
        root.report_callback_exception = self._on_fault
        self._window = Window(root, theme, self._model, self._send, self.close)
        root.deiconify()

    def run(self) -> None:
        self._watch()
        self._watch_signals()
        self._bridge.start()
        try:
            self._root.mainloop()
        finally:
            self._bridge.close()

    def close(self) -> None:
        """Hang up, unregister and end. The window is gone at once; the engine says goodbye."""
        if self._closed:
            return
        self._closed = True
        self._root.withdraw()
        self._root.update_idletasks()
        self._bridge.close()
        self._root.destroy()

    def _send(self, command: Command) -> None:
        self._bridge.send(command)

    def _watch(self) -> None:
        if sys.platform == "win32":
            self._poll()
        else:
            self._root.createfilehandler(
                self._bridge.socket, tk.READABLE, lambda *_: self._on_readable()
            )

    def _on_readable(self) -> None:
        try:
            self._receive()
        except Exception as error:  # what leaves a file handler would end Tk's main loop
            self._on_fault(type(error), error, error.__traceback__)

    def _on_fault(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """What Tk calls for whatever a callback raised."""
        logger.error("a fault in the window", exc_info=(kind, error, trace))
        if not self._closed and not isinstance(error, tk.TclError):
            self._window.say_fault(error)

    def _watch_signals(self) -> None:
        """SIGTERM and SIGINT hang up and unregister, like closing the window.

        Tk waits in C, where Python's handlers don't run: the byte that a signal writes
        to the bridge's socket wakes it.
        """
        signal.set_wakeup_fd(self._bridge.wake_fd, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._root.after_idle(self.close))

    def _poll(self) -> None:
        self._receive()
        if not self._closed:
            self._root.after(POLL_MS, self._poll)

    def _receive(self) -> None:
        messages = self._bridge.drain(BATCH)
        if messages and not self._closed:
            self._window.receive(messages)


def with_passwords(root: tk.Tk, accounts: Sequence[AccountSettings]) -> tuple[AccountSettings, ...]:
    """Ask for the passwords that aren't known. They are kept in memory only."""
    complete = []
    for account in accounts:
        password = account.password
        if password is None and account.register:
            prompt = f"Password for {words.short(account.address)}:"
            password = simpledialog.askstring("Platypus", prompt, show="•", parent=root)
        complete.append(replace(account, password=password))
    return tuple(complete)

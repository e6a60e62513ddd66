"""Trying an account while it is typed: on a thread of its own, the newest try only.

A pause of the typing begins one. Registering waits for a longer pause, or for the password
to be left: half a password tried often enough locks an account.
"""

from __future__ import annotations

import asyncio
import threading
import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platypus.diagnose import AccountTry, Step
    from ui_tk.settings.host import Host

PAUSE_MS, REGISTER_PAUSE_MS = 700, 2_500


class Trial:
    """`tell(step)` and `done(worked)` come on the window's thread."""

    def __init__(
        self,
        widget: tk.Misc,
        host: Host,
        tell: Callable[[Step], None],
        done: Callable[[bool], None] = lambda worked: None,
    ) -> None:
        self._widget, self._host, self._tell, self._done = widget, host, tell, done
        self._number = 0  # of the try whose steps are shown
        self._timer: str | None = None
        self._refused: tuple[str, str | None] | None = None  # never sent twice

    def typed(self, wanted: AccountTry) -> None:
        """Something changed: try as far as it goes after a pause, and register after a longer."""
        self._after(PAUSE_MS, lambda: self._run(replace(wanted, register=False)))
        self._number += 1
        number = self._number
        if wanted.password and wanted.register:
            self._widget.after(REGISTER_PAUSE_MS, lambda: self._if_still(number, wanted))

    def now(self, wanted: AccountTry) -> None:
        """All of it, at once."""
        self._after(None, None)
        if (wanted.address, wanted.password) == self._refused:
            return
        self._run(wanted)

    def _if_still(self, number: int, wanted: AccountTry) -> None:
        if number == self._number:
            self.now(wanted)

    def stop(self) -> None:
        self._number += 1
        self._after(None, None)

    def _after(self, delay: int | None, work: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._widget.after_cancel(self._timer)
            self._timer = None
        if delay is not None and work is not None:
            self._timer = self._widget.after(delay, work)

    def _run(self, wanted: AccountTry) -> None:
        self._timer = None
        self._number += 0 if not wanted.register else 1
        number = self._number

        def tell(step: Step) -> None:
            self._host.later(lambda: self._show(number, wanted, step))

        def work() -> None:
            from platypus.diagnose import try_account

            worked = asyncio.run(try_account(wanted, tell))
            self._host.later(lambda: self._end(number, worked))

        threading.Thread(target=work, name="platypus trial", daemon=True).start()

    def _show(self, number: int, wanted: AccountTry, step: Step) -> None:
        if (step.name, step.state) == ("register", "bad"):
            self._refused = (wanted.address, wanted.password)
        if number == self._number and self._widget.winfo_exists():
            self._tell(step)

    def _end(self, number: int, worked: bool) -> None:
        if number == self._number and self._widget.winfo_exists():
            self._done(worked)

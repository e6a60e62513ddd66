"""The window under measurement, on a screen of its own, with the built-in PBX behind it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks._agent import environment
from tests.ui_tk.exchange import PASSWORD, Exchange
from tests.ui_tk.screen import Screen

ROOT = Path(__file__).parent.parent
KEY_ONE = (140, 190)  # of the dialpad, at scale 1


class Phone:
    """One window and what it takes to work it."""

    def __init__(self, screen: Screen, uri: str, folder: str) -> None:
        self.screen = screen
        self.log, self.seen = Path(folder, "presses"), Path(folder, "seen")
        command = [sys.executable, "-m", "benchmarks._window_program", "--account", uri]
        command += ["--password-env", "SECRET", "--audio", "tone", "--listen", "127.0.0.1:0"]
        self.environment = environment() | {
            "DISPLAY": screen.display,
            "HOME": folder,
            "XDG_RUNTIME_DIR": folder,
            "SECRET": PASSWORD,
            "PRESSES": str(self.log),
            "SEEN": str(self.seen),
        }
        self.process = subprocess.Popen(
            [*command, "--appearance", "dark"], cwd=ROOT, env=self.environment
        )

    def registered(self) -> None:
        self.screen.wait_for_title(r"\(registered\)")

    def call(self, number: str) -> None:
        self.screen.key("ctrl+l")
        self.screen.type(number)
        self.screen.key("Return")

    def start_cpu_ms(self) -> float:
        """What the process had used when its window was drawn for the first time."""
        return float(self.seen.read_text()) * 1e3

    def presses_ms(self) -> list[float]:
        return [float(line) for line in self.log.read_text().split()]


@contextlib.contextmanager
def phone() -> Iterator[Phone]:
    """A window that was just started; it is on the screen some time later."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o700)
        screen, exchange = Screen(), Exchange()
        started = Phone(screen, exchange.pbx.uri("alice"), folder)
        try:
            yield started
        finally:
            started.process.kill()
            started.process.wait()
            exchange.close()
            screen.close()

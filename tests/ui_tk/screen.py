"""A screen without glass (Xvfb), a hand (xdotool) and an eye (ImageMagick's import)."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import numpy as np

from tests.harness.programs import Program, find_program

SIZE = (1600, 1300)
PATIENCE_S = 15.0
LOOK_S = 0.05  # how often the title is looked at: X tells nobody that it changed


class Screen:
    """One X server on a display that was free. Windows stand at its upper left corner."""

    def __init__(self) -> None:
        self._xdotool, self._import = find_program("xdotool"), find_program("import")
        width, height = SIZE
        command = [find_program("Xvfb"), "-displayfd", "1", "-dpi", "96", "-nolisten", "tcp"]
        command.append("-noreset")  # else the last window to go takes others' connections with it
        self._server = Program("Xvfb", [*command, "-screen", "0", f"{width}x{height}x24"])
        number = self._server.expect(r"^(\d+)$")[1]
        self.display = f":{number}"

    def close(self) -> None:
        self._server.stop()

    def titles(self) -> list[str]:
        found = self._run(self._xdotool, "search", "--onlyvisible", "--class", "Platypus")
        return [self._run(self._xdotool, "getwindowname", each).strip() for each in found.split()]

    def wait_for_title(self, pattern: str) -> str:
        """The title of the window, as soon as it matches."""
        end = time.monotonic() + PATIENCE_S
        while True:
            titles = self.titles()
            for title in titles:
                if re.search(pattern, title):
                    return title
            assert time.monotonic() < end, f"no window named like {pattern!r}, but {titles}"
            time.sleep(LOOK_S)

    def wait_for_none(self) -> None:
        """Until no window is to be seen."""
        end = time.monotonic() + PATIENCE_S
        while titles := self.titles():
            assert time.monotonic() < end, f"there still is {titles}"
            time.sleep(LOOK_S)

    def focus(self) -> None:
        """Without a window manager nobody gives the keyboard to a window."""
        found: list[str] = []
        end = time.monotonic() + PATIENCE_S
        while not found:
            assert time.monotonic() < end, "there is no window"
            time.sleep(LOOK_S)
            search = ("search", "--onlyvisible", "--class", "Platypus")
            found = self._run(self._xdotool, *search).split()
        self._run(self._xdotool, "windowfocus", "--sync", found[-1])

    def focus_on(self, title: str) -> None:
        """The keyboard for the window of that title, whosever it is, once it is there."""
        end = time.monotonic() + PATIENCE_S
        while not self.can_focus_on(title):
            assert time.monotonic() < end, f"there is no window {title!r}"
            time.sleep(LOOK_S)

    def can_focus_on(self, title: str) -> bool:
        search = ("search", "--onlyvisible", "--name", re.escape(title))
        found = self._run(self._xdotool, *search).split()
        if found:
            self._run(self._xdotool, "windowfocus", found[-1])
        return bool(found)

    def type(self, text: str) -> None:
        self._run(self._xdotool, "type", "--delay", "30", text)

    def key(self, *names: str) -> None:
        self._run(self._xdotool, "key", "--delay", "30", *names)

    def click(self, x: int, y: int) -> None:
        self._run(self._xdotool, "mousemove", str(x), str(y), "click", "1")

    def dismiss(self) -> None:
        """What a window manager does when somebody clicks the window's own close button."""
        from Xlib.display import Display
        from Xlib.protocol.event import ClientMessage

        search = ("search", "--onlyvisible", "--class", "Platypus")
        number = int(self._run(self._xdotool, *search).split()[-1])
        display = Display(self.display)
        protocols, delete = map(display.get_atom, ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
        window = display.create_resource_object("window", number)
        data = (32, [delete, 0, 0, 0, 0])
        window.send_event(ClientMessage(window=window, client_type=protocols, data=data))
        display.sync()
        display.close()

    def look(self, save: Path | None = None) -> np.ndarray:
        """Every pixel: rows, columns, red green and blue."""
        if save is not None:
            self._run(self._import, "-window", "root", str(save))
        raw = subprocess.run(
            [self._import, "-window", "root", "-depth", "8", "rgb:-"],
            env={"DISPLAY": self.display},
            capture_output=True,
            check=True,
        ).stdout
        return np.frombuffer(raw, np.uint8).reshape(SIZE[1], SIZE[0], 3)

    def wait_for_colour(self, x: int, y: int, colour: str) -> None:
        """Until the pixel there has this colour, `#rrggbb`."""
        end = time.monotonic() + PATIENCE_S
        while (seen := "#" + self.look()[y, x].tobytes().hex()) != colour:
            assert time.monotonic() < end, f"the pixel at {x}, {y} is {seen}, not {colour}"
            time.sleep(LOOK_S)

    def shows(self, colour: str) -> bool:
        """Whether any pixel has it: text in a colour of its own is there."""
        wanted = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8)
        return bool((self.look() == wanted).all(axis=2).any())

    def wait_for_any(self, colour: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not self.shows(colour):
            assert time.monotonic() < end, f"nothing on the screen is {colour}"
            time.sleep(LOOK_S)

    def _run(self, *command: str) -> str:
        # A search that finds nothing ends with 1: that is an answer too.
        done = subprocess.run(
            command, env={"DISPLAY": self.display}, capture_output=True, text=True, check=False
        )
        return done.stdout

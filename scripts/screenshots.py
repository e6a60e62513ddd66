"""The pictures of the README, taken from the running program.

`python scripts/screenshots.py` starts the built-in PBX and the window on a screen of its own,
makes calls, and writes `docs/images/`. Needs what the tests of the window need: Xvfb, xdotool
and ImageMagick.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from platypus.contacts import Book, Contact, Number  # noqa: E402 - the tree is not installed
from tests.ui_tk.exchange import PASSWORD, Exchange  # noqa: E402
from tests.ui_tk.screen import Screen  # noqa: E402

IMAGES = ROOT / "docs" / "images"
GRAPHS_S = 15  # until there is something to see in them
SIZE = "920x620+0+0"
CONTACTS = (
    Contact("Bob Miller", (Number("bob", "desk"),), watch=True),
    Contact("Echo", (Number("600"),), "Platypus"),
    Contact("Music on hold", (Number("603"),)),
    Contact("Test tone", (Number("602", "1004 Hz"),)),
)


def take(screen: Screen, exchange: Exchange, appearance: str) -> None:
    """One window, as light or dark: two calls up, then one that comes in."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o700)
        Book(Path(folder, ".local/share/platypus/contacts.json")).add(*CONTACTS)
        environment = os.environ | {"DISPLAY": screen.display, "HOME": folder, "LANG": "C"}
        environment |= {"XDG_RUNTIME_DIR": folder, "SECRET": PASSWORD}
        command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "speech"]
        command += ["--account", exchange.pbx.uri("alice"), "--password-env", "SECRET"]
        command += ["--appearance", appearance]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as window:
            try:
                screen.wait_for_title(r"\(registered\)")
                screen.focus()
                for number, name in (("602", "Test tone"), ("600", "Echo")):
                    screen.key("ctrl+l")
                    screen.type(number)
                    screen.key("Return")
                    screen.wait_for_title(f"In call with {name}")
                time.sleep(GRAPHS_S)
                save(screen, f"calls-{appearance}.png")
                screen.key("F3", "ctrl+l")
                screen.type("mil")
                time.sleep(1)
                save(screen, f"search-{appearance}.png")
            finally:
                window.terminate()


def save(screen: Screen, name: str) -> None:
    picture = IMAGES / name
    screen.look(picture)
    subprocess.run(
        ["convert", str(picture), "-crop", SIZE, "+repage", "-strip", str(picture)], check=True
    )
    print(picture.relative_to(ROOT))


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    screen, exchange = Screen(), Exchange()
    try:
        for appearance in ("dark", "light"):
            take(screen, exchange, appearance)
    finally:
        exchange.close()
        screen.close()


if __name__ == "__main__":
    main()

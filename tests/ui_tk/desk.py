"""Alice's desk: her window on a screen, Bob at the other end, and a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from platypus import Call
from platypus.cli.ctl import find_phone
from platypus.contacts import Book, Contact, Number
from platypus.local import connect
from tests.harness.programs import Program
from tests.ui_tk.exchange import PASSWORD, Exchange
from tests.ui_tk.screen import Screen

ROOT = Path(__file__).parent.parent.parent
LIMIT = 15.0
AGAIN_S = 0.1  # how often what nobody tells is tried again
REGISTERED = r"alice@.* \(registered\)"


class Desk:
    """`folder` is Alice's home. Whatever could not be set up is taken down again."""

    def __init__(self, screen: Screen, folder: Path, *options: str) -> None:
        self.screen, self.folder = screen, folder
        with ExitStack() as stack:
            self.exchange = Exchange()
            stack.callback(self.exchange.close)
            self.environment = os.environ | {"DISPLAY": screen.display, "HOME": str(folder)}
            self.environment |= {"XDG_RUNTIME_DIR": str(folder), "SECRET": PASSWORD, "LANG": "C"}
            self.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
            for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
                self.environment.pop(name, None)
            book = Book(folder / ".local/share/platypus/contacts.json")
            book.add(Contact("Bob Miller", (Number("bob"),), watch=True))
            command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "tone"]
            command += ["--config", str(self._config()), "--password-env", "SECRET"]
            command += options
            self.window = Program("window", command, folder=ROOT, environment=self.environment)
            stack.callback(self.window.stop)
            screen.wait_for_title(REGISTERED)
            screen.focus()
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def tidy(self) -> None:
        """As it was in the beginning: no call, no rule, no event."""
        with connect(find_phone(self.window.pid, self.folder / "platypus"))[0] as phone:
            phone.sendall(b'{"cmd":"set","dnd":false}\n{"cmd":"calls","id":1}\n')
            said = iter(phone.makefile())
            calls = next(line for line in map(json.loads, said) if line.get("reply") == 1)["calls"]
            for call in calls:
                phone.sendall(b'{"cmd":"hangup","call":"%s"}\n' % call["call"].encode())
        self.exchange.do(lambda: [call.hangup() for call in self.exchange.bob.calls])
        self.until(lambda: self.exchange.is_quiet)
        self.screen.wait_for_title(REGISTERED)
        self.exchange.do(self.exchange.events.clear)
        self.screen.focus()
        self.key("ctrl+l", "Escape")  # nothing typed, and what was said is gone

    def key(self, *names: str) -> None:
        self.screen.key(*names)

    def shell(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "platypus", "ctl", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=LIMIT,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def ctl(self, *words: str) -> dict[str, Any]:
        done = self.shell(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        reply: dict[str, Any] = json.loads(done.stdout)
        return reply

    def ctl_as_soon_as_it_may(self, *words: str) -> None:
        """A command that waits for something which only the phone is told."""
        self.again_until(lambda: self.shell(*words).returncode == 0, f"ctl {words}")

    def key_until(self, name: str, holds: Callable[[], object]) -> None:
        """A key that waits for something which only the window shows."""

        def pressed() -> object:
            self.key(name)
            return self.exchange.do(holds)

        self.again_until(pressed, f"what {name} does")

    def again_until(self, holds: Callable[[], object], what: str) -> None:
        end = time.monotonic() + LIMIT
        while not holds():
            assert time.monotonic() < end, f"it never came to pass: {what}"
            time.sleep(AGAIN_S)

    def call_bob(self) -> Call:
        """An answered call to Bob; Bob's end of it."""
        known = len(self.exchange.do(lambda: list(self.exchange.bob.calls)))
        self.ctl("call", "to=bob")
        call = self.exchange.until(
            lambda: self.exchange.bob.calls[known] if len(self.exchange.bob.calls) > known else None
        )
        self.exchange.do(call.answer)
        self.screen.wait_for_title("In call with Bob Miller")
        self.screen.focus()
        return call

    def rings(self) -> Call:
        """Bob calls; his end of it."""
        call = self.exchange.call_of_bob("alice")
        self.screen.wait_for_title("Bob Miller calls")
        return call

    def bob_rings(self) -> None:
        """Carol calls Bob."""
        self.exchange.do(lambda: self.exchange.carol.call("bob"))
        self.until(lambda: self.exchange.bob_is_rung)

    def asked_to_call_the_echo(self) -> None:
        call = self.call_bob()
        self.exchange.do(lambda: call.transfer(self.exchange.pbx.uri("600")))

    def until(self, holds: Callable[[], object]) -> None:
        self.exchange.until(holds)

    def echo(self, extension: str = "600") -> Call | None:
        return self.exchange.call_to(extension)

    def _config(self) -> Path:
        uri = self.exchange.pbx.uri("alice")
        config = self.folder / "config.toml"
        config.write_text(
            f'[accounts.work]\naddress = "{uri}"\nvoicemail = "600"\n'
            f'[accounts.spare]\naddress = "{uri.replace("alice", "spare")}"\nregister = false\n'
        )
        return config


class Desks:
    """One desk after the other: a tidy one serves again, another is made in place of the rest."""

    def __init__(self, screen: Screen, folder: Callable[[], Path]) -> None:
        self._screen, self._folder = screen, folder
        self._desk: Desk | None = None

    def ready(self) -> Desk:
        if self._desk is None:
            self._desk = Desk(self._screen, self._folder())
        else:
            self._desk.tidy()
        return self._desk

    def clear(self) -> None:
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.close()

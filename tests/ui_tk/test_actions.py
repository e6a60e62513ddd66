"""Everything that can be done, over the list of `ui_tk.actions`, from the keyboard.

Each goes to a real window by xdotool; what came of it is asked at the other end of the call, or
seen in a window's title. That each is a command of `platypus ctl` too is held against its
schema; what the commands do, the tests of `control` and `cli` see.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from platypus import Call, CallState, TransferProgressed
from platypus.contacts import Book, Contact, Number
from platypus.control.schema import SHAPES
from tests.harness.programs import Program, wait_until
from tests.ui_tk.exchange import PASSWORD, Exchange
from tests.ui_tk.screen import Screen
from tests.ui_tk.test_window import QUIET, loudness
from ui_tk.actions import ACTIONS, Action, shown
from ui_tk.deeds import Deeds

ROOT = Path(__file__).parent.parent.parent
LIMIT = 15.0
LOUD = 5000


def test_every_action_has_a_key_a_deed_and_a_command():
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(set(keys)) == len(keys)
    for action in ACTIONS:
        assert callable(getattr(Deeds, action.name)), action.name
        assert action.ctl.partition(" ")[0] in SHAPES, action.ctl


def test_keys_are_read_as_people_write_them():
    assert [shown(key) for key in ("Control-m", "F5", "Control-comma", "Return")] == [
        "Ctrl+M", "F5", "Ctrl+,", "Return",
    ]  # fmt: skip


@dataclass
class Desk:
    """Alice's window, Bob at the other end, and a shell."""

    screen: Screen
    exchange: Exchange
    environment: dict[str, str]
    window: Program
    folder: Path
    calls: list[Call] = field(default_factory=list)

    def key(self, *names: str) -> None:
        self.screen.key(*names)

    def ctl(self, *words: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "platypus", "ctl", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=LIMIT,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        reply: dict[str, Any] = json.loads(done.stdout)
        return reply

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

    def until(self, holds: Callable[[], object]) -> None:
        self.exchange.until(holds)

    def echo(self, extension: str = "600") -> Call | None:
        return self.exchange.call_to(extension)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


@pytest.fixture
def desk(screen: Screen, tmp_path: Path) -> Iterator[Desk]:
    exchange = Exchange()
    environment = os.environ | {"DISPLAY": screen.display, "HOME": str(tmp_path)}
    environment |= {"XDG_RUNTIME_DIR": str(tmp_path), "SECRET": PASSWORD, "LANG": "C"}
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        environment.pop(name, None)
    book = Book(tmp_path / ".local/share/platypus/contacts.json")
    book.add(Contact("Bob Miller", (Number("bob"),), watch=True))
    uri = exchange.pbx.uri("alice")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[accounts.work]\naddress = "{uri}"\nvoicemail = "600"\n'
        f'[accounts.spare]\naddress = "{uri.replace("alice", "spare")}"\nregister = false\n'
    )
    command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "tone"]
    command += ["--config", str(config), "--password-env", "SECRET"]
    window = Program("window", command, folder=ROOT, environment=environment)
    screen.wait_for_title(r"alice@.* \(registered\)")
    screen.focus()
    yield Desk(screen, exchange, environment, window, tmp_path)
    window.stop()
    exchange.close()


def ended(call: Call) -> bool:
    return call.state is CallState.ENDED


def by_enter(desk: Desk) -> None:
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)


def by_answer(desk: Desk) -> None:
    call = desk.rings()
    desk.key("ctrl+Return")
    desk.until(lambda: call.state is CallState.CONFIRMED)


def by_escape(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("Escape")
    desk.until(lambda: ended(call))


def by_divert(desk: Desk) -> None:
    desk.rings()
    desk.key("ctrl+f")
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)


def by_mute(desk: Desk) -> None:
    call = desk.call_bob()
    assert loudness(desk.exchange, call) > LOUD
    desk.key("ctrl+m")
    assert loudness(desk.exchange, call) < QUIET


def by_hold(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("ctrl+h")
    desk.until(lambda: call.hold_state == "remote")
    desk.key("ctrl+h")
    desk.until(lambda: call.hold_state == "none")


def by_transfer(desk: Desk) -> None:
    desk.call_bob()
    desk.key("ctrl+t")
    desk.screen.type("600")
    desk.key("Return")
    desk.until(desk.echo)
    desk.screen.wait_for_title("registered")


def by_conference(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("ctrl+l")
    desk.screen.type("602")
    desk.key("Return")
    desk.screen.wait_for_title("In call with 602")
    desk.until(lambda: call.hold_state == "remote")
    desk.key("ctrl+j")
    desk.until(lambda: call.hold_state == "none")


def by_split(desk: Desk) -> None:
    by_conference(desk)
    desk.key("ctrl+k")
    desk.key("ctrl+2")  # the other one to the front: those apart are held
    desk.until(lambda: desk.echo("602").hold_state == "remote")


def by_record(desk: Desk) -> None:
    call = desk.call_bob()
    desk.key("ctrl+s")
    wait_for_file(desk)
    desk.key("ctrl+s", "Escape")
    desk.until(lambda: ended(call))


def by_redial(desk: Desk) -> None:
    by_enter(desk)
    desk.screen.wait_for_title("In call with 600")
    first = desk.echo()
    desk.key("Escape")
    desk.until(lambda: ended(first))
    desk.screen.wait_for_title("registered")
    desk.key("ctrl+r")
    desk.until(lambda: desk.echo() not in (None, first))


def by_pick_up(desk: Desk) -> None:
    desk.ctl("subscribe", "to=bob", "package=dialog")
    desk.key("ctrl+p")  # nobody rings: it is said, and no call is made
    assert desk.ctl("calls")["calls"] == []


def by_dnd(desk: Desk) -> None:
    desk.key("ctrl+d")
    call = desk.exchange.call_of_bob("alice")
    assert desk.exchange.run(call.ended()).code == 486


def by_quit(desk: Desk) -> None:
    desk.key("ctrl+q")
    assert desk.window.wait(LIMIT) == 0


def by_history(desk: Desk) -> None:
    by_enter(desk)
    desk.screen.wait_for_title("In call with 600")
    desk.key("Escape")
    desk.screen.wait_for_title("registered")
    first = desk.echo()
    desk.key("F2", "Return")
    desk.until(lambda: desk.echo() not in (None, first))


def by_contacts(desk: Desk) -> None:
    desk.key("F3", "Return")
    desk.until(lambda: desk.exchange.bob.calls)


def by_team(desk: Desk) -> None:
    desk.key("F4", "Return")
    desk.until(lambda: desk.exchange.bob.calls)


def by_settings(desk: Desk) -> None:
    desk.key("ctrl+comma")
    desk.screen.wait_for_title("^Settings")


def by_keys(desk: Desk) -> None:
    desk.key("F1")
    desk.screen.wait_for_title("^All keys")


def by_number(desk: Desk) -> None:
    desk.call_bob()
    desk.key("ctrl+l")
    desk.screen.type("600")  # in the entry digits are a number, not tones
    desk.key("Return")
    desk.until(desk.echo)


def by_accept_transfer(desk: Desk) -> None:
    asked_to_call_the_echo(desk)
    desk.key("ctrl+y")
    desk.until(desk.echo)


def by_refuse_transfer(desk: Desk) -> None:
    asked_to_call_the_echo(desk)
    desk.key("ctrl+n")
    desk.until(lambda: any(e.status == 603 for e in transfers(desk)))


def by_voicemail(desk: Desk) -> None:
    desk.key("F5")
    desk.until(desk.echo)


def by_account(desk: Desk) -> None:
    desk.key("ctrl+a")
    desk.screen.wait_for_title(r"spare@.* \(not registered\)")


def asked_to_call_the_echo(desk: Desk) -> None:
    call = desk.call_bob()
    desk.exchange.do(lambda: call.transfer(desk.exchange.pbx.uri("600")))
    time.sleep(1.0)  # the window shows it, and tells nobody


def transfers(desk: Desk) -> list[TransferProgressed]:
    return [each for each in desk.exchange.events if isinstance(each, TransferProgressed)]


def wait_for_file(desk: Desk) -> None:
    wait_until(
        lambda: bool(list((desk.folder / "Platypus recordings").glob("*.wav"))), "a recording"
    )


KEYBOARD = {
    name.removeprefix("by_"): work for name, work in list(globals().items()) if name[:3] == "by_"
}


@pytest.mark.ui
@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.name)
def test_it_is_done_from_the_keyboard(desk: Desk, action: Action) -> None:
    KEYBOARD[action.name](desk)

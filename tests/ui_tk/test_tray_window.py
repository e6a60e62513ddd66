"""The real window from outside: by its icon in a real tray, and by keys that work everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platypus import CallState
from tests.harness.bus import Bus
from tests.harness.programs import Program, wait_until
from tests.harness.tray import Tray
from tests.ui_tk.exchange import PASSWORD, Exchange
from tests.ui_tk.screen import Screen

pytest.importorskip("jeepney", reason="the extra `desktop` is not installed")
pytestmark = pytest.mark.ui

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def tray(bus: Bus) -> Iterator[Tray]:
    tray = Tray(bus.address)
    yield tray
    tray.close()


@pytest.fixture
def start(screen: Screen, exchange: Exchange, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started = []

    def starter(*options: str, settings: str = "") -> Program:
        config = tmp_path / "config.toml"
        config.write_text(f'{settings}\n[accounts.work]\naddress = "{exchange.pbx.uri("alice")}"\n')
        environment = {"DISPLAY": screen.display, "HOME": str(tmp_path), "SECRET": PASSWORD}
        environment |= {"XDG_RUNTIME_DIR": str(tmp_path), "LANG": "C"}
        command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "null"]
        command += ["--config", str(config), "--password-env", "SECRET", *options]
        started.append(Program("window", command, folder=ROOT, environment=environment))
        return started[-1]

    yield starter
    for program in started:
        program.stop()


def icon(tray: Tray) -> str:
    return next((os.path.basename(each[0]) for each in tray.items()), "")


def wait_for_icon(tray: Tray, state: str) -> None:
    wait_until(lambda: icon(tray) == f"tray-{state}-48", f"an icon that says {state}")


def test_a_closed_window_leaves_the_phone_in_the_tray(screen, exchange, tray, start):
    tray.start()
    phone = start()
    wait_for_icon(tray, "registered")
    screen.wait_for_title("registered")
    screen.dismiss()
    screen.wait_for_none()
    call = exchange.call_of_bob("alice")
    wait_for_icon(tray, "ringing")
    screen.wait_for_title("bob calls")
    tray.choose("Answer bob")
    exchange.until(lambda: call.state is CallState.CONFIRMED)
    screen.wait_for_title("In call with bob")
    wait_for_icon(tray, "talking")
    tray.choose("Hang up")
    exchange.until(lambda: call.state is CallState.ENDED)
    wait_for_icon(tray, "registered")
    tray.choose("Quit")
    assert phone.wait(10) == 0
    assert exchange.do(lambda: exchange.pbx.contacts("alice")) == []


def test_a_phone_that_starts_out_of_the_way_is_opened_by_its_icon(screen, exchange, tray, start):
    tray.start()
    phone = start("--minimized")
    wait_for_icon(tray, "registered")
    screen.wait_for_none()
    tray.choose("Do not disturb")
    wait_until(lambda: tray.is_ticked("Do not disturb"), "a tick")
    assert exchange.run(exchange.call_of_bob("alice").ended()).code == 486
    tray.open()
    screen.wait_for_title("registered")
    screen.dismiss()
    screen.wait_for_none()
    tray.stop()  # an icon that is gone must not leave a window that nobody can open
    screen.wait_for_title("registered")
    screen.dismiss()
    assert phone.wait(10) == 0


def test_who_does_not_want_it_ends_the_phone_by_closing_the_window(screen, exchange, tray, start):
    tray.start()
    phone = start(settings="[window]\ntray = false\n")
    wait_for_icon(tray, "registered")
    screen.dismiss()
    assert phone.wait(10) == 0


def test_a_key_answers_and_ends_whatever_window_is_in_front(screen, exchange, tray, start):
    pytest.importorskip("Xlib")
    tray.start()
    start("--minimized", settings='[hotkeys]\nanswer = "Ctrl+Alt+A"\n')
    wait_for_icon(tray, "registered")
    screen.wait_for_none()
    call = exchange.call_of_bob("alice")
    screen.wait_for_title("bob calls")
    screen.key("ctrl+alt+a")
    exchange.until(lambda: call.state is CallState.CONFIRMED)
    screen.wait_for_title("In call with bob")
    screen.key("ctrl+alt+a")
    exchange.until(lambda: call.state is CallState.ENDED)

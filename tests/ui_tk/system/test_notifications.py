"""Notifications through dunst, a real server for them, on a bus and a screen of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.bus import Bus
from tests.harness.programs import Program, find_program
from tests.ui_tk.screen import Screen
from ui_tk.desktop import Desktop
from ui_tk.messages import Answer, CallChanged, CallOver, Command
from ui_tk.system.notifications import Notifier

pytest.importorskip("jeepney", reason="the extra `desktop` is not installed")


@pytest.fixture
def dunst(bus: Bus, tmp_path: Path) -> Iterator[Program]:
    find_program("dunstctl")
    screen = Screen()
    environment = {"DISPLAY": screen.display, "HOME": str(tmp_path)}
    environment["DBUS_SESSION_BUS_ADDRESS"] = bus.address
    # Its menu of actions is any program that prints the line that was chosen.
    menu, settings = tmp_path / "menu", tmp_path / "dunstrc"
    menu.write_text("#!/bin/sh\ngrep Answer\n")
    menu.chmod(0o700)
    settings.write_text(f"[global]\ndmenu = {menu}\n")
    command = [find_program("dunst"), "-config", str(settings)]
    program = Program("dunst", command, environment=environment)
    _wait_for_server()
    yield program
    program.stop()
    screen.close()


def _wait_for_server() -> None:
    subprocess.run(
        ["gdbus", "wait", "--session", "--timeout", "10", "org.freedesktop.Notifications"],
        check=True,
        env=os.environ,
    )


def control(*command: str) -> str:
    result = subprocess.run(["dunstctl", *command], capture_output=True, text=True, check=True)
    return result.stdout


def closed() -> list[str]:
    """The titles in dunst's history, newest first."""
    entries = json.loads(control("history"))["data"][0]
    return [each["summary"]["data"] for each in entries]


@pytest.mark.ui
def test_a_call_is_shown_answered_by_its_button_and_withdrawn(dunst: Program) -> None:
    async def scenario() -> list[tuple[str, str]]:
        got: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        async with Notifier(lambda *what: got.put_nowait(what)) as notifier:
            assert notifier.available, notifier.missing
            answer = {"answer": "Answer", "refuse": "Refuse"}
            await notifier.show("1", "Ana <b>calls</b>", "sip:1@pbx", actions=answer, urgent=True)
            assert control("count", "displayed").strip() == "1"
            await asyncio.to_thread(control, "context")
            pressed = await asyncio.wait_for(got.get(), 5)
            await asyncio.to_thread(control, "action", "0")
            clicked = await asyncio.wait_for(got.get(), 5)
            await notifier.withdraw("1")
            await notifier.show("2", "Bob calls", actions=answer, urgent=True)
            await notifier.withdraw("2")
            assert control("count", "displayed").strip() == "0"
            return [pressed, clicked]

    assert asyncio.run(scenario()) == [("1", "answer"), ("1", "default")]
    assert closed()[0] == "Bob calls"


@pytest.mark.ui
def test_a_call_is_answered_from_its_notification_and_a_missed_one_stays(dunst: Program) -> None:
    def ringing(call: str) -> CallChanged:
        return CallChanged(call, "incoming", "ringing", "sip:600@pbx", "Ana")

    async def scenario() -> list[Command]:
        commands: asyncio.Queue[Command] = asyncio.Queue()
        async with Desktop(commands.put_nowait, lambda _: None) as desktop:
            desktop.hear(ringing("1"))
            await until(lambda: shown() == 1)
            await asyncio.to_thread(control, "context")
            answer = await asyncio.wait_for(commands.get(), 5)
            desktop.hear(replace(ringing("1"), state="confirmed"))
            await until(lambda: shown() == 0)
            desktop.hear(CallOver("1", 200, "OK", "remote"))
            desktop.hear(ringing("2"))
            desktop.hear(CallOver("2", 487, "Cancelled", "remote"))
            await until(lambda: shown() == 1)
            await asyncio.to_thread(control, "action", "0")
            return [answer]

    assert asyncio.run(scenario()) == [Answer("1")]
    assert closed()[0] == "Missed call from Ana."


def shown() -> int:
    return int(control("count", "displayed"))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - dunst tells nobody
            await asyncio.sleep(0.02)


@pytest.mark.ui
def test_leaving_withdraws_what_is_shown(dunst: Program) -> None:
    async def scenario() -> None:
        async with Notifier(lambda *_: None) as notifier:
            await notifier.show("1", "Missed call", "from Ana & Bob")
            assert control("count", "displayed").strip() == "1"
        assert control("count", "displayed").strip() == "0"

    asyncio.run(scenario())


def test_without_a_server_it_says_so_and_does_nothing(bus: Bus) -> None:
    async def scenario() -> None:
        async with Notifier(lambda *_: None) as notifier:
            assert not notifier.available
            assert "no desktop notifications" in notifier.missing
            await notifier.show("1", "x")
            await notifier.withdraw("1")

    asyncio.run(scenario())


def test_without_a_bus_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> str:
        async with Notifier(lambda *_: None) as notifier:
            return notifier.missing

    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    assert "no desktop notifications" in asyncio.run(scenario())
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nonexistent")
    assert asyncio.run(scenario())

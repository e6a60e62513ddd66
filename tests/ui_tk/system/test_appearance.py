"""Dark or light as the desktop says while it runs. A portal needs a desktop behind it: here its
one interface is answered on a bus of the test's own, to a client and to the real window."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.bus import Bus, Service
from tests.harness.programs import Program
from ui_tk.palette import DARK, LIGHT
from ui_tk.system.appearance import INTERFACE, KEY, NAME, NAMESPACE, PATH, Appearance, prefers_dark

pytest.importorskip("jeepney", reason="the extra `desktop` is not installed")

ROOT = Path(__file__).parent.parent.parent.parent
GROUND = (300, 600)  # of the dial side, where nothing stands


@pytest.fixture
def portal(bus: Bus) -> Iterator[Service]:
    """Says that windows shall be light."""

    def answer(member: str, body: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        assert (member, body) == ("Read", (NAMESPACE, KEY))
        return "v", (("v", ("u", 2)),)

    service = Service(NAME, answer, bus="SESSION")
    yield service
    service.close()


def says(portal: Service, scheme: int) -> None:
    body = (NAMESPACE, KEY, ("u", scheme))
    portal.tell(PATH, INTERFACE, "SettingChanged", "ssv", body)


def test_it_is_told_at_first_and_at_every_change(portal: Service) -> None:
    async def scenario() -> None:
        told: asyncio.Queue[bool | None] = asyncio.Queue()
        async with Appearance(told.put_nowait):
            for scheme, dark in ((2, False), (1, True), (0, None)):
                if scheme != 2:
                    await asyncio.to_thread(says, portal, scheme)
                assert await asyncio.wait_for(told.get(), 5) is dark

    asyncio.run(scenario())


def test_without_a_portal_nothing_is_told(bus: Bus) -> None:
    async def scenario() -> list[bool | None]:
        told: list[bool | None] = []
        async with Appearance(told.append):
            return told

    assert asyncio.run(scenario()) == []


@pytest.mark.parametrize("value", [7, "dark", None, ("v",), (), ("v", ("s", "1"))])
def test_what_makes_no_sense_is_no_word_on_it(value: object) -> None:
    assert prefers_dark(value) is None


@pytest.mark.ui
def test_the_window_follows(portal: Service, screen, tmp_path: Path) -> None:
    environment = os.environ | {"DISPLAY": screen.display, "HOME": str(tmp_path), "LANG": "C"}
    environment["XDG_RUNTIME_DIR"] = str(tmp_path)
    command = [sys.executable, "-m", "ui_tk", "--listen", "127.0.0.1:0", "--audio", "null"]
    with Program("window", command, folder=ROOT, environment=environment):
        screen.wait_for_colour(*GROUND, LIGHT.window)
        says(portal, 1)
        screen.wait_for_colour(*GROUND, DARK.window)

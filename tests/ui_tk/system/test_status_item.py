"""The icon in the tray, at a real watcher (Ayatana's) on a bus of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.harness.bus import Bus
from tests.harness.tray import Tray
from ui_tk.shapes import ICONS, argb
from ui_tk.system.status_item import SIZES, StatusItem
from ui_tk.tray import Entry, Face

pytest.importorskip("jeepney", reason="the extra `desktop` is not installed")

MENU = (Entry("answer", "Answer"), Entry(), Entry("quit", "Quit"))
RINGING = Face("ringing", "Bob calls", "alice@example.com (registered)", MENU)


@pytest.fixture
def tray(bus: Bus) -> Iterator[Tray]:
    tray = Tray(bus.address)
    yield tray
    tray.close()


class Hand:
    """An item, what was asked of it, and whether it is drawn."""

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self.item = StatusItem(self.deeds.append, lambda _: None)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - D-Bus tells the item
                await asyncio.sleep(0.02)


@asynccontextmanager
async def shown() -> AsyncIterator[Hand]:
    hand = Hand()
    async with hand.item:
        yield hand


@pytest.mark.ui
def test_a_tray_draws_it_and_its_menu_does_what_it_says(tray: Tray) -> None:
    async def scenario() -> None:
        tray.start()
        async with shown() as hand:
            await hand.until(lambda: hand.item.present)
            await hand.item.show(RINGING)
            await hand.until(lambda: [each[0] for each in tray.items()] == ["tray-ringing-48"])
            assert tray_folder(await asyncio.to_thread(tray.items)) == str(ICONS)
            assert set(await asyncio.to_thread(tray.lines)) == {"Answer", "Quit"}
            await asyncio.to_thread(tray.choose, "Answer")
            await asyncio.to_thread(tray.open)
            await hand.until(lambda: hand.deeds == ["answer", "come_forward"])
        await hand.until(lambda: tray.items() == [])

    asyncio.run(scenario())


def tray_folder(items: list[tuple[object, ...]]) -> object:
    return items[0][4]


@pytest.mark.ui
def test_a_tray_that_comes_later_or_again_has_it_too(tray: Tray) -> None:
    async def scenario() -> None:
        async with shown() as hand:
            assert not hand.item.present
            for _ in range(2):
                tray.start()
                await hand.until(lambda: hand.item.present)
                await asyncio.to_thread(tray.stop)
                await hand.until(lambda: not hand.item.present)

    asyncio.run(scenario())


@pytest.mark.ui
def test_what_makes_no_sense_is_refused_and_it_goes_on(tray: Tray) -> None:
    async def scenario() -> None:
        tray.start()
        async with shown() as hand:
            await hand.until(lambda: hand.item.present)
            await hand.until(tray.items)
            owner, menu = (await asyncio.to_thread(tray.items))[0][2:4]
            item = "/StatusNotifierItem"
            for path, interface, method, signature, body in (
                (item, "org.kde.StatusNotifierItem", "Explode", None, ()),
                (item, "org.freedesktop.DBus.Properties", "Get", "ss", ("x", "NoSuch")),
                (item, "org.freedesktop.DBus.Properties", "Get", "s", ("x",)),
                ("/", "org.freedesktop.DBus.Properties", "GetAll", "s", ("x",)),
                (menu, "com.canonical.dbusmenu", "GetProperty", "is", (99, "label")),
                (menu, "com.canonical.dbusmenu", "GetLayout", "s", ("x",)),
            ):
                args = (owner, path, interface, method, signature, body)
                assert await asyncio.to_thread(tray.ask, *args) is None, method
            everything = (owner, item, "org.freedesktop.DBus.Properties", "GetAll", "s", ("",))
            reply = await asyncio.to_thread(tray.ask, *everything)
            assert reply is not None and reply[0]["Id"] == ("s", "platypus")
            assert [each[:2] for each in reply[0]["IconPixmap"][1]] == [(24, 24), (48, 48)]

    asyncio.run(scenario())


def test_without_a_bus_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> bool:
        async with shown() as hand:
            await hand.item.show(RINGING)
            return hand.item.present

    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    assert not asyncio.run(scenario())


@pytest.mark.parametrize("state", ["registered", "unregistered", "ringing", "talking", "missed"])
def test_its_pixels_are_what_a_tray_expects(state: str) -> None:
    for size in SIZES:
        width, height, pixels = argb((ICONS / f"tray-{state}-{size}.png").read_bytes())
        assert (width, height, len(pixels)) == (size, size, 4 * size * size)
        assert pixels[0] == 0  # the corner: nothing, alpha comes first
        middle = 4 * (size * (size // 2) + 1)
        assert pixels[middle] > 100  # the rim of the disc

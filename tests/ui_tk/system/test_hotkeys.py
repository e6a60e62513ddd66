"""Keys that work everywhere, on a real X server, pressed while nobody has the focus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ui_tk.system.hotkeys import HotkeyError, Hotkeys, parse

PATIENCE_S = 10.0
KEYS = {"answer_or_end": "Ctrl+Alt+A", "mute": "Super+F9"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Ctrl+Alt+A", (12, "A")),
        ("super + shift + F9", (65, "F9")),
        ("F12", (0, "F12")),
        ("XF86AudioMicMute", (0, "XF86AudioMicMute")),
    ],
)
def test_a_key_is_read_as_people_write_it(text, meant):
    assert parse(text) == meant


@pytest.mark.parametrize("text", ["a", "Shift+A", "Return", "Ctrl+", "", "Hyper+A", "Ctrl+A B"])
def test_a_key_that_would_be_lost_for_typing_or_is_none_is_refused(text):
    with pytest.raises(HotkeyError):
        parse(text)


@asynccontextmanager
async def taken() -> AsyncIterator[tuple[Hotkeys, Callable[[], Awaitable[str]]]]:
    pressed: asyncio.Queue[str] = asyncio.Queue()
    hotkeys = Hotkeys(pressed.put_nowait)
    try:
        yield hotkeys, lambda: asyncio.wait_for(pressed.get(), PATIENCE_S)
    finally:
        hotkeys.close()


@pytest.fixture
def display(screen, monkeypatch):
    pytest.importorskip("Xlib")
    monkeypatch.setenv("DISPLAY", screen.display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return screen


@pytest.mark.ui
def test_they_are_heard_whatever_window_is_in_front(display):
    async def scenario() -> None:
        async with taken() as (hotkeys, pressed):
            assert await hotkeys.set(KEYS, headset=True) == ""
            for key, deed in (
                ("ctrl+alt+a", "answer_or_end"),
                ("super+F9", "mute"),
                ("XF86Phone", "answer_or_end"),
                ("XF86AudioMicMute", "mute"),
            ):
                await asyncio.to_thread(display.key, key)
                assert await pressed() == deed, key
            await asyncio.to_thread(display.key, "Caps_Lock", "ctrl+alt+a", "Caps_Lock")
            assert await pressed() == "answer_or_end"

    asyncio.run(scenario())


@pytest.mark.ui
def test_others_are_not_heard_and_those_given_back_are_free(display):
    async def scenario() -> None:
        async with taken() as (hotkeys, pressed), taken() as (others, others_pressed):
            assert await hotkeys.set(KEYS, headset=False) == ""
            problem = await others.set({"mute": "Ctrl+Alt+A"}, headset=False)
            assert problem == "Another program has Ctrl+Alt+A."
            await hotkeys.set({"mute": "Super+F9"}, headset=False)
            assert await others.set({"mute": "Ctrl+Alt+A"}, headset=False) == ""
            for key in ("a", "ctrl+a", "XF86Phone", "ctrl+alt+a", "super+F9"):
                await asyncio.to_thread(display.key, key)
            assert (await others_pressed(), await pressed()) == ("mute", "mute")

    asyncio.run(scenario())


@pytest.mark.ui
def test_a_key_that_the_keyboard_has_not_is_named(display):
    async def scenario() -> str:
        async with taken() as (hotkeys, _):
            return await hotkeys.set({"mute": "Ctrl+NoSuchKey"}, headset=True)

    assert asyncio.run(scenario()) == "There is no such key on this keyboard: Ctrl+NoSuchKey."


def test_where_there_are_none_it_says_why(monkeypatch):
    async def scenario() -> list[str]:
        hotkeys = Hotkeys(lambda _: None)
        return [await hotkeys.set(KEYS, headset=True), await hotkeys.set({}, headset=True)]

    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    said, nothing = asyncio.run(scenario())
    assert "platypus ctl answer" in said and nothing == ""
    monkeypatch.delenv("WAYLAND_DISPLAY")
    monkeypatch.setenv("DISPLAY", ":987")
    assert asyncio.run(scenario())[0]

"""What tells that sound devices come and go."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from platypus.audio import pulse
from platypus.sound import watch
from platypus.sound.watch import Watch, concerns_sound
from tests.harness.phones import run

ADDED = b"add@/devices/pci0000:00/usb1/sound/card2\0ACTION=add\0SUBSYSTEM=sound\0SEQNUM=7\0"
NET = b"add@/devices/virtual/net/lo\0ACTION=add\0SUBSYSTEM=net\0SEQNUM=8\0"


def test_a_uevent_about_a_sound_card_concerns_sound() -> None:
    assert concerns_sound(ADDED)


@pytest.mark.parametrize("message", [NET, b"", b"\0", b"SUBSYSTEM=soundwire"])
def test_others_do_not(message: bytes) -> None:
    assert not concerns_sound(message)


class Changes:
    """Counts, and can be waited for."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._more.set()

    async def reach(self, count: int) -> None:
        while self.count < count:
            self._more.clear()
            await self._more.wait()


def program(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """In place of `pactl subscribe`."""
    monkeypatch.setattr(pulse, "available", lambda: True)
    monkeypatch.setattr(pulse, "SUBSCRIBE", (sys.executable, "-u", "-c", code))


def test_only_lines_about_devices_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SETTLED_S", 1000)
    lines = [*["Event 'new' on sink-input #4"] * 50, "Event 'new' on sink #4"]
    program(monkeypatch, f"import time\nfor each in {lines}: print(each)\ntime.sleep(60)")

    async def work() -> None:
        changes = Changes()
        watching = Watch(changes)
        assert watching.wakes
        await changes.reach(1)
        await asyncio.sleep(0.05)
        assert changes.count == 1
        watching.close()
        watching.close()

    run(work())


def test_a_server_that_goes_is_told_and_listened_for_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watch, "SETTLED_S", 0.01)
    monkeypatch.setattr(watch, "AGAIN_S", 0.01)
    starts = tmp_path / "starts"
    program(monkeypatch, f"import time\nopen({str(starts)!r}, 'a').write('x')\ntime.sleep(0.3)")

    async def work() -> None:
        changes = Changes()
        watching = Watch(changes)
        await changes.reach(3)  # it stands, it is gone, it stands again
        watching.close()
        assert starts.exists()

    run(work())


def test_a_server_that_is_not_there_is_tried_less_and_less_and_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watch, "SETTLED_S", 1000)
    monkeypatch.setattr(watch, "AGAIN_S", 0.01)
    starts = tmp_path / "starts"
    program(monkeypatch, f"open({str(starts)!r}, 'a').write('x')")

    async def work() -> None:
        changes = Changes()
        watching = Watch(changes)
        async with asyncio.timeout(10):
            while not starts.exists() or len(starts.read_text()) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert changes.count == 0
        assert watching._again > 0.01
        watching.close()

    run(work())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uevents are Linux's")
def test_without_a_server_the_kernel_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "available", lambda: False)

    async def work() -> None:
        changes = Changes()
        watching = Watch(changes)
        if not watching.wakes:
            pytest.skip("this system does not let us listen to the kernel")
        ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ours, kernel:
            for message in (NET, ADDED, NET):
                kernel.send(message)
                watching._read_kernel(ours)
        assert changes.count == 1
        watching.close()

    run(work())

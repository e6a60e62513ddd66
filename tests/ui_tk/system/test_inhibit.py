"""The lock against suspend. logind itself needs a booted machine: here its one method is
answered on a bus of the test's own, with a real descriptor."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.bus import Bus, Service
from ui_tk.system.inhibit import SuspendLock

pytest.importorskip("jeepney", reason="the extra `desktop` is not installed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind")


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    bus = Bus(tmp_path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    yield bus
    bus.close()


def test_the_lock_lasts_until_it_is_released(bus: Bus) -> None:
    ours, theirs = os.pipe()
    asked: list[tuple[Any, ...]] = []

    def answer(member: str, body: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        asked.append((member, *body))
        return "h", (theirs,)

    logind = Service("org.freedesktop.login1", answer)
    lock = SuspendLock()
    assert lock.hold("in a call with Ana")
    assert lock.hold()  # once is enough
    os.close(theirs)  # the phone's copy keeps the pipe open
    assert select.select([ours], [], [], 0)[0] == []
    lock.release()
    lock.release()
    assert select.select([ours], [], [], 1)[0] == [ours]  # logind sees the end
    assert asked == [("Inhibit", "sleep:idle", "Platypus", "in a call with Ana", "block")]
    assert not lock.held
    logind.close()
    os.close(ours)


def test_without_logind_the_call_goes_on(bus: Bus) -> None:
    lock = SuspendLock()
    assert not lock.hold()
    lock.release()


def test_without_a_bus_the_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    assert not SuspendLock().hold()

"""Sound devices that are not there: lists that a test fills, streams that it lets die."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from platypus._media.endpoint import RingSink, RingSource
from platypus._media.overlay import Overlay
from platypus._media.ring import Ring
from platypus.audio import lists, portaudio
from platypus.audio.device import DeviceLists, SoundDevice
from platypus.errors import DeviceError
from platypus.events import DeviceChanged, Event
from platypus.sound import asking
from platypus.sound import desk as desks
from platypus.sound import line as lines


class FakeStream:
    """`platypus.audio.device.Stream` without sound."""

    rate = 48_000

    def __init__(self, device: SoundDevice, *, capture: bool) -> None:
        self.device = device
        ring = Ring(self.rate)
        self.source = RingSource(ring, self.rate, card_period=480) if capture else None
        self.sink = None if capture else RingSink(ring, self.rate, card_period=480)
        self.overlay = Overlay(self.rate)
        self.active = self.called = True
        self.silent_ms = 5.0
        self.closed = 0

    def read(self, samples: int) -> bytes:
        """A voice at a quarter of full scale, as much of it as is asked for."""
        said = bytearray(struct.pack("<h", 8192) * (samples // 10))
        self.overlay.apply(said)
        return bytes(said)

    def statistics(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        self.closed += 1


class FakeWatch:
    """Hears nothing by itself."""

    wakes = True
    closed = 0

    def __init__(self, changed: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        FakeWatch.closed += 1


class Devices:
    """What there is, what was opened, and what was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lists = DeviceLists(
            (SoundDevice("mic", "Microphone"), SoundDevice("headset-mic", "Headset")),
            (SoundDevice("speaker", "Speaker"), SoundDevice("headset", "Headset")),
            "mic",
            "speaker",
        )
        self.opened: list[FakeStream] = []
        self.problems: dict[str, str] = {}  # of devices that can't be opened
        self.suspended: set[str] = set()
        self.hanging: set[str] = set()  # devices that are opened without end, or "list"
        self.goes_on = threading.Event()  # what hangs
        self.events: list[DeviceChanged] = []
        self._news = asyncio.Event()
        monkeypatch.setattr(lists, "list_devices", self._list)
        monkeypatch.setattr(portaudio, "open_stream", self._open)
        monkeypatch.setattr(desks, "Watch", FakeWatch)
        monkeypatch.setattr(desks, "TICK_S", 0.002)
        monkeypatch.setattr(desks, "LOOK_S", 0.01)
        monkeypatch.setattr(desks, "LOOK_MOST_S", 0.01)
        monkeypatch.setattr(desks, "POLL_S", 0.01)
        monkeypatch.setattr(asking, "WITHIN_S", 0.02)
        monkeypatch.setattr(lines, "STEADY_S", 0.002)
        monkeypatch.setattr(lines, "SHUN_S", 0.05)
        monkeypatch.setattr(lines, "BUSY_S", 0.02)

    def _list(self, timeout: float = 1.0, *, quick: bool = False) -> DeviceLists:
        self._hang("list")
        if not self.lists.inputs and not self.lists.outputs and "list" in self.problems:
            raise DeviceError(self.problems["list"])
        return self.lists

    def _open(self, device: SoundDevice, *, capture: bool) -> FakeStream:
        if device.name in self.problems:
            raise DeviceError(self.problems[device.name])
        self._hang(device.name)
        stream = FakeStream(device, capture=capture)
        if device.name in self.suspended:
            stream.silent_ms = 10_000.0
        self.opened.append(stream)
        return stream

    def _hang(self, what: str) -> None:
        if what in self.hanging:
            self.goes_on.wait(10)

    def go_on(self) -> None:
        self.hanging.clear()
        self.goes_on.set()

    def remove(self, name: str) -> None:
        self.lists = replace(
            self.lists,
            inputs=tuple(each for each in self.lists.inputs if each.name != name),
            outputs=tuple(each for each in self.lists.outputs if each.name != name),
        )

    def make(self, name: str, **more: bool) -> None:
        """A device is of this kind."""

        def made(devices: tuple[SoundDevice, ...]) -> tuple[SoundDevice, ...]:
            return tuple(replace(each, **more) if each.name == name else each for each in devices)

        self.lists = replace(
            self.lists, inputs=made(self.lists.inputs), outputs=made(self.lists.outputs)
        )

    def prefer_output(self, name: str) -> None:
        self.lists = replace(self.lists, default_output=name)

    def using(self, name: str) -> FakeStream:
        """The newest stream on a device."""
        return [each for each in self.opened if each.device.name == name][-1]

    def publish(self, event: Event) -> None:
        if isinstance(event, DeviceChanged):
            self.events.append(event)
            self._news.set()

    async def closed_again(self, first: FakeStream) -> None:
        """Until the device of `first` was opened once more, and closed."""
        name = first.device.name
        async with asyncio.timeout(10):
            while self.using(name) is first or not self.using(name).closed:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def told(self, count: int) -> DeviceChanged:
        """The event number `count`, once it has come."""
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self._news.clear()
                await self._news.wait()
        return self.events[count - 1]

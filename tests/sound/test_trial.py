"""Trying devices without a call; the fakes stand still, so somebody has to hear what they play."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from platypus.audio.device import DeviceLists
from platypus.errors import DeviceError, StateError
from platypus.options import MediaOptions
from platypus.sound import Sound, trial
from tests.harness.phones import run
from tests.sound.fakes import Devices
from tests.test_sound import Seat


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    monkeypatch.setattr(trial, "STEP_S", 0.01)
    return Devices(monkeypatch)


def sound_on(devices: Devices, **options: str) -> Sound:
    return Sound(MediaOptions(audio="system", **options), devices.publish)


async def heard_on(devices: Devices, name: str) -> np.ndarray:
    """What is played on a device, as its card's thread would take it; until nothing is."""
    played: list[np.ndarray] = []
    while not any(each.device.name == name for each in devices.opened):  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    stream = devices.using(name)
    while not (played and not stream.overlay.playing):
        await asyncio.sleep(0.001)
        if stream.overlay.playing:
            block = bytearray(2 * 4800)
            stream.overlay.apply(block)
            played.append(np.frombuffer(block, dtype=np.int16).astype(float))
    return np.concatenate(played)


def test_three_notes_are_played_where_one_listens(devices: Devices) -> None:
    async def work() -> None:
        sound = sound_on(devices)
        label, heard = await asyncio.gather(sound.test_output(), heard_on(devices, "speaker"))
        assert label == "Speaker"
        third = int(0.4 * 48_000)
        pitches = [
            round(np.argmax(np.abs(np.fft.rfft(heard[n * third :][:14_400]))) * 48_000 / 14_400)
            for n in range(3)
        ]
        assert pitches == pytest.approx([523, 659, 784], abs=5)
        await sound.desk.closed()
        assert devices.using("speaker").closed
        assert not any(each.device.name == "mic" for each in devices.opened)

    run(work())


def test_the_bell_is_tried_where_it_rings(devices: Devices) -> None:
    async def work() -> None:
        sound = sound_on(devices, ring="headset")
        label, _ = await asyncio.gather(sound.test_output(ring=True), heard_on(devices, "headset"))
        assert label == "Headset"

    run(work())


def test_the_microphone_shows_its_level_and_is_played_back(devices: Devices) -> None:
    async def work() -> None:
        sound = sound_on(devices)
        levels: list[float] = []
        peak, heard = await asyncio.gather(
            sound.test_input(0.1, level=levels.append), heard_on(devices, "speaker")
        )
        assert peak == 0.25
        assert levels and max(levels) == 0.25
        assert np.abs(heard).max() == 8192

    run(work())


def test_with_no_device_it_says_why(devices: Devices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "OPEN_WITHIN_S", 0.05)
    devices.lists = DeviceLists()

    async def work() -> None:
        sound = sound_on(devices)
        for test in (sound.test_output, sound.test_input):
            with pytest.raises(DeviceError, match="no sound device"):
                await test()
        assert not sound.desk.open

    run(work())


def test_a_microphone_that_is_in_a_call_is_left_to_it(devices: Devices) -> None:
    async def work() -> None:
        sound = sound_on(devices)
        sound.attach(Seat())
        await devices.told(1)
        with pytest.raises(StateError, match="in a call"):
            await sound.test_input()
        sound.close()

    run(work())

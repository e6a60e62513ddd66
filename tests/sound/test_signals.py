"""Tones on devices that are not there, for calls that are."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from platypus.errors import AudioFileError, ConfigError
from platypus.options import MediaOptions
from platypus.sound import Sound, signals
from tests.harness.phones import phone, run
from tests.sound.fakes import Devices, FakeStream


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    monkeypatch.setattr(signals, "SETTLE_S", 0.001)
    return Devices(monkeypatch)


def hear(stream: FakeStream, seconds: float) -> np.ndarray:
    samples = bytearray(2 * int(seconds * stream.rate))
    stream.overlay.apply(samples)
    return np.frombuffer(samples, dtype=np.int16).astype(float)


def pitch(stream: FakeStream) -> int:
    """The strongest frequency of the next quarter of a second, in Hz; 0 for silence."""
    heard = hear(stream, 0.25)
    if np.abs(heard).max() < 100:
        return 0
    return round(np.argmax(np.abs(np.fft.rfft(heard * np.hanning(len(heard))))) * 4 / 5) * 5


async def opened(devices: Devices, name: str) -> FakeStream:
    async with asyncio.timeout(10):
        while not any(each.device.name == name for each in devices.opened):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return devices.using(name)


async def sounding(devices: Devices, name: str) -> FakeStream:
    """Open, and with something to play."""
    stream = await opened(devices, name)
    async with asyncio.timeout(10):
        while not stream.overlay.playing:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    return stream


async def closed(stream: FakeStream) -> None:
    async with asyncio.timeout(10):
        while not stream.closed:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_call_that_comes_in_rings_on_the_ring_device_and_nowhere_else(devices: Devices) -> None:
    async def work() -> None:
        async with phone(audio="system", ring="headset", country="de") as bob, phone() as alice:
            call = alice.engine.call(bob.uri)
            bell = await sounding(devices, "headset")
            assert 1000 < pitch(bell) < 1400
            assert [each.device.name for each in devices.opened] == ["headset"]
            call.hangup()
            await closed(bell)
            assert not bell.overlay.playing

    run(work())


def test_a_call_that_is_answered_at_once_does_not_ring(devices: Devices, monkeypatch) -> None:
    monkeypatch.setattr(signals, "SETTLE_S", 0.2)

    async def work() -> None:
        async with phone(audio="system", ring="headset", auto_answer=0) as bob, phone() as alice:
            await alice.engine.call(bob.uri).answered()
            await opened(devices, "speaker")
            await asyncio.sleep(0.3)
            assert not any(each.device.name == "headset" for each in devices.opened)

    run(work())


def test_ringback_is_the_countrys_and_ends_with_the_answer(devices: Devices) -> None:
    async def work() -> None:
        async with phone(audio="system", country="cn") as alice, phone() as bob:
            call = alice.engine.call(bob.uri)
            speaker = await sounding(devices, "speaker")
            assert pitch(speaker) == 450
            bob.engine.calls[0].answer()
            await call.answered()
            await asyncio.sleep(0.05)
            hear(speaker, 0.1)
            assert not speaker.overlay.playing
            assert not speaker.closed

    run(work())


@pytest.mark.parametrize(("code", "hz"), [(486, 450), (404, 950), (503, 450)])
def test_a_refusal_is_heard_for_a_while(devices: Devices, monkeypatch, code: int, hz: int) -> None:
    monkeypatch.setattr(signals, "END_S", 1.0)

    async def work() -> None:
        async with phone(audio="system", country="cn") as alice, phone(reject=code) as bob:
            alice.engine.call(bob.uri)
            speaker = await sounding(devices, "speaker")
            assert pitch(speaker) == hz
            await closed(speaker)

    run(work())


def test_a_call_that_waits_is_heard_in_the_ear_over_the_other(devices: Devices) -> None:
    async def work() -> None:
        async with (
            phone(audio="system", ring="headset", country="be") as bob,
            phone() as alice,
            phone() as carol,
        ):
            call = alice.engine.call(bob.uri)
            await opened(devices, "headset")
            bob.engine.calls[0].answer()
            await call.answered()
            speaker = await opened(devices, "speaker")
            waiting = carol.engine.call(bob.uri)
            async with asyncio.timeout(10):
                while not speaker.overlay.playing:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            assert np.abs(hear(speaker, 0.1)).max() > 100
            waiting.hangup()
            async with asyncio.timeout(10):
                while speaker.overlay.playing:
                    await asyncio.sleep(0.005)
                    hear(speaker, 0.01)
            assert not speaker.closed

    run(work())


def test_digits_are_heard_by_whoever_presses_them(devices: Devices) -> None:
    async def work() -> None:
        async with phone(audio="system") as alice, phone(auto_answer=0) as bob:
            call = alice.engine.call(bob.uri)
            await call.answered()
            speaker = await opened(devices, "speaker")
            await asyncio.sleep(0.05)
            hear(speaker, 0.1)
            call.send_dtmf("1")
            assert speaker.overlay.playing
            assert pitch(speaker) in (695, 700, 1210)

    run(work())


def test_ringing_goes_on_where_the_bell_was_unplugged(devices: Devices) -> None:
    async def work() -> None:
        async with phone(audio="system", ring="headset") as bob, phone() as alice:
            alice.engine.call(bob.uri)
            await opened(devices, "headset")
            devices.remove("headset")
            bob.engine.sound.desk.stir()
            assert 1000 < pitch(await sounding(devices, "speaker")) < 1400

    run(work())


def test_without_a_sound_card_for_calls_nothing_rings(devices: Devices) -> None:
    async def work() -> None:
        async with phone(audio="null") as bob, phone() as alice:
            call = alice.engine.call(bob.uri)
            await asyncio.sleep(0.1)
            call.hangup()
        assert devices.opened == []

    run(work())


def test_a_country_or_ring_tone_that_is_none_is_told_at_once(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no tones for 'xx'"):
        Sound(MediaOptions(audio="system", country="xx"), lambda _: None)
    with pytest.raises(AudioFileError):
        Sound(MediaOptions(audio="system", ring_tone=str(tmp_path / "none")), lambda _: None)

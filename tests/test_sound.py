"""Who gets the sound devices, with some that are not there."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from platypus.audio import echo, lists
from platypus.audio.device import DeviceLists, SoundDevice
from platypus.events import DeviceChanged
from platypus.options import MediaOptions
from platypus.sound import Sound
from tests._media.test_canceller import FakeLibrary
from tests.harness.phones import phone, run
from tests.sound.fakes import Devices


class Seat:
    """A call that remembers what it was given, and how often."""

    source: Any = None
    sink: Any = None
    given = 0

    def seat_source(self, source: Any) -> None:
        self.source = source
        self.given += 1

    def seat_sink(self, sink: Any) -> None:
        self.sink = sink
        self.given += 1

    @property
    def ends(self) -> tuple[Any, Any]:
        return self.source, self.sink


class Room:
    """A `Sound` on devices that are not there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.devices = Devices(monkeypatch)
        self.sound = Sound(MediaOptions(audio="system"), self.devices.publish)

    @property
    def ends(self) -> tuple[Any, Any]:
        return self.devices.using("mic").source, self.devices.using("speaker").sink

    async def attached(self) -> Seat:
        """A call that has the devices."""
        seat = Seat()
        self.sound.attach(seat)
        await self.devices.told(1)
        return seat


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(monkeypatch)


def test_the_devices_are_opened_with_the_first_call_and_closed_after_the_last(room: Room) -> None:
    async def work() -> None:
        assert room.devices.opened == []
        one, two = await room.attached(), Seat()
        room.sound.attach(two)
        room.sound.release(one)
        assert [stream.closed for stream in room.devices.opened] == [0, 0]
        room.sound.release(two)
        await room.sound.desk.closed()
        assert [stream.closed for stream in room.devices.opened] == [1, 1]

    run(work())


def test_a_call_gets_both_ends_once(room: Room) -> None:
    async def work() -> None:
        seat = await room.attached()
        assert seat.ends == room.ends
        assert seat.given == 2
        room.sound.focus(seat)
        assert seat.given == 2

    run(work())


def test_the_newest_call_has_the_devices_and_gives_them_back(room: Room) -> None:
    async def work() -> None:
        one, two = await room.attached(), Seat()
        room.sound.attach(two)
        assert (one.ends, two.ends) == ((None, None), room.ends)
        room.sound.release(two)
        assert one.ends == room.ends

    run(work())


def test_a_call_that_is_resumed_has_the_devices_again(room: Room) -> None:
    async def work() -> None:
        one, two = await room.attached(), Seat()
        room.sound.attach(two)
        room.sound.focus(one)
        assert (one.ends, two.ends) == (room.ends, (None, None))

    run(work())


def test_a_call_hears_on_when_its_speaker_is_replaced(room: Room) -> None:
    async def work() -> None:
        seat = await room.attached()
        source = seat.source
        room.sound.choose_output("headset")
        await room.devices.told(2)
        assert seat.ends == (source, room.devices.using("headset").sink)
        assert seat.given == 3
        assert (room.sound.input, room.sound.output) == ("mic", "headset")

    run(work())


def test_a_call_that_ends_while_the_devices_open_leaves_them_closed(room: Room) -> None:
    async def work() -> None:
        seat = Seat()
        room.sound.attach(seat)
        await asyncio.sleep(0)
        room.sound.release(seat)
        await asyncio.sleep(0.05)
        assert all(stream.closed for stream in room.devices.opened)
        assert seat.ends == (None, None)
        assert room.devices.events == []

    run(work())


def test_volume_and_gain_hold_before_and_during_a_call(room: Room) -> None:
    async def work() -> None:
        room.sound.volume = 0.5
        await room.attached()
        room.sound.gain = 2.0
        assert room.devices.using("speaker").overlay.gain == 0.5
        assert room.devices.using("mic").overlay.gain == 2.0
        assert (room.sound.volume, room.sound.gain, room.sound.ring_volume) == (0.5, 2.0, 1.0)
        for bad in (-0.1, 9.0):
            with pytest.raises(ValueError, match="from 0 to 8"):
                room.sound.volume = bad

    run(work())


def test_levels_are_those_of_open_devices(room: Room) -> None:
    async def work() -> None:
        assert room.sound.levels() == (None, None)
        await room.attached()
        assert room.sound.levels() == (0.0, 0.0)

    run(work())


def test_without_any_sound_card_a_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "list_devices", lambda *_, **__: DeviceLists())

    async def work() -> None:
        async with phone(audio="system") as alice, phone(auto_answer=0) as bob:
            call = alice.engine.call(bob.uri)
            await call.answered()
            event = await alice.heard.next(DeviceChanged)
            assert "there is no sound device: start PulseAudio" in event.reason
            frames = call.frames()
            assert len(await anext(frames)) == 320

    run(work())


@pytest.mark.parametrize(
    ("devices_rate", "recorded"), [(44_100, 44_100), (48_000, 48_000), (96_000, 8_000)]
)
def test_a_recording_has_the_rate_of_the_speaker_from_its_first_sample(
    room: Room, tmp_path: Path, devices_rate: int, recorded: int
) -> None:
    room.devices.lists = replace(
        room.devices.lists, outputs=(SoundDevice("speaker", "Speaker", rate=devices_rate),)
    )
    path = tmp_path / "heard.wav"

    async def work() -> None:
        async with phone(audio="system", record=str(path)) as alice, phone(auto_answer=0) as bob:
            call = alice.engine.call(bob.uri)
            await call.answered()
            await asyncio.sleep(0.1)
            call.hangup()
            await call.ended()

    run(work())
    assert int.from_bytes(path.read_bytes()[24:28], "little") == recorded


class TestEcho:
    """With livekit's place taken by a library that only answers."""

    @pytest.fixture(autouse=True)
    def library(self, monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
        library = FakeLibrary()
        monkeypatch.setattr(echo, "functions", lambda: library.functions)
        return library

    def sound(self, room: Room, **options: Any) -> Sound:
        room.sound = Sound(MediaOptions(audio="system", **options), room.devices.publish)
        return room.sound

    def test_is_cancelled_with_a_loudspeaker_and_not_with_a_headset(self, room: Room) -> None:
        room.devices.make("headset", headset=True)

        async def work() -> None:
            sound = self.sound(room)
            await room.attached()
            assert sound.cancels_echo
            sound.choose_output("headset")
            await room.devices.told(2)
            assert not sound.cancels_echo
            sound.choose_output("speaker")
            await room.devices.told(3)
            assert sound.cancels_echo

        run(work())

    def test_headphones_that_are_plugged_in_end_it(self, room: Room) -> None:
        async def work() -> None:
            sound = self.sound(room)
            await room.attached()
            assert sound.cancels_echo
            room.devices.make("speaker", headset=True)
            sound.desk.stir()
            async with asyncio.timeout(5):
                while sound.cancels_echo:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
            assert len(room.devices.opened) == 2

        run(work())

    def test_is_left_alone_where_that_is_wanted(self, room: Room, library: FakeLibrary) -> None:
        async def work() -> None:
            sound = self.sound(room, echo_cancelling="off")
            await room.attached()
            assert not sound.cancels_echo
            assert library.asked == []

        run(work())

    def test_virtual_devices_have_none_unless_asked_for(self, room: Room) -> None:
        room.devices.make("mic", virtual=True)

        async def work() -> None:
            for rule, active in (("auto", False), ("on", True)):
                sound = self.sound(room, echo_cancelling=rule)
                seat = Seat()
                sound.attach(seat)
                room.devices.events.clear()
                await room.devices.told(1)
                assert sound.cancels_echo is active
                sound.close()

        run(work())

    def test_without_the_extra_the_event_has_a_sentence(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(echo, "functions", lambda: None)

        async def work() -> None:
            sound = self.sound(room)
            await room.attached()
            assert "use a headset, or pip install" in room.devices.events[0].reason
            assert sound.echo_problem is not None
            sound.choose_output("headset")

        run(work())

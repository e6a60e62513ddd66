"""Devices that come, go and fail under a call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from platypus.audio.device import DeviceLists
from platypus.audio.pulse import HANGS
from platypus.sound import line as lines
from platypus.sound.desk import Desk
from tests.harness.phones import run
from tests.sound.fakes import Devices, FakeWatch

Work = Callable[[Desk], Awaitable[None]]


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    return Devices(monkeypatch)


def at_a_desk(devices: Devices, work: Work, **wanted: str) -> None:
    """Run `work` with a desk whose two lines of a call are needed."""
    names: dict[str, str | None] = {"input": None, "output": None, "ring": None} | wanted

    async def scenario() -> None:
        desk = Desk(**names, publish=devices.publish, moved=lambda: None)
        desk.need(work, desk.talking, desk.listening)
        try:
            await devices.told(1)
            await work(desk)
        finally:
            desk.close()

    run(scenario())


def test_opens_what_the_system_prefers(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        assert devices.events[0].reason == "opened for a call"
        assert (devices.events[0].input, devices.events[0].output) == ("mic", "speaker")

    at_a_desk(devices, work)


def test_opens_what_was_asked_for(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        assert (desk.talking.name, desk.listening.name) == ("headset-mic", "headset")

    at_a_desk(devices, work, input="headset-mic", output="headset")


def test_one_that_is_not_there_is_named_and_replaced(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        assert devices.events[0].output == "speaker"
        assert "no sound device is called 'Polycom'" in devices.events[0].reason

    at_a_desk(devices, work, output="Polycom")


def test_one_that_is_busy_is_named_and_replaced(devices: Devices) -> None:
    devices.problems["speaker"] = "the sound device 'Speaker' can't be opened (busy)"

    async def work(desk: Desk) -> None:
        assert devices.events[0].output == "headset"
        assert "'Speaker' can't be opened (busy)" in devices.events[0].reason

    at_a_desk(devices, work)


def test_one_that_stays_busy_is_logged_once(
    devices: Devices, caplog: pytest.LogCaptureFixture
) -> None:
    devices.problems["speaker"] = "the sound device 'Speaker' can't be opened (busy)"
    devices.remove("headset")

    async def work(desk: Desk) -> None:
        await asyncio.sleep(0.2)  # ten more attempts
        assert [each.message for each in caplog.records].count(devices.problems["speaker"]) == 1

    at_a_desk(devices, work)


def test_one_that_vanishes_is_replaced_and_the_other_line_is_left_alone(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        talking = desk.talking.stream
        devices.remove("speaker")
        desk.stir()
        event = await devices.told(2)
        assert (event.input, event.output) == ("mic", "headset")
        assert event.reason == "the sound device 'Speaker' is gone"
        assert desk.talking.stream is talking
        await desk.closed()
        assert devices.using("speaker").closed == 1

    at_a_desk(devices, work)


def test_one_that_is_back_is_taken_up_again(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        before = devices.lists
        devices.remove("speaker")
        desk.stir()
        await devices.told(2)
        devices.lists = before
        desk.stir()
        event = await devices.told(3)
        assert event.output == "speaker"
        assert "'Speaker'" in event.reason

    at_a_desk(devices, work, output="speaker")


def test_another_default_of_the_system_is_followed(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        devices.prefer_output("headset")
        desk.stir()
        event = await devices.told(2)
        assert event.output == "headset"
        assert event.reason == "the system's sound device is now 'Headset'"

    at_a_desk(devices, work)


def test_a_chosen_one_does_not_follow_the_system(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        devices.prefer_output("headset")
        desk.stir()
        await asyncio.sleep(0.05)
        assert (desk.listening.name, len(devices.events)) == ("speaker", 1)

    at_a_desk(devices, work, output="speaker")


def test_one_that_falls_silent_is_replaced_without_any_watch(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        devices.suspended.add("speaker")
        devices.using("speaker").silent_ms = 10_000.0
        event = await devices.told(2)
        assert (event.output, event.reason) == (
            "headset",
            "the sound device 'Speaker' is suspended",
        )

    at_a_desk(devices, work)


def test_a_silent_one_is_taken_up_again_only_once_it_has_proved_well(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        devices.suspended.add("speaker")
        devices.using("speaker").silent_ms = 10_000.0
        await devices.told(2)
        first = devices.using("speaker")
        await devices.closed_again(first)  # it was tried, in vain
        assert desk.listening.name == "headset"
        devices.suspended.clear()
        assert (await devices.told(3)).output == "speaker"

    at_a_desk(devices, work)


def test_a_server_that_dies_is_named_once_and_is_back_when_it_is(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        before = devices.lists
        for stream in devices.opened:
            stream.active = False
        devices.lists = DeviceLists()
        event = await devices.told(2)
        assert (event.input, event.output) == (None, None)
        assert "the sound server is gone" in event.reason
        await asyncio.sleep(0.05)
        assert len(devices.events) == 2
        devices.lists = before
        event = await devices.told(3)
        assert (event.input, event.output) == ("mic", "speaker")
        assert event.reason == "the sound devices are back"

    at_a_desk(devices, work)


def test_a_server_that_hangs_is_named_and_its_devices_are_back_with_it(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        before = devices.lists
        for stream in devices.opened:
            stream.silent_ms = 10_000.0
        devices.lists, devices.problems["list"] = DeviceLists(), "the server does not answer"
        event = await devices.told(2)
        assert (event.input, event.output, event.reason) == (
            None,
            None,
            "the server does not answer",
        )
        devices.lists = before
        event = await devices.told(3)
        assert (event.input, event.output) == ("mic", "speaker")

    at_a_desk(devices, work)


def test_a_list_that_does_not_come_is_named_and_taken_when_it_does(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        devices.hanging.add("list")
        for stream in devices.opened:
            stream.silent_ms = 10_000.0
        event = await devices.told(2)
        assert (event.input, event.output, event.reason) == (None, None, HANGS)
        devices.go_on()
        event = await devices.told(3)
        assert (event.input, event.output) == ("mic", "speaker")

    at_a_desk(devices, work)


def test_streams_that_fall_silent_while_a_list_is_awaited_are_not_waited_for(
    devices: Devices,
) -> None:
    async def work(desk: Desk) -> None:
        devices.hanging.add("list")
        desk.stir()
        await asyncio.sleep(0.05)
        assert len(devices.events) == 1  # the machine may be busy
        for stream in devices.opened:
            stream.silent_ms = 10_000.0
        assert (await devices.told(2)).reason == HANGS
        devices.go_on()

    at_a_desk(devices, work)


def test_one_whose_opening_hangs_is_named_and_closed_when_it_comes(
    devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "OPEN_S", 0.02)
    devices.hanging.update({"mic", "headset-mic"})

    async def work(desk: Desk) -> None:
        assert devices.events[0].input is None
        assert "'Microphone' does not answer" in devices.events[0].reason
        async with asyncio.timeout(10):
            while desk.listening.stream is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.2)
        waiting = [t for t in threading.enumerate() if t.name == "platypus-card"]
        assert len(waiting) <= 4  # however often it is tried
        assert desk.listening.name == "speaker"  # the other line is not kept waiting
        devices.go_on()
        async with asyncio.timeout(10):
            while desk.talking.name != "mic":  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        late = [each for each in devices.opened if each is not desk.talking.stream]
        assert all(each.closed for each in late if each.source is not None)

    at_a_desk(devices, work)


def with_a_bell(devices: Devices, work: Work, **wanted: str) -> None:
    """Run `work` with a desk that only has to ring."""
    names: dict[str, str | None] = {"input": None, "output": None, "ring": None} | wanted

    async def scenario() -> None:
        desk = Desk(**names, publish=devices.publish, moved=lambda: None)
        desk.need(work, desk.ringing)
        try:
            async with asyncio.timeout(10):
                while desk.ringing.stream is None and not devices.events:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            await work(desk)
        finally:
            desk.close()

    run(scenario())


def test_a_bell_that_rings_where_it_should_is_not_told_of(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        await asyncio.sleep(0.05)
        assert (desk.ringing.name, devices.events) == ("headset", [])

    with_a_bell(devices, work, ring="headset")


def test_a_bell_that_rings_elsewhere_is_told_of_with_what_a_call_would_have(
    devices: Devices,
) -> None:
    async def work(desk: Desk) -> None:
        event = await devices.told(1)
        assert (event.input, event.output) == ("mic", "speaker")
        assert event.reason == "no sound device is called 'Kitchen'; it rings on 'Speaker'"

    with_a_bell(devices, work, ring="Kitchen")


def test_a_bell_that_nobody_hears_is_told_of(devices: Devices) -> None:
    devices.lists = DeviceLists()

    async def work(desk: Desk) -> None:
        event = await devices.told(1)
        assert (event.input, event.output) == (None, None)
        assert "there is no sound device" in event.reason

    with_a_bell(devices, work)


def test_a_tone_before_a_call_does_not_say_that_there_is_no_microphone(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        desk.need("ringback", desk.listening)
        async with asyncio.timeout(10):
            while desk.listening.stream is None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert devices.events == []
        desk.need("call", desk.talking, desk.listening)
        event = await devices.told(1)
        assert (event.input, event.output, event.reason) == ("mic", "speaker", "opened for a call")

    with_a_bell(devices, work)


def test_with_no_microphone_it_says_so_and_is_heard_of_when_there_is_one(devices: Devices) -> None:
    before = devices.lists
    devices.remove("mic")
    devices.remove("headset-mic")

    async def work(desk: Desk) -> None:
        event = devices.events[0]
        assert (event.input, event.output) == (None, "speaker")
        assert event.reason == "there is no microphone that can be used"
        devices.lists = before
        desk.stir()
        assert (await devices.told(2)).input == "mic"

    at_a_desk(devices, work)


def test_with_no_device_at_all_it_says_what_to_do(devices: Devices) -> None:
    devices.lists = DeviceLists()

    async def work(desk: Desk) -> None:
        assert (devices.events[0].input, devices.events[0].output) == (None, None)
        assert "start PulseAudio or PipeWire" in devices.events[0].reason

    at_a_desk(devices, work)


def test_without_the_library_it_says_how_to_get_it(devices: Devices) -> None:
    devices.lists, devices.problems["list"] = DeviceLists(), "PyAudio is not installed"

    async def work(desk: Desk) -> None:
        assert devices.events[0].reason == "PyAudio is not installed"

    at_a_desk(devices, work)


def test_another_choice_in_a_call_is_taken_at_once(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        desk.choose(desk.listening, "headset")
        assert (await devices.told(2)).output == "headset"

    at_a_desk(devices, work)


def test_a_gain_stays_when_the_device_changes(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        desk.listening.gain = 0.25
        desk.choose(desk.listening, "headset")
        await devices.told(2)
        assert devices.using("headset").overlay.gain == 0.25

    at_a_desk(devices, work)


def test_what_is_let_go_is_closed_and_nothing_watches_any_more(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        watches = FakeWatch.closed
        desk.let_go(work)
        await desk.closed()
        assert [stream.closed for stream in devices.opened] == [1, 1]
        assert FakeWatch.closed == watches + 1
        assert not desk.open

    at_a_desk(devices, work)


def test_a_line_that_another_needs_stays(devices: Devices) -> None:
    async def work(desk: Desk) -> None:
        desk.need("tones", desk.listening)
        desk.let_go(work)
        await desk.closed()
        assert devices.using("mic").closed == 1
        assert devices.using("speaker").closed == 0
        desk.let_go("tones")
        await desk.closed()
        assert devices.using("speaker").closed == 1
        desk.let_go("tones")

    at_a_desk(devices, work)

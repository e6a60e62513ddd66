"""Who gets the sound card, with one that only remembers what it was asked."""

import asyncio
import threading
from typing import Any

import pytest

from platypus.audio import portaudio
from platypus.errors import DeviceError
from platypus.events import DeviceChanged, Event
from platypus.options import MediaOptions
from platypus.sound import Sound
from tests.harness.phones import phone, run


class FakeCard:
    """`platypus.audio.device.Card` without sound."""

    input, output, rate = "Microphone", "Speaker", 48000

    def __init__(self, closed: threading.Event) -> None:
        self.source: Any = object()
        self.sink: Any = object()
        self.alive = True
        self.closed = closed

    def statistics(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        self.closed.set()


class Seat:
    source: Any = None
    sink: Any = None

    def seat_source(self, source: Any) -> None:
        self.source = source

    def seat_sink(self, sink: Any) -> None:
        self.sink = sink


class Desk:
    """A `Sound` on the card, and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cards: list[FakeCard] = []
        self.asked: list[tuple[str | None, str | None]] = []
        self.problem: Exception | None = None
        self.card_closed = threading.Event()
        self.hold_back = threading.Event()
        self.hold_back.set()
        self.events: list[Event] = []
        monkeypatch.setattr(portaudio, "open_card", self._open)
        options = MediaOptions(audio="system", input="Headset", output="Desk")
        self.sound = Sound(options, self.events.append)

    def _open(self, input: str | None, output: str | None) -> FakeCard:
        self.asked.append((input, output))
        self.hold_back.wait(5)
        if self.problem is not None:
            raise self.problem
        self.cards.append(FakeCard(self.card_closed))
        return self.cards[-1]

    async def opened(self) -> None:
        task = self.sound._opening
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    async def closed(self) -> None:
        await asyncio.gather(*self.sound._closing)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_the_card_is_opened_with_the_first_call_and_closed_after_the_last(desk: Desk) -> None:
    async def work() -> None:
        one, two = Seat(), Seat()
        assert desk.asked == []
        desk.sound.attach(one)
        await desk.opened()
        desk.sound.attach(two)
        desk.sound.release(one)
        assert not desk.cards[0].closed.is_set()
        desk.sound.release(two)
        await desk.closed()
        assert desk.asked == [("Headset", "Desk")]
        assert desk.cards[0].closed.is_set()

    run(work())


def test_a_call_gets_both_ends_of_the_card(desk: Desk) -> None:
    async def work() -> None:
        seat = Seat()
        desk.sound.attach(seat)
        await desk.opened()
        assert (seat.source, seat.sink) == (desk.cards[0].source, desk.cards[0].sink)
        assert desk.events == [DeviceChanged("Microphone", "Speaker", "opened for a call")]

    run(work())


def test_the_newest_call_has_the_card_and_gives_it_back(desk: Desk) -> None:
    async def work() -> None:
        one, two = Seat(), Seat()
        desk.sound.attach(one)
        await desk.opened()
        desk.sound.attach(two)
        assert (one.source, two.source) == (None, desk.cards[0].source)
        desk.sound.release(two)
        assert one.source is desk.cards[0].source

    run(work())


def test_a_call_that_is_resumed_has_the_card_again(desk: Desk) -> None:
    async def work() -> None:
        one, two = Seat(), Seat()
        desk.sound.attach(one)
        await desk.opened()
        desk.sound.attach(two)
        desk.sound.focus(one)
        assert (one.sink, two.sink) == (desk.cards[0].sink, None)

    run(work())


def test_without_a_card_the_call_is_silent_and_an_event_says_why(desk: Desk) -> None:
    async def work() -> None:
        desk.problem = DeviceError("there is no sound device: plug one in")
        seat = Seat()
        desk.sound.attach(seat)
        await desk.opened()
        assert (seat.source, seat.sink) == (None, None)
        assert desk.events == [DeviceChanged(None, None, "there is no sound device: plug one in")]

    run(work())


def test_a_card_that_was_missing_is_tried_again_at_the_next_call(desk: Desk) -> None:
    async def work() -> None:
        desk.problem = DeviceError("in use")
        one, two = Seat(), Seat()
        desk.sound.attach(one)
        await desk.opened()
        desk.problem = None
        desk.sound.attach(two)
        await desk.opened()
        assert two.source is desk.cards[0].source

    run(work())


def test_a_card_that_has_died_is_opened_anew(desk: Desk) -> None:
    async def work() -> None:
        one, two = Seat(), Seat()
        desk.sound.attach(one)
        await desk.opened()
        desk.cards[0].alive = False
        desk.sound.attach(two)
        await desk.opened()
        assert two.source is desk.cards[1].source
        assert desk.cards[0].closed.is_set()

    run(work())


def test_a_call_that_ends_while_the_card_opens_leaves_it_closed(desk: Desk) -> None:
    async def work() -> None:
        desk.hold_back.clear()
        seat = Seat()
        desk.sound.attach(seat)
        await asyncio.sleep(0)
        desk.sound.release(seat)
        desk.hold_back.set()
        await desk.opened()
        await desk.closed()
        assert desk.cards[0].closed.is_set()
        assert seat.source is None

    run(work())


def test_an_engine_that_is_left_while_the_card_opens_leaves_it_closed(desk: Desk) -> None:
    async def work() -> None:
        desk.hold_back.clear()
        desk.sound.attach(Seat())
        await asyncio.sleep(0)
        desk.sound.close()
        await desk.opened()
        desk.hold_back.set()
        assert await asyncio.to_thread(desk.card_closed.wait, 5)

    run(work())


def test_without_any_sound_card_a_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_card(*_: object) -> None:
        raise DeviceError("there is no sound device: start PulseAudio")

    monkeypatch.setattr(portaudio, "open_card", no_card)

    async def work() -> None:
        async with phone(audio="system") as alice, phone(auto_answer=0) as bob:
            call = alice.engine.call(bob.uri)
            await call.answered()
            event = await alice.heard.next(DeviceChanged)
            assert event.reason == "there is no sound device: start PulseAudio"
            frames = call.frames()
            assert len(await anext(frames)) == 320

    run(work())

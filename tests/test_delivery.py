"""Events on their way to the embedder."""

import asyncio
import gc
import logging

import pytest

from platypus import delivery
from platypus.delivery import Delivery
from platypus.events import ErrorOccurred, Event, EventsDropped


def error(number: int) -> Event:
    return ErrorOccurred(str(number))


def test_a_stream_has_what_happened_since_it_was_asked_for() -> None:
    async def work() -> None:
        source = Delivery()
        source.publish(error(1))
        stream = source.stream()
        source.publish(error(2))
        source.publish(error(3))
        assert [await anext(stream), await anext(stream)] == [error(2), error(3)]

    asyncio.run(work())


def test_a_waiting_reader_is_woken() -> None:
    async def work() -> None:
        source = Delivery()
        stream = source.stream()
        reader = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        source.publish(error(1))
        assert await reader == error(1)

    asyncio.run(work())


def test_every_reader_has_every_event() -> None:
    async def work() -> None:
        source = Delivery()
        streams = [source.stream(), source.stream()]
        source.publish(error(1))
        assert [await anext(stream) for stream in streams] == [error(1), error(1)]

    asyncio.run(work())


def test_a_slow_reader_loses_its_oldest_events_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "QUEUE_LIMIT", 2)

    async def work() -> None:
        source = Delivery()
        stream = source.stream()
        for number in range(5):
            source.publish(error(number))
        assert [await anext(stream) for _ in range(3)] == [EventsDropped(3), error(3), error(4)]

    asyncio.run(work())


def test_the_iteration_ends_after_what_is_queued() -> None:
    async def work() -> None:
        source = Delivery()
        stream = source.stream()
        source.publish(error(1))
        source.close()
        assert [event async for event in stream] == [error(1)]
        assert [event async for event in source.stream()] == []

    asyncio.run(work())


def test_a_reader_that_walked_away_is_forgotten() -> None:
    source = Delivery()
    source.stream()
    gc.collect()
    assert len(source._streams) == 0


def test_a_callback_hears_at_once_until_it_unsubscribes() -> None:
    source = Delivery()
    heard: list[Event] = []
    unsubscribe = source.subscribe(heard.append)
    source.publish(error(1))
    unsubscribe()
    unsubscribe()
    source.publish(error(2))
    assert heard == [error(1)]


def test_a_callback_that_raises_is_logged_and_the_others_hear(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Delivery()
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise ZeroDivisionError

    source.subscribe(broken)
    source.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        source.publish(error(1))
    assert heard == [error(1)]
    assert "broken" in caplog.text and "ZeroDivisionError" in caplog.text

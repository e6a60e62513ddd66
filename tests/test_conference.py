"""Who is in which conference, with real calls of two engines on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from platypus import Call, Engine, Event, StateError, VoiceActivity

HERE = ("127.0.0.1", 0)


def with_calls(
    scenario: Callable[[Engine, list[Call]], Awaitable[None]], *, count: int = 3, **options: bool
) -> None:
    """Run `scenario` with a phone and its answered calls to another."""

    async def main() -> None:
        async with (
            Engine(listen=HERE, **options) as phone,  # type: ignore[arg-type]
            Engine(listen=HERE, auto_answer=0) as other,
        ):
            port = other.listen[0].rpartition(":")[2]
            calls = [phone.call(f"sip:{n}@127.0.0.1:{port}") for n in range(count)]
            for call in calls:
                await call.answered(10)
            await scenario(phone, calls)

    asyncio.run(main())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - several things at once are waited for
            await asyncio.sleep(0.01)


def test_calls_come_and_go() -> None:
    async def scenario(phone: Engine, calls: list[Call]) -> None:
        first, second, third = calls
        conference = phone.conference(first, second)
        assert conference.calls == (first, second)
        assert first.conference is conference and third.conference is None
        conference.add(third)
        first.split()
        assert conference.calls == (second, third)
        second.split()  # one alone is no conference
        assert conference.calls == () and third.conference is None

    with_calls(scenario)


def test_a_call_that_ends_leaves() -> None:
    async def scenario(phone: Engine, calls: list[Call]) -> None:
        conference = phone.conference(*calls)
        calls[0].hangup()
        await until(lambda: conference.calls == tuple(calls[1:]))

    with_calls(scenario)


def test_others_come_to_the_conference_that_is_there() -> None:
    async def scenario(phone: Engine, calls: list[Call]) -> None:
        conference = phone.conference(calls[0], calls[1])
        assert phone.conference(calls[2], calls[1]) is conference
        assert set(conference.calls) == set(calls)
        conference.close()
        conference.close()
        assert all(call.conference is None for call in calls)

    with_calls(scenario)


def test_held_calls_are_taken_back_and_none_holds_its_peers() -> None:
    async def scenario(phone: Engine, calls: list[Call]) -> None:
        for call in calls[:2]:
            call.hold()
        await until(lambda: [call.hold_state for call in calls] == ["local", "local", "none"])
        phone.conference(*calls)
        await until(lambda: all(call.hold_state == "none" for call in calls))

    with_calls(scenario, hold_others=True)


def test_what_can_not_be_mixed_is_refused() -> None:
    async def scenario(phone: Engine, calls: list[Call]) -> None:
        with pytest.raises(StateError, match="at least two"):
            phone.conference(calls[0], calls[0])
        ringing = phone.call("sip:nobody@127.0.0.1:9")
        with pytest.raises(StateError, match="only answered calls"):
            phone.conference(calls[0], ringing)
        assert calls[0].conference is None
        with pytest.raises(StateError, match="in no conference"):
            calls[0].split()

    with_calls(scenario, count=1)


def test_speech_is_told_to_who_asked() -> None:
    async def scenario(phone: Engine, calls: list[Call]) -> None:
        (call,) = calls
        told: list[VoiceActivity] = []

        def hear(event: Event) -> None:
            if isinstance(event, VoiceActivity):
                told.append(event)

        phone.subscribe(hear)
        call.watch_voice()
        call.set_source(None)
        await asyncio.sleep(0.2)  # of silence: what is loud is heard against the quiet
        call.set_source("tone")
        await until(lambda: VoiceActivity(call, "sent", True) in told)
        call.set_source(None)
        await until(lambda: VoiceActivity(call, "sent", False) in told)

    with_calls(scenario, count=1)

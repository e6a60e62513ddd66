"""The pump between the machine and the loop, with a machine that only remembers."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, cast

import pytest

from platypus.pump import Pump
from platypus.sip.flow import Close, Connect, Effect, Flow, Hop, Resolve, Send
from platypus.sip.user_agent import UserAgent
from tests.harness.phones import Stranger, run
from tests.harness.ports import free_port

MESSAGE = b"OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n\r\n"


class Machine:
    """Stands in for `sip.user_agent.UserAgent`: effects and events are put in by the test."""

    def __init__(self) -> None:
        self.pending: list[Effect] = []
        self.events: deque[Any] = deque()
        self.due: float | None = None
        self.told: list[tuple[str, Any, Any]] = []
        self.timeouts: list[float] = []

    def effects(self) -> list[Effect]:
        effects, self.pending = self.pending, []
        return effects

    def next_event(self) -> Any:
        return self.events.popleft() if self.events else None

    def next_timeout(self) -> float | None:
        return self.due

    def handle_timeout(self, now: float) -> None:
        self.timeouts.append(now)
        self.due = None

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.told.append(("received", data, flow))

    def resolved(self, key: int, hops: list[Hop], now: float) -> None:
        self.told.append(("resolved", key, hops))

    def connected(self, key: int, flow: Flow, now: float) -> None:
        self.told.append(("connected", key, flow))

    def failed(self, key: object, reason: str, now: float) -> None:
        self.told.append(("failed", key, reason))


class Setup:
    def __init__(self) -> None:
        self.machine = Machine()
        self.delivered: list[Any] = []
        self.rests = 0
        self.pump = Pump(cast(UserAgent, self.machine), self._deliver, self._rest)

    def _deliver(self, event: Any) -> None:
        self.delivered.append(event)
        if callable(event):
            event()

    def _rest(self) -> None:
        self.rests += 1

    async def __aenter__(self) -> Setup:
        await self.pump.open("127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.pump.close()


def test_a_numeric_host_is_resolved_and_connected_within_one_run() -> None:
    async def work() -> None:
        async with Setup() as setup:
            setup.machine.pending = [Resolve(1, "sip:b@192.0.2.1:5070")]
            setup.pump.run()
            assert setup.machine.told == [("resolved", 1, [Hop("udp", "192.0.2.1", 5070)])]
            setup.machine.pending = [Connect(2, Hop("udp", "127.0.0.1", 5070))]
            setup.pump.run()
            [_, (what, key, flow)] = setup.machine.told
            assert (what, key, flow.remote) == ("connected", 2, ("127.0.0.1", 5070))

    run(work())


def test_what_can_not_be_resolved_fails_with_a_sentence() -> None:
    async def work() -> None:
        async with Setup() as setup:
            setup.machine.pending = [Resolve(1, "tel:+4930")]
            setup.pump.run()
            [(what, key, reason)] = setup.machine.told
            assert (what, key) == ("failed", 1)
            assert "only sip: addresses" in reason

    run(work())


def test_a_connection_is_opened_without_holding_anything_up_and_closed_when_told() -> None:
    async def work() -> None:
        async with Setup() as setup, Setup() as other:
            host, port = other.pump.transport.address
            setup.machine.pending = [Connect(1, Hop("tcp", host, port))]
            setup.pump.run()
            assert setup.machine.told == []
            await asyncio.gather(*setup.pump._tasks)
            [(what, key, flow)] = setup.machine.told
            assert (what, key, flow.remote) == ("connected", 1, (host, port))
            setup.machine.pending = [Close(flow), Connect(2, Hop("tcp", host, port))]
            setup.pump.run()
            await asyncio.gather(*setup.pump._tasks)
            [_, (what, key, another)] = setup.machine.told
            assert (what, key) == ("connected", 2)
            assert another.number != flow.number

    run(work())


def test_a_connection_that_is_refused_fails_with_a_sentence() -> None:
    async def work() -> None:
        async with Setup() as setup:
            setup.machine.pending = [Connect(1, Hop("tcp", "127.0.0.1", free_port()))]
            setup.pump.run()
            await asyncio.gather(*setup.pump._tasks)
            [(what, key, reason)] = setup.machine.told
            assert (what, key) == ("failed", 1)
            assert "nothing listens there" in reason

    run(work())


def test_what_waits_for_the_end_of_the_work_is_called_once_after_all_that_came_together() -> None:
    async def work() -> None:
        async with Setup() as setup:
            told: list[str] = []

            def event() -> None:
                told.append("event")
                setup.pump.when_done(lambda: told.append("done"))

            for _ in range(2):
                setup.machine.events.append(event)
                setup.pump.receive(MESSAGE, Flow("udp", ("127.0.0.1", 1), ("127.0.0.1", 2)))
            assert told == ["event", "event"]
            setup.pump.rested()
            assert told == ["event", "event", "done", "done"]

    run(work())


def test_outside_of_a_reading_the_end_of_the_run_is_waited_for_or_else_the_next_turn() -> None:
    async def work() -> None:
        async with Setup() as setup:
            told: list[str] = []
            setup.machine.events.append(lambda: setup.pump.when_done(lambda: told.append("run")))
            setup.pump.run()
            assert told == ["run"]
            setup.pump.when_done(lambda: told.append("turn"))
            assert told == ["run"]
            await asyncio.sleep(0)
            assert told == ["run", "turn"]

    run(work())


def test_a_name_is_looked_up_without_holding_anything_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: object, **__: object) -> object:
        await asyncio.sleep(0)
        return [(0, 0, 0, "", ("192.0.2.7", 5060))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

    async def work() -> None:
        async with Setup() as setup:
            setup.machine.pending = [Resolve(1, "sip:pbx")]
            setup.pump.run()
            assert setup.machine.told == []
            await asyncio.gather(*setup.pump._tasks)
            hop = Hop("udp", "192.0.2.7", 5060, "pbx")
            assert setup.machine.told == [("resolved", 1, [hop])]

    run(work())


def test_what_is_sent_reaches_the_wire() -> None:
    async def work() -> None:
        with Stranger() as peer:
            async with Setup() as setup:
                flow = Flow("udp", setup.pump.transport.address, ("127.0.0.1", peer.port))
                setup.machine.pending = [Send(flow, MESSAGE)]
                setup.pump.run()
                assert await peer.receive() == MESSAGE

    run(work())


def test_events_are_delivered_in_order_and_may_ask_for_more() -> None:
    async def work() -> None:
        async with Setup() as setup:

            def more() -> None:
                setup.machine.events.append("third")
                setup.pump.run()  # what an embedder's callback may well do
                assert "third" not in setup.delivered

            setup.machine.events.extend([more, "second"])
            setup.pump.run()
            assert setup.delivered == [more, "second", "third"]
            assert setup.rests == 1

    run(work())


def test_a_timeout_is_handled_when_it_is_due_and_not_before_its_time() -> None:
    async def work() -> None:
        async with Setup() as setup:
            due = setup.machine.due = setup.pump.now() + 0.01
            setup.pump.run()
            await asyncio.sleep(0.05)
            assert len(setup.machine.timeouts) == 1
            assert setup.machine.timeouts[0] >= due

    run(work())


def test_an_earlier_timeout_takes_the_place_of_a_later_one() -> None:
    async def work() -> None:
        async with Setup() as setup:
            setup.machine.due = setup.pump.now() + 60
            setup.pump.run()
            setup.machine.due = setup.pump.now()
            setup.pump.run()
            await asyncio.sleep(0.02)
            assert len(setup.machine.timeouts) == 1

    run(work())


def test_nothing_happens_after_closing() -> None:
    async def work() -> None:
        async with Setup() as setup:
            setup.machine.due = setup.pump.now() + 0.01
            setup.pump.run()
        setup.machine.events.append("late")
        setup.pump.run()
        await asyncio.sleep(0.03)
        assert (setup.delivered, setup.machine.timeouts) == ([], [])

    run(work())


def test_a_lookup_that_breaks_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> object:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

    async def work() -> None:
        async with Setup() as setup:
            setup.machine.pending = [Resolve(1, "sip:pbx")]
            setup.pump.run()
            await asyncio.gather(*setup.pump._tasks, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        run(work())
    assert "a fault of ours" in caplog.text


def test_a_fault_in_one_event_does_not_stop_the_clock() -> None:
    async def work() -> None:
        async with Setup() as setup:

            def broken() -> None:
                raise ZeroDivisionError

            setup.machine.due = setup.pump.now()
            setup.machine.events.extend([broken, "next"])
            with pytest.raises(ZeroDivisionError):
                setup.pump.run()
            await asyncio.sleep(0.02)
            assert len(setup.machine.timeouts) == 1
            assert setup.delivered == [broken, "next"]

    run(work())

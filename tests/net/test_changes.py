"""Changes of the network, told by the system itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from platypus.net import changes
from platypus.net.changes import NetworkChanges
from tests.harness import lan
from tests.harness.phones import run


@pytest.fixture
def machine() -> Iterator[lan.Machine]:
    lan.needed()
    made = lan.Machine("changing")
    with made.inside():
        yield made
    made.close()


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.told = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.told.set()


def test_a_burst_of_changes_is_told_once_and_soon(machine: lan.Machine) -> None:
    async def work() -> None:
        counter = Counter()
        watch = NetworkChanges(asyncio.get_running_loop(), counter)
        assert watch.watching
        for number in range(5):
            machine.add_address("lo", f"10.97.0.{number + 1}/32")
        await counter.told.wait()
        await asyncio.sleep(2 * changes.SETTLE)
        assert counter.count == 1
        watch.close()

    run(work())


def test_the_next_change_is_told_again(machine: lan.Machine) -> None:
    async def work() -> None:
        counter = Counter()
        watch = NetworkChanges(asyncio.get_running_loop(), counter)
        machine.add_address("lo", "10.97.0.1/32")
        await counter.told.wait()
        counter.told.clear()
        machine.remove_address("lo", "10.97.0.1/32")
        await counter.told.wait()
        assert counter.count == 2
        watch.close()

    run(work())


def test_more_changes_than_there_is_room_for_are_one_as_well(machine: lan.Machine) -> None:
    async def work() -> None:
        counter = Counter()
        watch = NetworkChanges(asyncio.get_running_loop(), counter)
        assert watch._socket is not None
        watch._socket.setsockopt(1, 8, 1)  # SOL_SOCKET, SO_RCVBUF: the least there is
        for number in range(60):
            machine.add_address("lo", f"10.97.1.{number + 1}/32")
        await counter.told.wait()
        watch.close()

    run(work())


def test_nothing_is_told_after_the_end(machine: lan.Machine) -> None:
    async def work() -> None:
        counter = Counter()
        watch = NetworkChanges(asyncio.get_running_loop(), counter)
        machine.add_address("lo", "10.97.0.1/32")
        await asyncio.sleep(0)
        watch.close()
        assert not watch.watching
        await asyncio.sleep(2 * changes.SETTLE)
        assert counter.count == 0

    run(work())


def test_where_the_system_allows_no_such_socket_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    async def work() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(changes.socket, "socket", refuse)
            watch = NetworkChanges(asyncio.get_running_loop(), lambda: None)
        assert not watch.watching
        watch.close()

    run(work())

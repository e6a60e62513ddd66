"""Being woken by a socket, on loops that can watch one and on one that can't."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from platypus.wake import Wake
from tests.harness.phones import run


@pytest.fixture(params=["watched", "read in a task"])
def pair(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[socket.socket, socket.socket]]:
    if request.param == "read in a task":

        def add_reader(*_: object) -> None:
            raise NotImplementedError  # as the Proactor loop does

        monkeypatch.setattr(asyncio.SelectorEventLoop, "add_reader", add_reader)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_what_is_written_wakes(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.send(b"x")

    async def work() -> None:
        woken = asyncio.Event()
        wake = Wake(ours, woken.set)
        await woken.wait()
        wake.close()

    run(work())


def test_nothing_wakes_after_closing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    async def work() -> None:
        woken = asyncio.Event()
        Wake(ours, woken.set).close()
        theirs.send(b"x")
        await asyncio.sleep(0.02)
        assert not woken.is_set()

    run(work())

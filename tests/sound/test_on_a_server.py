"""An engine in a call while the devices of a real sound server come, go and fail."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from platypus.events import DeviceChanged
from tests.harness.phones import Phone, phone, run
from tests.harness.soundserver import SoundServer, soundserver

pytestmark = pytest.mark.realtime
NULL_SINK = ("load-module", "module-null-sink", "norewinds=1", "rate=48000", "channels=1")
# A second is promised; a busy machine may take another.
PROMPT_S = 2.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    pytest.importorskip("pyaudio")
    with soundserver(tmp_path) as server:
        yield server


@asynccontextmanager
async def in_a_call() -> AsyncIterator[Phone]:
    async with phone(audio="system") as alice, phone(audio="echo", auto_answer=0) as bob:
        call = alice.engine.call(bob.uri)
        await call.answered()
        event = await alice.heard.next(DeviceChanged)
        assert (event.input, event.output) == ("mic", "speaker")
        yield alice


async def told(alice: Phone, count: int, since: float) -> DeviceChanged:
    events = await alice.heard.count(DeviceChanged, count)
    assert time.monotonic() - since < PROMPT_S
    return events[count - 1]


def test_a_new_default_is_followed_and_its_end_survived(server: SoundServer) -> None:
    async def work() -> None:
        other = server.control(*NULL_SINK, "sink_name=other")
        async with in_a_call() as alice:
            began = time.monotonic()
            server.control("set-default-sink", "other")
            assert (await told(alice, 2, began)).output == "other"
            began = time.monotonic()
            server.control("unload-module", other)
            event = await told(alice, 3, began)
            assert (event.input, event.output) == ("mic", "speaker")
            assert "is gone" in event.reason

    run(work())


def test_a_suspended_device_is_left_and_taken_up_again(server: SoundServer) -> None:
    async def work() -> None:
        async with in_a_call() as alice:
            began = time.monotonic()
            server.control("suspend-sink", "speaker", "1")
            event = await told(alice, 2, began)
            assert event.output == "micfeed"
            assert "suspended" in event.reason
            began = time.monotonic()
            server.control("suspend-sink", "speaker", "0")
            assert (await told(alice, 3, began)).output == "speaker"

    run(work())


def test_the_call_outlives_the_sound_server(server: SoundServer) -> None:
    async def work() -> None:
        async with in_a_call() as alice:
            began = time.monotonic()
            server.stop()
            event = await told(alice, 2, began)
            assert (event.input, event.output) == (None, None)
            assert "sound server is gone" in event.reason
            server.start()
            began = time.monotonic()
            event = await told(alice, 3, began)
            assert (event.input, event.output) == ("mic", "speaker")
            assert alice.engine.calls

    run(work())


def test_a_sound_server_that_hangs_is_named_and_outlived(server: SoundServer) -> None:
    async def work() -> None:
        async with in_a_call() as alice:
            began = time.monotonic()
            server.pause()
            event = await told(alice, 2, began)
            assert (event.input, event.output) == (None, None)
            assert "does not answer" in event.reason
            server.go_on()
            event = (await alice.heard.count(DeviceChanged, 3))[2]
            assert (event.input, event.output) == ("mic", "speaker")

    run(work())

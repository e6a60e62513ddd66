"""One INVITE, several far ends: a forking proxy played by a bare socket (RFC 3261, 13.2.2.4)."""

from __future__ import annotations

import asyncio

from platypus.call import Call
from platypus.events import CallState, CallStateChanged, MediaChanged
from tests.harness.far_end import Fork, fork
from tests.harness.phones import Phone, phone, run


async def early(alice: Phone, made: Fork) -> Call:
    """A call with early media from both branches, the second of them last."""
    call = alice.engine.call(made.uri)
    await made.invited()
    made.answer("one", "183 Session Progress", alice.port)
    await started(alice, made.remote("one"))
    made.answer("two", "183 Session Progress", alice.port)
    await started(alice, made.remote("two"))
    return call


async def started(alice: Phone, remote: str, times: int = 1) -> None:
    def seen() -> bool:
        return [event.remote for event in alice.heard.of(MediaChanged)].count(remote) >= times

    await alice.heard.until(seen)


def test_the_last_early_answer_is_taken() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                assert call.state is CallState.EARLY
                view = call.media.stream.view
                assert view is not None
                assert view.remote == ("127.0.0.1", made.branches["two"].port)
                await alice.engine.close(timeout=0)

    run(work())


def test_the_branch_whose_rtp_arrives_is_heard() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                speaking = asyncio.create_task(made.speak("one", call.media.stream.port or 0))
                await started(alice, made.remote("one"), times=2)
                async for frame in call.frames():
                    if any(frame):
                        break
                speaking.cancel()
                await alice.engine.close(timeout=0)

    run(work())


def test_the_answer_of_the_winner_stands() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                made.answer("one", "200 OK", alice.port)
                await call.answered()
                await started(alice, made.remote("one"), times=2)
                await alice.engine.close(timeout=0)

    run(work())


def test_an_answer_that_came_early_need_not_come_again() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = alice.engine.call(made.uri)
                await made.invited()
                made.answer("one", "183 Session Progress", alice.port)
                await started(alice, made.remote("one"))
                made.answer("one", "200 OK", alice.port, sdp=False)
                await call.answered()
                assert call.codec == "pcmu"
                await alice.engine.close(timeout=0)

    run(work())


def test_an_answer_without_any_description_ends_the_call() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = alice.engine.call(made.uri)
                await made.invited()
                made.answer("one", "200 OK", alice.port, sdp=False)
                assert (await call.ended()).by == "local"
                await alice.engine.close(timeout=0)

    run(work())


def test_ringing_after_early_media_does_not_go_back() -> None:
    async def work() -> None:
        with fork() as made:
            async with phone() as alice:
                call = await early(alice, made)
                made.answer("one", "180 Ringing", alice.port, sdp=False)
                made.answer("one", "200 OK", alice.port)
                await call.answered()
                states = [event.state for event in alice.heard.of(CallStateChanged)]
                assert states == [CallState.TRYING, CallState.EARLY, CallState.CONFIRMED]
                await alice.engine.close(timeout=0)

    run(work())

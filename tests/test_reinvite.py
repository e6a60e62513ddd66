"""A far end that changes the call under way (RFC 3261, 14.2; RFC 3264, 8), played by a socket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from platypus.call import Call
from platypus.events import CallState, CallStateChanged, ErrorOccurred, MediaChanged
from platypus.sip.message import Request
from platypus.sip.reason import reason_of
from tests.harness.far_end import Fork, describe, fork
from tests.harness.phones import Phone, phone, run


@contextlib.asynccontextmanager
async def talking() -> AsyncIterator[tuple[Phone, Fork, Call]]:
    """A call of ours that the far end has answered."""
    with fork() as far:
        async with phone() as alice:
            call = alice.engine.call(far.uri)
            await far.invited()
            far.answer("one", "200 OK", alice.port)
            await call.answered()
            await far.receive()  # our ACK
            yield alice, far, call
            await alice.engine.close(timeout=0)


async def reason_of_bye(far: Fork, status: int = 488) -> str:
    while not isinstance(message := await far.receive(), Request) or message.method != "BYE":
        pass
    reason = reason_of(message)
    assert reason is not None
    assert reason.cause == status
    return reason.text


def test_another_address_and_codec_are_taken() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            far.request("INVITE", "one", alice.port, 1, describe(far.branches["two"].port, 8))
            response = await far.response(1)
            assert response.status == 200
            assert b"RTP/AVP 8" in response.body
            event = await alice.heard.next(MediaChanged, lambda event: event.codec == "pcma")
            assert event.remote == far.remote("two")
            assert call.codec == "pcma"

    run(work())


def test_what_we_send_goes_to_the_new_address() -> None:
    async def work() -> None:
        async with talking() as (alice, far, _):
            far.request("INVITE", "one", alice.port, 1, describe(far.branches["two"].port))
            await far.response(1)
            packet = await far.branches["two"].receive()
            assert packet[:2] == b"\x80\x00" or packet[:2] == b"\x80\x80"

    run(work())


def test_the_same_description_again_changes_nothing() -> None:
    async def work() -> None:
        async with talking() as (alice, far, _):
            far.request("INVITE", "one", alice.port, 1, describe(far.branches["one"].port))
            assert (await far.response(1)).status == 200
            assert len(alice.heard.of(MediaChanged)) == 1

    run(work())


def test_a_hold_by_direction_is_a_hold() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            port = far.branches["one"].port
            far.request("INVITE", "one", alice.port, 1, describe(port, way="sendonly"))
            assert b"a=recvonly" in (await far.response(1)).body
            event = await alice.heard.next(CallStateChanged, lambda event: event.hold != "none")
            assert (event.hold, call.state) == ("remote", CallState.CONFIRMED)

    run(work())


def test_a_hold_by_the_zero_address_is_a_hold() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            port = far.branches["one"].port
            far.request("INVITE", "one", alice.port, 1, describe(port, host="0.0.0.0"))
            assert (await far.response(1)).status == 200
            await alice.heard.until(lambda: call.hold_state == "remote")

    run(work())


def test_nothing_usable_is_refused_and_the_call_goes_on() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            far.request("INVITE", "one", alice.port, 1, describe(9, 18))  # G.729
            response = await far.response(1)
            assert response.status == 488
            assert "the other side has G729" in response.headers.get("Warning")
            problem = await alice.heard.next(ErrorOccurred)
            assert problem.call is call
            assert (call.state, call.codec) == (CallState.CONFIRMED, "pcmu")

    run(work())


def test_garbage_as_a_description_is_refused_and_the_call_goes_on() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            far.request("INVITE", "one", alice.port, 1, "this is no description\r\n")
            assert (await far.response(1)).status == 488
            assert call.state is CallState.CONFIRMED

    run(work())


def test_without_an_offer_we_make_one_and_take_the_answer_from_the_ack() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            far.request("INVITE", "one", alice.port, 1)
            offer = (await far.response(1)).body
            assert b"RTP/AVP 0 8 " in offer
            far.request("ACK", "one", alice.port, 1, describe(far.branches["two"].port, 8))
            event = await alice.heard.next(MediaChanged, lambda event: event.codec == "pcma")
            assert event.remote == far.remote("two")
            assert call.state is CallState.CONFIRMED

    run(work())


def test_an_answer_in_the_ack_that_does_not_fit_ends_the_call() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            far.request("INVITE", "one", alice.port, 1)
            await far.response(1)
            far.request("ACK", "one", alice.port, 1, describe(9, 18))
            ended = await call.ended()
            assert (ended.by, ended.reason) == ("local", await reason_of_bye(far))
            assert "no codec in common, the other side has G729" in ended.reason

    run(work())


def test_our_hold_that_is_refused_leaves_the_call_as_it_was() -> None:
    async def work() -> None:
        async with talking() as (alice, far, call):
            call.hold()
            await far.invited()
            far.answer("one", "488 Not Acceptable Here", alice.port, sdp=False)
            problem = await alice.heard.next(ErrorOccurred)
            assert "refused the change" in problem.message
            assert (call.hold_state, call.media.stream.held) == ("none", False)

    run(work())

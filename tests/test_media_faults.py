"""A fault of ours while media are agreed on: the far end is answered, and no key is logged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from platypus.errors import CallError, MediaError
from platypus.events import CallEnded, CallState, ErrorOccurred, IncomingCall
from platypus.media.core import MediaCore
from platypus.media.security import LegSecurity
from platypus.negotiation import Negotiator
from platypus.pump import Pump
from platypus.sip.message import Request
from tests import test_srtp_calls
from tests.harness.far_end import describe, fork
from tests.harness.phones import Stranger, phone, run
from tests.test_reinvite import reason_of_bye, talking
from tests.test_srtp_calls import both, hears

PCMU, PCMA = 0, 8
SECRET = "inline:c2VjcmV0IGtleQ"  # as the words of whatever goes wrong may have it


def fault(*_: object, **__: object) -> Any:
    raise RuntimeError(f"can't use {SECRET}")


async def latest_type(branch: Stranger) -> int:
    """Of the next packet of our voice, after those that have come by now."""
    with contextlib.suppress(BlockingIOError):
        while True:
            branch.socket.recv(2048)
    return (await branch.receive())[1] & 0x7F


def check_log(text: str) -> None:
    """Where it happened, and none of its words."""
    assert "Traceback" in text
    assert "in fault" in text
    assert "RuntimeError" in text
    assert SECRET not in text


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Negotiator, "receive_offer"), (Negotiator, "answer"), (LegSecurity, "apply")],
)
def test_a_call_that_comes_in_is_refused(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    async def work() -> None:
        async with phone(audio="null") as alice, phone(audio="null", auto_answer=0) as bob:
            call = alice.engine.call(bob.uri)
            monkeypatch.setattr(owner, name, fault)
            with pytest.raises(CallError) as failure:
                await call.answered()
            assert failure.value.code == 500
            assert bob.engine.calls == []
            if name != "receive_offer":  # else nobody has heard of it
                assert (await bob.heard.next(CallEnded)).code == 500

    run(work())
    check_log(logged())


def test_who_answers_by_hand_is_told_and_the_call_is_over(
    monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    async def work() -> None:
        async with phone(audio="null") as alice, phone(audio="null") as bob:
            call = alice.engine.call(bob.uri)
            theirs = (await bob.heard.next(IncomingCall)).call
            monkeypatch.setattr(LegSecurity, "apply", fault)
            with pytest.raises(MediaError, match="log"):
                theirs.answer()
            with pytest.raises(CallError) as failure:
                await call.answered()
            assert failure.value.code == 500
            assert (await bob.heard.next(CallEnded)).code == 500

    run(work())
    check_log(logged())


def test_an_answer_that_comes_ends_the_call(
    monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    async def work() -> None:
        with fork() as far:
            async with phone(audio="null") as alice:
                call = alice.engine.call(far.uri)
                await far.invited()
                monkeypatch.setattr(LegSecurity, "apply", fault)
                far.answer("one", "200 OK", alice.port)
                ended = await call.ended()
                assert (ended.by, ended.reason) == ("local", await reason_of_bye(far, 500))
                await alice.engine.close(timeout=0)

    run(work())
    check_log(logged())


def test_a_name_that_is_found_after_the_answer_ends_the_call(
    monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    async def work() -> None:
        found = asyncio.Event()

        async def addresses(*_: object) -> list[str]:
            await found.wait()
            return ["127.0.0.1"]

        monkeypatch.setattr(Pump, "addresses", addresses)
        with fork() as far:
            async with phone(audio="null") as alice:
                call = alice.engine.call(far.uri)
                await far.invited()
                assert far.invite is not None
                body = describe(far.branches["one"].port, host="far.example.com")
                far.answer_to(far.invite, "one", "200 OK", alice.port, body)
                await call.answered()
                monkeypatch.setattr(LegSecurity, "apply", fault)
                found.set()
                ended = await call.ended()
                assert (ended.by, ended.reason) == ("local", await reason_of_bye(far, 500))
                await alice.engine.close(timeout=0)

    run(work())
    check_log(logged())


def test_keys_that_a_handshake_brings_end_the_call(
    monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    async def work() -> None:
        async with both({"srtp": "require", "dtls": True}) as (alice, bob):
            monkeypatch.setattr(LegSecurity, "_apply_keys", fault)
            call = alice.engine.call(bob.uri)
            ended = await call.ended()
            assert "can't be encrypted: a fault of this phone" in ended.reason
            await bob.heard.next(CallEnded)

    run(work())
    check_log(logged())
    assert "Exception in callback" not in logged()


class TestAnOfferOfOurs:
    def test_ends_a_call_that_has_not_begun_and_nothing_is_sent(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        async def work() -> None:
            with fork() as far:
                async with phone(audio="null") as alice:
                    monkeypatch.setattr(Negotiator, "offer", fault)
                    call = alice.engine.call(far.uri)
                    with pytest.raises(CallError, match="a fault of this phone"):
                        await call.answered(5)
                    ended = await alice.heard.next(CallEnded)
                    assert (ended.code, ended.by) == (None, "local")
                    assert alice.engine.calls == []
                    assert call.media.stream.closed
                    with pytest.raises(BlockingIOError):
                        far.sip.socket.recv(2048)

        run(work())
        check_log(logged())

    def test_refuses_a_call_that_came_without_one(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        async def work() -> None:
            async with phone(audio="null") as alice, phone(audio="null", auto_answer=0) as bob:
                monkeypatch.setattr(Negotiator, "offer", fault)
                with pytest.raises(CallError) as failure:
                    await alice.engine.call(bob.uri, offer=False).answered(5)
                assert failure.value.code == 500
                assert bob.engine.calls == []

        run(work())
        check_log(logged())

    @pytest.mark.parametrize("held", [False, True])
    def test_leaves_a_call_that_stands_as_it_was(
        self, held: bool, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        async def work() -> None:
            async with talking() as (alice, far, call):

                async def agree(way: str) -> None:
                    message = await far.receive()
                    assert isinstance(message, Request)
                    assert f"a={way}".encode() in message.body
                    ours = {"sendonly": "recvonly"}.get(way, way)
                    body = describe(far.branches["one"].port, way=ours)
                    far.answer_to(message, "one", "200 OK", alice.port, body)
                    ack = await far.receive()
                    assert isinstance(ack, Request)
                    assert ack.method == "ACK"

                if held:
                    call.hold()
                    await agree("sendonly")
                before = call.hold_state
                with monkeypatch.context() as patched:
                    patched.setattr("platypus.negotiation.make_audio", fault)
                    (call.resume if held else call.hold)()
                    problem = await alice.heard.next(ErrorOccurred)
                    assert "can't be offered: a fault of this phone" in problem.message
                    call.renew_keys()
                    await alice.heard.next(ErrorOccurred)
                assert (call.state, call.hold_state) == (CallState.CONFIRMED, before)
                assert call.media.stream.held is held
                far.request("INVITE", "one", alice.port, 1)  # asks us for an offer
                response = await far.response(1)
                assert (b"a=sendonly" in response.body) is held
                theirs = describe(far.branches["one"].port, way="recvonly" if held else "sendrecv")
                far.request("ACK", "one", alice.port, 1, theirs)
                (call.resume if held else call.hold)()
                await agree("sendrecv" if held else "sendonly")
                assert call.hold_state == ("none" if held else "local")

        run(work())
        check_log(logged())

    def test_refuses_a_change_that_is_to_be_ours(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        async def work() -> None:
            async with talking() as (alice, far, call):
                with monkeypatch.context() as patched:
                    patched.setattr("platypus.negotiation.make_audio", fault)
                    far.request("INVITE", "one", alice.port, 1)
                    assert (await far.response(1)).status == 500
                far.request("INVITE", "one", alice.port, 2)
                assert (await far.response(2)).status == 200
                assert call.state is CallState.CONFIRMED

        run(work())
        check_log(logged())


class TestAChangeThatIsWanted:
    """RFC 3261, 14.2: refused, and the call goes on as it was."""

    @pytest.mark.parametrize("where", ["the negotiation", "the stream"])
    def test_is_refused_and_nothing_has_changed(
        self, where: str, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        async def work() -> None:
            async with talking() as (alice, far, call):
                plan, other = call.media._negotiator.plan, far.branches["two"].port
                with monkeypatch.context() as patched:
                    if where == "the stream":  # which has taken the half of it by then
                        patched.setattr("platypus.media.session._reporting", fault)
                    else:
                        patched.setattr(Negotiator, "_settle", fault)
                    body = describe(other, PCMA, way="sendonly")
                    far.request("INVITE", "one", alice.port, 1, body)
                    assert (await far.response(1)).status == 500
                await alice.heard.next(ErrorOccurred)
                assert (call.state, call.codec) == (CallState.CONFIRMED, "pcmu")
                assert call.hold_state == "none"
                assert call.media._negotiator.plan == plan
                one, two = far.branches["one"], far.branches["two"]
                assert [await latest_type(one) for _ in range(3)][-1] == PCMU
                far.request("INVITE", "one", alice.port, 2, describe(other, PCMA))
                assert (await far.response(2)).status == 200
                assert await latest_type(two) == PCMA

        run(work())
        check_log(logged())

    def test_leaves_the_keys_as_they_were(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        open_leg = MediaCore.open_leg

        def open_near_the_wrap(core: MediaCore, *stream: Any) -> Any:
            def random(count: int) -> bytes:
                return os.urandom(4) + b"\xff\xf8" + os.urandom(count - 6)

            core._random = random
            return open_leg(core, *stream)

        monkeypatch.setattr(MediaCore, "open_leg", open_near_the_wrap)

        async def work() -> None:
            async with both({"srtp": "require"}) as (alice, bob):
                call = alice.engine.call(bob.uri)
                await call.answered()
                await hears(call)
                theirs, changes = bob.engine.calls[0], test_srtp_calls.TestChanges
                await changes.heard_more(call, 20)  # whose sequence numbers have begun anew
                plan = theirs.media._negotiator.plan
                with monkeypatch.context() as patched:
                    patched.setattr("platypus.media.session._reporting", fault)
                    call.renew_keys()
                    problem = await alice.heard.next(ErrorOccurred)
                assert "(500)" in problem.message
                assert theirs.media._negotiator.plan == plan
                await changes.heard_more(call, 20)
                await changes.heard_more(theirs, 20)
                assert changes.refused(call) == changes.refused(theirs) == 0
                call.renew_keys()  # a change that works, works
                await changes.heard_more(call, 20)
                await changes.heard_more(theirs, 20)
                assert theirs.media._negotiator.plan != plan
                assert changes.refused(call) <= 2
                assert changes.refused(theirs) <= 2

        run(work())
        check_log(logged())

"""Calls between two engines whose ringing is reliable, that are updated and refreshed."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.events import CallState, CallStateChanged, ErrorOccurred, IncomingCall, MediaChanged
from platypus.sip.events import RefreshDue
from tests.harness.phones import Phone, phone, run

LONG = ("X-Note", "n" * 1400)


def ring_only(call: Any) -> None:
    """Neither rings by itself nor answers: the test does."""


async def called(callee: Phone) -> Any:
    return (await callee.heard.next(IncomingCall)).call


async def acknowledged(callee: Phone, call: Any) -> None:
    """The ACK is there, of which no event tells."""
    while call.session.state != "confirmed":
        await callee.engine.quiet.next()


@pytest.mark.parametrize("offer", [True, False])
@pytest.mark.parametrize("prack", ["answer", "support", "require"])
def test_early_media_are_agreed_reliably_whoever_offers(prack: Any, offer: bool) -> None:
    async def body() -> None:
        async with phone(prack=prack) as caller, phone(prack="support", incoming=ring_only) as bob:
            call = caller.engine.call(bob.uri, offer=offer)
            incoming = await called(bob)
            incoming.progress()
            await caller.heard.next(CallStateChanged, lambda e: e.state is CallState.EARLY)
            early = await caller.heard.next(MediaChanged)
            there = await bob.heard.next(MediaChanged)
            assert (early.remote, early.local) == (there.local, there.remote)
            incoming.answer()
            await call.answered()
            await acknowledged(bob, incoming)
            assert caller.heard.of(ErrorOccurred) == bob.heard.of(ErrorOccurred) == []

    run(body())


@pytest.mark.parametrize("offer", [True, False])
def test_a_call_that_only_rang_reliably_is_answered_as_any_other(offer: bool) -> None:
    async def body() -> None:
        async with phone(prack="require") as caller, phone(incoming=ring_only) as bob:
            call = caller.engine.call(bob.uri, offer=offer)
            incoming = await called(bob)
            incoming.ring()
            await caller.heard.next(CallStateChanged, lambda e: e.state is CallState.RINGING)
            incoming.answer()
            await call.answered()
            await caller.heard.next(MediaChanged)
            await bob.heard.next(MediaChanged)

    run(body())


def test_answering_at_once_after_early_media_waits_for_nothing_the_user_sees() -> None:
    async def body() -> None:
        async with phone(prack="require") as caller, phone(incoming=ring_only) as bob:
            call = caller.engine.call(bob.uri)
            incoming = await called(bob)
            incoming.progress()
            incoming.answer()
            incoming.hold()  # goes out once the call is acknowledged
            await call.answered()
            await caller.heard.next(CallStateChanged, lambda e: e.hold == "remote")

    run(body())


def test_a_peer_that_takes_no_update_is_refreshed_by_a_re_invite_that_changes_nothing() -> None:
    async def body() -> None:
        async with phone() as caller, phone(auto_answer=0) as bob:
            call = caller.engine.call(bob.uri)
            await call.answered()
            there = bob.engine.calls[0]
            first = there.session.remote_body
            await acknowledged(bob, there)
            before = there.session.dialog.remote_cseq
            call.signals.receive(RefreshDue(call.session))
            caller.engine.pump()
            call.hold()
            await bob.heard.next(CallStateChanged, lambda e: e.hold == "remote")
            assert there.session.dialog.remote_cseq == before + 2
            assert first is not None and first != there.session.remote_body
            assert caller.heard.of(ErrorOccurred) == []

    run(body())


def test_an_update_from_the_far_end_holds_the_call() -> None:
    async def body() -> None:
        async with phone() as caller, phone(auto_answer=0) as bob:
            call = caller.engine.call(bob.uri)
            await call.answered()
            there = bob.engine.calls[0]
            await acknowledged(bob, there)
            there.media.hold(True)
            there.session.update(there.media.offer, bob.engine.now())
            bob.engine.pump()
            await caller.heard.next(CallStateChanged, lambda e: e.hold == "remote")
            await bob.heard.next(CallStateChanged, lambda e: e.hold == "local")

    run(body())


def test_an_invite_too_large_for_a_datagram_comes_by_tcp() -> None:
    async def body() -> None:
        async with phone() as caller, phone(auto_answer=0) as bob:
            call = caller.engine.call(bob.uri, headers=[LONG])
            incoming = await called(bob)
            assert incoming.invite.via.transport == "TCP"
            await call.answered()
            call.hangup()
            await incoming.ended()

    run(body())

"""Transfers by the library: three engines that call each other over the loopback interface."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from platypus import transfer as transfers
from platypus.call import Call
from platypus.errors import ConfigError, StateError
from platypus.events import (
    CallEnded,
    CallState,
    CallStateChanged,
    IncomingCall,
    TransferProgressed,
    Transferred,
    TransferRequested,
)
from tests.harness.phones import Phone, phone, run


class Three:
    """Alice has called Bob; Carol waits."""

    def __init__(self, alice: Phone, bob: Phone, carol: Phone) -> None:
        self.alice, self.bob, self.carol = alice, bob, carol
        self.call: Call = alice.engine.call(bob.uri)

    async def connect(self) -> None:
        await self.call.answered()
        self.bobs: Call = (await self.bob.heard.next(IncomingCall)).call
        await self.confirmed(self.bob, self.bobs)

    async def confirmed(self, who: Phone, call: Call) -> None:
        await who.heard.until(lambda: call.state is CallState.CONFIRMED)

    async def consult(self) -> tuple[Call, Call]:
        """Alice's call to Carol, and Carol's side of it."""
        other = self.alice.engine.call(self.carol.uri)
        await other.answered()
        carols = (await self.carol.heard.next(IncomingCall)).call
        await self.confirmed(self.carol, carols)
        return other, carols

    async def last_word(self) -> TransferProgressed:
        return await self.alice.heard.next(TransferProgressed, lambda event: event.done)


@contextlib.asynccontextmanager
async def three(
    *, bob: dict[str, Any] | None = None, carol: dict[str, Any] | None = None
) -> AsyncIterator[Three]:
    answering = {"auto_answer": 0.0}
    async with (
        phone() as first,
        phone(**answering, **(bob or {})) as second,
        phone(**(answering if carol is None else carol)) as third,
    ):
        found = Three(first, second, third)
        await found.connect()
        yield found


def test_a_call_is_transferred_and_ends() -> None:
    async def work() -> None:
        async with three() as house:
            house.call.transfer(house.carol.uri)
            assert (await house.last_word()).status == 200
            ended = await house.call.ended()
            assert (ended.code, ended.by) == (200, "local")
            (moved,) = house.bob.heard.of(Transferred)
            assert (moved.call, moved.to) == (house.bobs, house.carol.uri)
            await house.bobs.ended()
            assert house.bob.engine.calls == [moved.new]

    run(work())


def test_the_new_call_is_told_of_before_anything_that_becomes_of_it() -> None:
    """Its answer may be there before the loop's next turn."""

    async def work() -> None:
        async with three() as house:
            house.call.transfer(house.carol.uri)
            await house.call.ended()
            events = house.bob.heard.events
            (moved,) = house.bob.heard.of(Transferred)
            told = events[events.index(moved) + 1]
            assert told == CallStateChanged(moved.new, CallState.TRYING, "none")

    run(work())


def test_two_calls_are_joined_and_end() -> None:
    async def work() -> None:
        async with three() as house:
            other, carols = await house.consult()
            house.call.transfer(other)
            await house.call.ended()
            await other.ended()
            (moved,) = house.carol.heard.of(Transferred)
            assert moved.call is carols
            await carols.ended()
            assert house.carol.engine.calls == [moved.new]
            assert moved.new.state is CallState.CONFIRMED

    run(work())


def test_a_replacing_call_is_told_before_it_is_confirmed() -> None:
    async def work() -> None:
        async with three() as house:
            other, _ = await house.consult()
            house.call.transfer(other)
            new = (await house.carol.heard.next(Transferred)).new
            await house.carol.heard.next(CallEnded)
            about = [e for e in house.carol.heard.events if new in (e.call, getattr(e, "new", 0))]
            assert [type(event) for event in about[:2]] == [IncomingCall, Transferred]
            states = [e.state for e in about if isinstance(e, CallStateChanged)]
            assert states == [CallState.CONFIRMED]

    run(work())


def test_a_replacing_call_is_taken_though_the_phone_is_full() -> None:
    async def work() -> None:
        async with three(carol={"auto_answer": 0.0, "max_calls": 1}) as house:
            other, carols = await house.consult()
            house.call.transfer(other)
            await carols.ended()
            assert len(house.carol.engine.calls) == 1

    run(work())


def test_without_a_subscription_the_agreement_ends_the_call() -> None:
    async def work() -> None:
        async with three(carol={}) as house:
            house.call.transfer(house.carol.uri, subscribe=False)
            assert (await house.last_word()).status == 202
            await house.call.ended()
            carols = (await house.carol.heard.next(IncomingCall)).call
            carols.answer()
            new = (await house.bob.heard.next(Transferred)).new
            await house.confirmed(house.bob, new)

    run(work())


def test_a_transfer_that_fails_leaves_both_in_their_call() -> None:
    async def work() -> None:
        async with three(carol={"reject": 486}) as house:
            house.call.transfer(house.carol.uri)
            assert (await house.last_word()).status == 486
            new = (await house.bob.heard.next(Transferred)).new
            await new.ended()
            assert house.call.state is house.bobs.state is CallState.CONFIRMED
            house.call.transfer(house.carol.uri)  # and again, if that is wanted

    run(work())


def test_a_peer_that_is_not_to_be_transferred_says_so() -> None:
    async def work() -> None:
        async with three(bob={"refer": "refuse"}) as house:
            house.call.transfer(house.carol.uri)
            assert (await house.last_word()).status == 603
            assert house.bob.heard.of(Transferred) == []

    run(work())


def test_a_person_may_take_time_to_decide() -> None:
    async def work() -> None:
        async with three(bob={"refer": "ask"}) as house:
            house.call.transfer(house.carol.uri)
            asked = await house.bob.heard.next(TransferRequested)
            assert (asked.call, asked.to) == (house.bobs, house.carol.uri)
            await house.alice.heard.next(TransferProgressed, lambda event: event.status == 100)
            assert house.bob.engine.calls == [house.bobs]
            house.bobs.accept_transfer()
            assert (await house.last_word()).status == 200

    run(work())


def test_who_asked_is_told_that_a_person_hung_up_instead() -> None:
    async def work() -> None:
        async with three(bob={"refer": "ask"}) as house:
            house.call.transfer(house.carol.uri)
            await house.bob.heard.next(TransferRequested)
            house.bobs.hangup()
            assert (await house.last_word()).status == 603
            with pytest.raises(StateError, match="nobody asked"):
                house.bobs.accept_transfer()

    run(work())


def test_a_person_declines() -> None:
    async def work() -> None:
        async with three(bob={"refer": "ask"}) as house:
            house.call.transfer(house.carol.uri)
            await house.bob.heard.next(TransferRequested)
            house.bobs.refuse_transfer()
            assert (await house.last_word()).status == 603
            assert house.call.state is CallState.CONFIRMED

    run(work())


def test_a_call_that_who_transferred_us_forgot_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "FORGOTTEN_AFTER", 0.2)

    async def work() -> None:
        async with three() as house:
            monkeypatch.setattr(house.call, "hangup", lambda: None)
            house.call.transfer(house.carol.uri)
            assert (await house.bobs.ended()).by == "local"
            assert (await house.call.ended()).by == "remote"

    run(work())


def test_the_one_transferred_hangs_up_the_new_call_and_the_old_one_stays() -> None:
    async def work() -> None:
        async with three(carol={}) as house:
            house.call.transfer(house.carol.uri)
            new = (await house.bob.heard.next(Transferred)).new
            await house.carol.heard.next(IncomingCall)
            new.hangup()
            assert (await house.last_word()).status == 487
            assert house.bobs.state is CallState.CONFIRMED

    run(work())


def test_hanging_up_during_a_transfer_ends_it_without_a_word() -> None:
    async def work() -> None:
        async with three(carol={}) as house:
            house.call.transfer(house.carol.uri)
            new = (await house.bob.heard.next(Transferred)).new
            house.call.hangup()
            await house.bobs.ended()
            (await house.carol.heard.next(IncomingCall)).call.answer()
            await house.confirmed(house.bob, new)
            assert [e for e in house.alice.heard.of(TransferProgressed) if e.done] == []

    run(work())


def test_what_can_not_be_transferred_is_said_at_once() -> None:
    async def work() -> None:
        async with three(carol={}) as house:
            ringing = house.alice.engine.call(house.carol.uri)
            with pytest.raises(StateError, match="only an answered call"):
                ringing.transfer(house.bob.uri)
            with pytest.raises(StateError, match="itself"):
                house.call.transfer(house.call)
            with pytest.raises(StateError, match="no account to complete"):
                house.call.transfer("600")
            carols = (await house.carol.heard.next(IncomingCall)).call
            house.carol.engine.call(house.alice.uri)
            incoming = (await house.alice.heard.next(IncomingCall)).call
            with pytest.raises(StateError, match="answer the other call"):
                house.call.transfer(incoming)
            carols.reject(486)
            await ringing.ended()
            with pytest.raises(StateError, match="has ended"):
                house.call.transfer(ringing)
            house.call.transfer(house.carol.uri)
            with pytest.raises(StateError, match="under way"):
                house.call.transfer(house.carol.uri)

    run(work())


def test_an_unknown_rule_is_refused() -> None:
    async def work() -> None:
        with pytest.raises(ConfigError, match="maybe"):
            async with phone(refer="maybe"):
                pass

    run(work())


def test_no_transfer_is_remembered_after_the_calls() -> None:
    async def work() -> None:
        async with three() as house:
            other, _ = await house.consult()
            house.call.transfer(other)
            await house.call.ended()
            await other.ended()
            for each in (house.alice, house.bob, house.carol):
                for call in each.engine.calls:
                    call.hangup()
                    await call.ended()
                kept = each.engine.calling.transfers
                assert (kept._leaving, kept._asked, kept._made) == ({}, {}, {})

    run(work())


def test_a_call_of_ours_that_rings_can_be_picked_up() -> None:
    """RFC 3891, 3: whoever made the early dialog may be asked to give it up."""

    async def work() -> None:
        async with phone() as alice, phone() as bob, phone() as carol:
            call = alice.engine.call(bob.uri)
            ringing = (await bob.heard.next(IncomingCall)).call
            await alice.heard.until(lambda: call.state is CallState.RINGING)
            replaces = f"{call.session.call_id};to-tag={call.session.local_tag};early-only"
            replaces += f";from-tag={ringing.session.local_tag}"
            picked = carol.engine.call(alice.uri, headers=[("Replaces", replaces)])
            await picked.answered()
            moved = await alice.heard.next(Transferred)
            assert moved.call is call
            assert (await call.ended()).code == 487
            assert (await ringing.ended()).by == "remote"
            assert moved.new.state is CallState.CONFIRMED

    run(work())


def test_a_replacement_that_can_not_be_understood_leaves_the_call() -> None:
    async def work() -> None:
        only = {"codecs": ("pcmu",)}
        async with three(bob=only) as house, phone(codecs=("pcma",)) as stranger:
            session = house.bobs.session
            assert session.dialog is not None
            replaces = f"{session.call_id};to-tag={session.local_tag}"
            replaces += f";from-tag={session.dialog.remote.tag}"
            call = stranger.engine.call(house.bob.uri, headers=[("Replaces", replaces)])
            assert (await call.ended()).code == 488
            assert house.call.state is house.bobs.state is CallState.CONFIRMED

    run(work())


def test_a_call_that_is_transferred_is_not_held_first() -> None:
    async def work() -> None:
        async with phone() as alice, phone(hold_others=True) as bob, phone(auto_answer=0) as carol:
            call = alice.engine.call(bob.uri)
            old = (await bob.heard.next(IncomingCall)).call
            old.answer()
            await call.answered()
            call.transfer(carol.uri)
            await call.ended()
            assert {event.hold for event in bob.heard.of(CallStateChanged)} == {"none"}

    run(work())

"""Replaces at the PBX: it names a leg of a bridge, and the phone behind the other leg takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from platypus.account import Account
from platypus.call import Call
from platypus.engine import Engine
from platypus.events import CallState, IncomingCall, Transferred
from platypus.pbx import Pbx
from platypus.sip.session import Session
from tests.harness.phones import Heard, run

NAMES = ("alice", "bob", "carol")


class Phone:
    """A registered user."""

    def __init__(self, engine: Engine, account: Account) -> None:
        self.engine, self.account = engine, account
        self.heard = Heard(engine)

    async def rung(self) -> Call:
        return (await self.heard.next(IncomingCall)).call


@asynccontextmanager
async def house() -> AsyncIterator[tuple[Pbx, Phone, Phone, Phone]]:
    async with (
        Pbx(users={name: name for name in NAMES}) as pbx,
        Engine(listen=("127.0.0.1", 0)) as one,
        Engine(listen=("127.0.0.1", 0)) as two,
        Engine(listen=("127.0.0.1", 0)) as three,
    ):
        phones = []
        for name, engine in zip(NAMES, (one, two, three), strict=True):
            account = engine.account(pbx.uri(name), password=name)
            await account.registered(5)
            phones.append(Phone(engine, account))
        yield pbx, phones[0], phones[1], phones[2]


def its_leg(session: Session, *, early_only: bool = False) -> list[tuple[str, str]]:
    """The header that asks the PBX for the leg to this session."""
    dialog = session.dialog
    assert dialog is not None
    tags = f"to-tag={dialog.remote.tag};from-tag={dialog.local.tag}"
    value = f"{session.call_id};{tags}" + (";early-only" if early_only else "")
    return [("Replaces", value)]


def test_a_call_that_rings_at_one_phone_is_picked_up_by_another() -> None:
    """RFC 5359, 2.16: the caller is asked, as whoever made the call that rings."""

    async def scenario() -> None:
        async with house() as (pbx, alice, bob, carol):
            call = alice.account.call("bob")
            ringing = await bob.rung()
            await alice.heard.until(lambda: call.state is CallState.RINGING)
            leg = its_leg(ringing.session, early_only=True)
            picked = carol.engine.call(pbx.uri("alice"), account=carol.account, headers=leg)
            await picked.answered(5)
            moved = await alice.heard.next(Transferred)
            assert moved.call is call and moved.to == pbx.uri("carol")
            assert (await call.ended(5)).code == 487
            assert (await ringing.ended(5)).by == "remote"

    run(scenario())


@pytest.mark.parametrize("side", ["caller", "called"])
def test_an_answered_call_is_taken_over_from_either_side(side: str) -> None:
    async def scenario() -> None:
        async with house() as (pbx, alice, bob, carol):
            call = alice.account.call("bob")
            taken = await bob.rung()
            taken.answer()
            await call.answered(5)
            await bob.heard.until(lambda: taken.session.state == "confirmed")
            replaced = call if side == "caller" else taken
            leg = its_leg(replaced.session)
            new = carol.engine.call(pbx.uri("bob"), account=carol.account, headers=leg)
            await new.answered(5)
            await call.ended(5)
            await taken.ended(5)
            left = bob if side == "caller" else alice
            (moved,) = left.heard.of(Transferred)
            assert moved.to == pbx.uri("carol")
            assert left.engine.calls == [moved.new]

    run(scenario())


def test_only_a_ringing_call_is_picked_up_where_it_says_so() -> None:
    async def scenario() -> None:
        async with house() as (pbx, alice, bob, carol):
            call = alice.account.call("600")
            await call.answered(5)
            leg = its_leg(call.session, early_only=True)
            ended = await carol.account.call(pbx.uri("alice"), headers=leg).ended(5)
            assert ended.code == 486
            assert call.state is CallState.CONFIRMED
            assert bob.heard.of(IncomingCall) == []

    run(scenario())


def test_whoever_has_no_password_replaces_nothing() -> None:
    async def scenario() -> None:
        async with house() as (pbx, alice, bob, _), Engine(listen=("127.0.0.1", 0)) as thief:
            call = alice.account.call("bob")
            (await bob.rung()).answer()
            await call.answered(5)
            stolen = thief.call(pbx.uri("bob"), headers=its_leg(call.session))
            assert (await stolen.ended(5)).code == 401
            assert call.state is CallState.CONFIRMED

    run(scenario())

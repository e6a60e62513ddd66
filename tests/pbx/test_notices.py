"""Messages, lamps and mailboxes through the PBX: what engines see that use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from platypus.account import Account
from platypus.engine import Engine
from platypus.events import (
    CallEnded,
    CallState,
    CallStateChanged,
    ErrorOccurred,
    IncomingCall,
    MessageReceived,
    MessageWaiting,
    Notified,
)
from platypus.pbx import Pbx
from platypus.sip.events import RequestReceived
from tests.harness.phones import Heard, run

USERS = {"alice": "one", "bob": "two", "carol": "three"}


class House:
    """A PBX and the phones that a test asks for."""

    def __init__(self, pbx: Pbx, stack: AsyncExitStack) -> None:
        self.pbx = pbx
        self._stack = stack

    async def phone(
        self, user: str, *, handlers: Any = None, **options: Any
    ) -> tuple[Account, Heard]:
        """A phone of that user, registered."""
        engine = Engine(listen=("127.0.0.1", 0), handlers=handlers)
        await self._stack.enter_async_context(engine)
        heard = Heard(engine)
        account = engine.account(self.pbx.uri(user), password=USERS[user], **options)
        if options.get("register", True):
            await account.registered(5)
        return account, heard


@asynccontextmanager
async def house(**options: Any) -> AsyncIterator[House]:
    async with Pbx(users=USERS, **options) as pbx, AsyncExitStack() as stack:
        yield House(pbx, stack)


def incoming(heard: Heard) -> Any:
    return heard.of(IncomingCall)[-1].call


class TestMessages:
    def test_reach_every_phone_in_the_senders_name(self) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, heard = await at.phone("alice")
                phones = [(await at.phone("bob"))[1] for _ in range(2)]
                alice.message("bob", "lunch?")
                for one in phones:
                    message = await one.next(MessageReceived)
                    assert (message.from_, message.text) == (at.pbx.uri("alice"), "lunch?")
                assert heard.of(ErrorOccurred) == []

        run(scenario())

    @pytest.mark.parametrize(("to", "code"), [("bob", "480"), ("nobody", "404")])
    def test_for_whom_there_is_no_phone_come_back(self, to: str, code: str) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, heard = await at.phone("alice")
                alice.message(to, "hello")
                assert code in (await heard.next(ErrorOccurred)).message

        run(scenario())

    @pytest.mark.parametrize(
        ("codes", "told"), [((480, 486), "486"), ((480, 603), "603"), ((486, 200), None)]
    )
    def test_are_refused_with_the_best_of_all_refusals(
        self, codes: tuple[int, int], told: str | None
    ) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, heard = await at.phone("alice")
                asked: list[int] = []

                def refusing(code: int) -> Any:
                    def refuse(event: RequestReceived) -> None:
                        asked.append(code)
                        agent = engines[code].user_agent
                        agent.respond(event.key, code, now=engines[code].now())

                    return refuse

                engines: dict[int, Engine] = {}
                for code in codes:
                    account, _ = await at.phone("bob", handlers={"MESSAGE": refusing(code)})
                    engines[code] = account._engine
                alice.message("bob", "hello")
                if told is not None:
                    assert told in (await heard.next(ErrorOccurred)).message
                else:
                    # Its own phones answer in order: this comes back after the first message.
                    alice.message("alice", "done?")
                    await heard.next(MessageReceived)
                    assert heard.of(ErrorOccurred) == []
                assert sorted(asked) == sorted(codes)

        run(scenario())

    def test_need_a_password(self) -> None:
        async def scenario() -> None:
            async with house() as at, Engine(listen=("127.0.0.1", 0)) as engine:
                _, heard = await at.phone("bob")
                stranger = Heard(engine)
                engine.message(at.pbx.uri("bob"), "hello")
                assert "401" in (await stranger.next(ErrorOccurred)).message
                assert heard.of(MessageReceived) == []

        run(scenario())

    def test_come_from_nobody_but_their_sender(self) -> None:
        async def scenario() -> None:
            async with house() as at, Engine(listen=("127.0.0.1", 0)) as engine:
                stranger = Heard(engine)
                account = engine.account(
                    at.pbx.uri("bob"), auth_user="alice", password="one", register=False
                )
                account.message("carol", "hello")
                assert "403" in (await stranger.next(ErrorOccurred)).message

        run(scenario())


class TestLamps:
    def test_follow_a_call_between_users(self) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, _ = await at.phone("alice")
                _, bob = await at.phone("bob")
                carol, heard = await at.phone("carol")
                carol.watch("alice")
                carol.watch("bob")
                await heard.count(Notified, 2)
                call = alice.call("bob")
                for user in ("alice", "bob"):
                    await state_of(heard, at.pbx.uri(user), "early")
                incoming(bob).answer()
                for user in ("alice", "bob"):
                    await state_of(heard, at.pbx.uri(user), "confirmed")
                call.hangup()
                for user in ("alice", "bob"):
                    await state_of(heard, at.pbx.uri(user), "terminated")

        run(scenario())

    def test_follow_a_call_to_an_extension(self) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, _ = await at.phone("alice")
                carol, heard = await at.phone("carol")
                carol.watch("alice")
                await heard.next(Notified)
                call = alice.call("600")
                await state_of(heard, at.pbx.uri("alice"), "confirmed")
                call.hangup()
                await state_of(heard, at.pbx.uri("alice"), "terminated")

        run(scenario())

    @pytest.mark.parametrize(
        ("to", "package", "code"),
        [
            ("nobody", "dialog", "404"),
            ("bob", "presence", "489"),
            ("bob", "message-summary", "403"),
        ],
    )
    def test_what_is_not_there_or_not_ones_own_is_refused(
        self, to: str, package: str, code: str
    ) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, heard = await at.phone("alice")
                alice.watch(to, package)
                assert code in (await heard.next(ErrorOccurred)).message

        run(scenario())

    @pytest.mark.parametrize("watched_before", [True, False])
    def test_a_call_that_rings_is_picked_up_from_one(self, watched_before: bool) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, calling = await at.phone("alice")
                _, bob = await at.phone("bob")
                carol, heard = await at.phone("carol")
                if watched_before:
                    carol.watch("bob")
                    await heard.next(Notified)
                alice.call("bob")
                await bob.next(IncomingCall)
                await calling.next(CallStateChanged, lambda e: e.state == CallState.RINGING)
                if watched_before:
                    await state_of(heard, at.pbx.uri("bob"), "early")
                taken = carol.pick_up("bob")
                await taken.answered(5)
                assert (await bob.next(CallEnded)).by == "remote"

        run(scenario())


class TestMailbox:
    @pytest.mark.parametrize("mwi", [True, False])
    def test_what_was_said_to_it_waits_there(self, mwi: bool, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with house(record_dir=tmp_path) as at:
                alice, heard = await at.phone("alice", mwi=mwi)
                if mwi:
                    first = await heard.next(MessageWaiting)
                    assert (first.waiting, first.new) == (False, 0)
                call = alice.call("615")
                await call.answered(5)
                call.hangup()
                waiting = await heard.next(MessageWaiting, lambda e: e.waiting)
                expected = MessageWaiting(alice, at.pbx.uri("alice"), True, 1, 0)
                assert waiting == expected

        run(scenario())

    def test_nothing_waits_where_nothing_is_kept(self) -> None:
        async def scenario() -> None:
            async with house() as at:
                alice, heard = await at.phone("alice", mwi=True)
                await heard.next(MessageWaiting)
                call = alice.call("615")
                await call.answered(5)
                call.hangup()
                await call.ended(5)
                alice.message("alice", "a while later")
                await heard.next(MessageReceived)
                assert not any(each.waiting for each in heard.of(MessageWaiting))

        run(scenario())


async def state_of(heard: Heard, of: str, state: str) -> None:
    """Wait until the newest word about a lamp is this."""

    def newest() -> str:
        return [each.state for each in heard.of(Notified) if each.from_ == of][-1]

    await heard.until(lambda: newest() == state)

"""The PBX in one process with engines that use it, over the loopback interface."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from platypus.call import Call
from platypus.engine import Engine
from platypus.errors import CallError, NetworkError, RegistrationError
from platypus.events import CallEnded, CallState, DtmfReceived, Event, IncomingCall
from platypus.pbx import Pbx, extensions
from tests.harness.phones import Heard, run

USERS = {"alice": "one", "bob": "two"}


@asynccontextmanager
async def house(**options: Any) -> AsyncIterator[tuple[Pbx, Engine, Heard]]:
    async with Pbx(users=USERS, **options) as pbx, Engine(listen=("127.0.0.1", 0)) as phone:
        yield pbx, phone, Heard(phone)


async def call_as(user: str, password: str, to: str, *, from_user: str | None = None) -> CallEnded:
    """How a call to the PBX ends that is made by `user` with this password."""
    async with house() as (pbx, phone, _):
        account = phone.account(
            pbx.uri(from_user or user), password=password, auth_user=user, register=False
        )
        call = account.call(to)
        return await call.ended(5)


def test_knows_where_a_user_is_registered() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="one")
            await account.registered(5)
            assert pbx.contacts("alice") == [account.contact]
            account.unregister()
            await account.unregistered(5)
            assert pbx.contacts("alice") == []

    run(scenario())


def test_a_time_that_is_too_short_is_asked_for_longer() -> None:
    async def scenario() -> None:
        async with house(min_expires=60) as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="one", expires=5)
            await account.registered(5)
            assert account.expires_in is not None and account.expires_in > 50

    run(scenario())


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("mallory", "one")])
def test_who_is_not_known_does_not_register(user: str, password: str) -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            account = phone.account(pbx.uri(user), password=password)
            with pytest.raises(RegistrationError) as caught:
                await account.registered(5)
            assert caught.value.code == 403

    run(scenario())


def test_nobody_registers_as_somebody_else() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="two", auth_user="bob")
            with pytest.raises(RegistrationError):
                await account.registered(5)
            assert pbx.contacts("alice") == []

    run(scenario())


@pytest.mark.parametrize(
    ("user", "password", "from_user", "code"),
    [
        ("alice", "one", None, 486),
        ("alice", "wrong", None, 403),
        ("mallory", "one", None, 403),
        ("bob", "two", "alice", 403),
    ],
)
def test_only_who_has_the_password_calls_and_in_their_own_name(
    user: str, password: str, from_user: str | None, code: int
) -> None:
    async def scenario() -> None:
        ended = await call_as(user, password, "605", from_user=from_user)
        assert ended.code == code

    run(scenario())


def test_a_caller_without_a_password_is_challenged() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            call = phone.call(pbx.uri("600"))
            assert (await call.ended(5)).code == 401

    run(scenario())


async def answered(call: Call) -> Call:
    await call.answered(10)
    return call


def test_the_echo_gives_back_what_it_hears() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="one", register=False)
            async with await answered(account.call("600", source="tone")) as call:
                await wait_for_sound(call)

    run(scenario())


async def wait_for_sound(call: Call) -> None:
    async for frame in call.frames():
        if any(frame):
            return
    raise AssertionError("the call ended without a sound")


@pytest.mark.parametrize("to", ["600", "bob"])
def test_a_phone_that_requires_reliable_ringing_calls_all_the_same(to: str) -> None:
    async def scenario() -> None:
        async with (
            house() as (pbx, bob, _),
            Engine(listen=("127.0.0.1", 0), prack="require") as alice,
        ):
            theirs = bob.account(pbx.uri("bob"), password="two")
            await theirs.registered(5)
            bob.subscribe(answer_early)
            account = alice.account(pbx.uri("alice"), password="one", register=False)
            async with await answered(account.call(to, source="tone")) as call:
                assert call.codec == "pcmu"

    run(scenario())


def answer_early(event: Event) -> None:
    """First its media, then the answer."""
    if isinstance(event, IncomingCall):
        event.call.progress()
        event.call.answer()


@pytest.mark.parametrize("extension", ["601", "602", "603"])
def test_what_plays_is_heard(extension: str) -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="one", register=False)
            async with await answered(account.call(extension)) as call:
                await wait_for_sound(call)

    run(scenario())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extensions that wait for a person wait less."""
    monkeypatch.setattr(extensions, "EARLY_SECONDS", 0.5)
    monkeypatch.setattr(extensions, "RING_SECONDS", 0.3)


@pytest.mark.usefixtures("quick")
def test_early_media_are_heard_before_the_refusal() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="one", register=False)
            call = account.call("608")
            await wait_for_sound(call)
            assert call.state is CallState.EARLY
            with pytest.raises(CallError) as caught:
                await call.answered(10)
            assert caught.value.code == 404

    run(scenario())


@pytest.mark.usefixtures("quick")
def test_ringing_goes_before_a_late_answer() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, heard):
            account = phone.account(pbx.uri("alice"), password="one", register=False)
            async with account.call("604") as call:
                await heard.until(lambda: call.state is CallState.RINGING)
                await call.answered(10)

    run(scenario())


def test_digits_are_said_back_and_then_sounded() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, heard):
            account = phone.account(pbx.uri("alice"), password="one", register=False)
            async with await answered(account.call("609")) as call:
                call.send_dtmf("7#")
                events = await heard.count(DtmfReceived, 2)
                assert [event.digit for event in events] == ["7", "#"]
                await wait_for_sound(call)

    run(scenario())


def test_what_is_said_is_recorded(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with house(record_dir=tmp_path) as (pbx, phone, _):
            account = phone.account(pbx.uri("alice"), password="one", register=False)
            async with await answered(account.call("615", source="tone")) as call:
                frames = call.frames()
                for _ in range(25):  # half a second by the clock of the media
                    await anext(frames)

    run(scenario())
    with wave.open(str(tmp_path / "615-1.wav")) as file:
        assert any(file.readframes(file.getnframes()))


def test_a_caller_without_a_name_is_connected_without_one() -> None:
    async def scenario() -> None:
        async with house() as (pbx, phone, heard):
            alice = phone.account(pbx.uri("alice"), password="one", register=False, anonymous=True)
            bob = phone.account(pbx.uri("bob"), password="two")
            await bob.registered(5)
            alice.call("bob")
            call = (await heard.next(IncomingCall)).call
            assert (call.remote, call.display_name) == (
                "sip:anonymous@anonymous.invalid",
                "Anonymous",
            )
            assert "alice" not in str(call.headers)

    run(scenario())


def test_a_port_that_is_taken_is_said() -> None:
    async def scenario() -> None:
        async with house() as (pbx, _, __):
            with pytest.raises(NetworkError, match=str(pbx.address[1])):
                await Pbx(listen=pbx.address, users=USERS).start()

    run(scenario())


def test_leaving_twice_is_leaving_once() -> None:
    async def scenario() -> None:
        async with house() as (pbx, _, __):
            await pbx.close()
            await pbx.close()

    run(scenario())

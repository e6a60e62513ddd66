"""The engine inside another program, against servers that others wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platypus import Account, Call, CallEnded, CallError, Engine, IncomingCall, RegistrationError
from tests.harness.kamailio import Kamailio
from tests.harness.listening import RATE, Pcm, find, levels, speech, write_wav
from tests.harness.namespace import host_address
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def account(phone: Engine, user: str, kamailio: Kamailio, password: str | None = None) -> Account:
    return phone.account(
        f"sip:{user}@{kamailio.address}", password=password or kamailio.users[user]
    )


async def take_next_call(phone: Engine) -> Call:
    async for event in phone.events():
        if isinstance(event, IncomingCall):
            return event.call
    raise AssertionError("the engine closed")


async def say(call: Call, voice: Pcm) -> None:
    await call.write(voice.astype("<i2").tobytes())


async def listen(call: Call, samples: int) -> Pcm:
    heard = b""
    async for frame in call.frames():
        assert len(frame) == 320
        heard += frame
        if len(heard) >= 2 * samples:
            break
    return np.frombuffer(heard, "<i2").astype(np.int16)


def test_two_engines_in_one_process_talk_through_kamailio_sample_by_sample(bench: Bench) -> None:
    kamailio = bench.kamailio()
    voices = [levels(speech(2, seed=seed), "pcmu") for seed in (51, 52)]

    async def work() -> None:
        async with (
            Engine(listen=("127.0.0.1", 0)) as one,
            Engine(listen=("127.0.0.1", 0)) as two,
            account(one, "alice", kamailio) as alice,
            account(two, "bob", kamailio) as bob,
        ):
            await asyncio.gather(alice.registered(), bob.registered())
            incoming = asyncio.create_task(take_next_call(two))
            await asyncio.sleep(0)
            async with alice.call("bob") as call:
                other = await incoming
                other.answer()
                await call.answered(timeout=5)
                heard = await asyncio.gather(
                    listen(call, 3 * RATE),
                    listen(other, 3 * RATE),
                    say(call, voices[0]),
                    say(other, voices[1]),
                )
                for own, voice in ((0, voices[1]), (1, voices[0])):
                    match = find(voice, heard[own])
                    assert match.exact and match.compared == len(voice), match
            ended: CallEnded = await other.ended(timeout=5)
            assert (ended.by, ended.code) == ("remote", 200)

    run(work())


def test_a_wrong_password_raises_where_registration_is_awaited(bench: Bench) -> None:
    kamailio = bench.kamailio()

    async def work() -> None:
        async with (
            Engine(listen=("127.0.0.1", 0)) as phone,
            account(phone, "alice", kamailio, "wrong") as alice,
        ):
            with pytest.raises(RegistrationError, match=r"password|user name"):
                await alice.registered(timeout=10)

    run(work())
    assert kamailio.count("REFUSED", "alice") <= 2


def test_leaving_an_account_unregisters_and_leaving_a_ringing_call_cancels(
    bench: Bench, tmp_path: Path
) -> None:
    kamailio = bench.kamailio(host=host_address())
    peer = bench.baresip(
        "bob",
        write_wav(tmp_path / "bob.wav", speech(2, seed=1)),
        registrar=kamailio.address,
        password=kamailio.users["bob"],
    )
    peer.wait_registered()

    async def work() -> None:
        async with Engine() as phone, account(phone, "alice", kamailio) as alice:
            await alice.registered(timeout=5)
            async with alice.call("bob") as call:
                await asyncio.to_thread(peer.wait_event, "CALL_INCOMING")
            ended = await call.ended(timeout=5)
            assert (ended.code, ended.by) == (487, "local")

    run(work())
    peer.wait_event("CALL_CLOSED")
    assert kamailio.wait_for_count("SAVED", "alice", 2) == 2


def test_the_code_of_a_refusal_is_in_the_error(bench: Bench) -> None:
    kamailio = bench.kamailio()

    async def work() -> None:
        async with (
            Engine(listen=("127.0.0.1", 0)) as phone,
            account(phone, "alice", kamailio) as alice,
            alice.call("nobody") as call,
        ):
            with pytest.raises(CallError) as caught:
                await call.answered(timeout=5)
            assert caught.value.code == 404

    run(work())

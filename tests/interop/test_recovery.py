"""A phone on a real network that fails: cables, addresses, routers, and Kamailio killed.

Each drill has an engine inside a namespace, as on a laptop, and Kamailio in another.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from platypus import Account, Call, CallState, Engine, IncomingCall, MediaChanged, recovery
from platypus.events import CallEnded, MediaState, Registered, RegistrationFailed
from platypus.net import connection, keepalive, stream, stun_client
from platypus.sdp.description import SessionDescription
from platypus.sdp.description import parse as parse_sdp
from platypus.sip import vouching
from platypus.sip.message import Request, parse_message
from tests.harness.by_hand import response_to
from tests.harness.kamailio import Kamailio
from tests.harness.lan import SERVICE, Lan, Machine, Natted
from tests.harness.phones import Heard
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop

LIMIT = 40.0


@pytest.fixture
def lan() -> Iterator[Lan]:
    made = Lan()
    yield made
    made.close()


@pytest.fixture
def natted() -> Iterator[Natted]:
    made = Natted()
    yield made
    made.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep-alives twice a second instead of each half minute, and less patience."""
    monkeypatch.setattr(keepalive, "SHORTEST", 0.4)
    monkeypatch.setattr(keepalive, "LONGEST", 0.5)
    monkeypatch.setattr(connection, "PONG_TIMEOUT", 1.0)
    monkeypatch.setattr(stream, "SWEEP_INTERVAL", 0.25)


def run(machine: Machine, work: Coroutine[Any, Any, None]) -> None:
    with machine.inside():
        asyncio.run(asyncio.wait_for(work, LIMIT))


def kamailio_at(bench: Bench, machine: Machine, **options: Any) -> Kamailio:
    with machine.inside():
        return bench.kamailio(host=SERVICE, **options)


class Phone:
    """An engine with an account at Kamailio; everything it said is kept."""

    def __init__(self, engine: Engine, kamailio: Kamailio, user: str = "alice") -> None:
        self.engine = engine
        self.heard = Heard(engine)
        transport = "" if engine.transport == "udp" else f";transport={engine.transport}"
        self.account: Account = engine.account(
            f"sip:{user}@{kamailio.address}",
            password=kamailio.users[user],
            registrar=f"sip:{kamailio.address}{transport}",
        )

    async def registered(self, number: int) -> Registered:
        """The `number`th time."""
        return (await self.heard.count(Registered, number))[number - 1]

    async def failed(self, word: str) -> RegistrationFailed:
        return await self.heard.next(RegistrationFailed, lambda event: word in event.reason)


class Callee:
    """Bob, in a machine of the PBX's, who answers and is heard."""

    def __init__(self, bench: Bench, kamailio: Kamailio, machine: Machine) -> None:
        with machine.inside():
            self.agent = bench.phone(
                "bob", kamailio, "--auto-answer", "0", "--audio", "tone", host=SERVICE
            )

    @property
    def received(self) -> int:
        return int(self.agent.statistics()["receive"]["packets"])


async def flowing(call: Call, callee: Callee) -> None:
    """RTP gets through both ways, from now on."""
    here = call.statistics()["receive"]["packets"]
    there = await asyncio.to_thread(lambda: callee.received)
    while True:
        await asyncio.sleep(0.1)
        now = await asyncio.to_thread(lambda: callee.received)
        if now > there + 10 and call.statistics()["receive"]["packets"] > here + 10:
            return


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_another_address_is_registered_and_the_call_goes_on_there(
    bench: Bench, lan: Lan, transport: Any
) -> None:
    kamailio = kamailio_at(bench, lan.pbx)
    callee = Callee(bench, kamailio, lan.pbx)

    async def work() -> None:
        async with Engine(transport=transport, audio="tone") as engine:
            phone = Phone(engine, kamailio)
            assert "10.98.1.2" in (await phone.registered(1)).contact
            call = phone.account.call("bob")
            await call.answered(timeout=5)
            await flowing(call, callee)

            await asyncio.to_thread(lan.by_radio_instead)
            assert "our address changed" in (await phone.failed("10.98.2.2")).reason
            assert "10.98.2.2" in (await phone.registered(2)).contact
            await phone.heard.next(
                MediaChanged,
                lambda e: e.state is MediaState.STARTED and str(e.local).startswith("10.98.2.2"),
            )
            await flowing(call, callee)
            assert call.state is CallState.CONFIRMED
            call.hangup()
            await call.ended(timeout=5)

    run(lan.phone, work())
    assert "expires=0" in kamailio.output or transport == "tcp"
    callee.agent.wait_event("call", state="ended", code=200)


def test_without_network_it_is_not_registered_and_with_it_it_is_and_the_call_goes_on(
    bench: Bench, lan: Lan
) -> None:
    kamailio = kamailio_at(bench, lan.pbx)
    callee = Callee(bench, kamailio, lan.pbx)

    async def work() -> None:
        async with Engine(audio="tone") as engine:
            phone = Phone(engine, kamailio)
            await phone.registered(1)
            call = phone.account.call("bob")
            await call.answered(timeout=5)
            await asyncio.to_thread(lan.pull_out)
            await phone.failed("no route")
            assert phone.account.state != "registered"
            await asyncio.sleep(0.5)
            assert phone.account.state != "registered"
            await asyncio.to_thread(lan.plug_in)
            await asyncio.wait_for(phone.registered(2), 3)
            await flowing(call, callee)

    run(lan.phone, work())


def test_a_phone_that_starts_before_its_network_is_registered_with_it(
    bench: Bench, lan: Lan
) -> None:
    kamailio = kamailio_at(bench, lan.pbx)
    lan.pull_out()

    async def work() -> None:
        async with Engine() as engine:
            phone = Phone(engine, kamailio)
            await phone.failed("no route")
            await asyncio.sleep(0.5)  # by itself it would try again later
            await asyncio.to_thread(lan.plug_in)
            await asyncio.wait_for(phone.registered(1), 2)

    run(lan.phone, work())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_kamailio_killed_is_noticed_and_restarted_is_found(
    bench: Bench, lan: Lan, transport: Any
) -> None:
    kamailio = kamailio_at(bench, lan.pbx)

    def kill() -> None:
        kamailio.signal(signal.SIGKILL)
        kamailio.stop()

    async def work() -> None:
        async with Engine(transport=transport) as engine:
            phone = Phone(engine, kamailio)
            await phone.registered(1)
            await asyncio.to_thread(kill)
            await phone.failed(SERVICE)
            assert phone.account.state != "registered"
            again = await asyncio.to_thread(kamailio_at, bench, lan.pbx, port=kamailio.port)
            await phone.registered(2)
            await asyncio.to_thread(again.wait_for_count, "SAVED", "alice", 1)

    run(lan.phone, work())


def test_a_pbx_that_forgot_us_between_two_keep_alives_is_asked(
    bench: Bench, lan: Lan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed and started again before anybody said a word: its port answers as ever."""
    monkeypatch.setattr(vouching, "PATIENCE", 2.0)
    kamailio = kamailio_at(bench, lan.pbx)

    def restart() -> Kamailio:
        kamailio.signal(signal.SIGKILL)
        kamailio.stop()
        return kamailio_at(bench, lan.pbx, port=kamailio.port)

    async def work() -> None:
        async with Engine() as engine:
            phone = Phone(engine, kamailio)
            await phone.registered(1)
            again = await asyncio.to_thread(restart)
            await phone.registered(2)
            await asyncio.to_thread(again.wait_for_count, "SAVED", "alice", 1)
            assert not phone.heard.of(RegistrationFailed)

    run(lan.phone, work())


@pytest.mark.usefixtures("quick")
def test_a_connection_that_is_half_dead_is_given_up(bench: Bench, lan: Lan) -> None:
    """Everything on it is dropped on the way, without a word to either side."""
    kamailio = kamailio_at(bench, lan.pbx)

    async def work() -> None:
        async with Engine(transport="tcp") as engine:
            phone = Phone(engine, kamailio)
            await phone.registered(1)
            flow = next(iter(engine.user_agent.flows))
            await asyncio.sleep(1.2)  # a ping was answered meanwhile
            with lan.pbx.inside():
                connections = lan.pbx.run("ss", "-tnH", "sport", "=", str(kamailio.port))
            port = connections.split()[-1].rpartition(":")[2]
            lan.pbx.nft(
                "add table ip drill; add chain ip drill in { type filter hook input priority 0; };"
                f"add rule ip drill in tcp sport {port} drop"
            )
            await phone.failed("does not answer any more")
            await phone.registered(2)
            assert flow not in engine.user_agent.flows

    run(lan.phone, work())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_after_a_night_asleep_it_is_registered_and_the_call_is_still_there(
    bench: Bench, lan: Lan, monkeypatch: pytest.MonkeyPatch, transport: Any
) -> None:
    """The clock jumps by eight hours; Kamailio and Bob, who did not sleep, know nothing of it."""
    monkeypatch.setattr(recovery, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(recovery, "LOOK_SELDOM", 0.2)
    kamailio = kamailio_at(bench, lan.pbx)
    callee = Callee(bench, kamailio, lan.pbx)

    async def work() -> None:
        async with Engine(transport=transport, audio="tone", session_expires=0) as engine:
            phone = Phone(engine, kamailio)
            await phone.registered(1)
            (registration,) = engine.user_agent.registrations
            before = registration.flow
            call = phone.account.call("bob")
            await call.answered(timeout=5)
            awake = engine._pump.clock
            engine._pump.clock = lambda: awake() + 8 * 3600
            await phone.failed("expired")
            await phone.registered(2)
            await flowing(call, callee)
            assert call.state is CallState.CONFIRMED
            assert (registration.flow == before) == (transport == "udp")

    run(lan.phone, work())
    kamailio.expect("ROUTED INVITE")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_behind_a_nat_it_is_called_and_heard(bench: Bench, natted: Natted, transport: Any) -> None:
    """Nothing but what we send lets anything in: rport, the connection, and symmetric RTP."""
    kamailio = kamailio_at(bench, natted.pbx)
    callee = Callee(bench, kamailio, natted.pbx)

    async def work() -> None:
        async with Engine(transport=transport, audio="tone") as engine:
            phone = Phone(engine, kamailio)
            assert "@10.98.1.2:" in (await phone.registered(2)).contact
            await asyncio.to_thread(callee.agent.command, "call", to="alice")
            incoming = await phone.heard.next(IncomingCall)
            incoming.call.answer()
            await flowing(incoming.call, callee)
            await asyncio.to_thread(callee.agent.command, "hangup")
            ended: CallEnded = await incoming.call.ended(timeout=5)
            assert (ended.code, ended.by) == (200, "remote")
            call = phone.account.call("bob")
            await call.answered(timeout=5)
            await flowing(call, callee)

    run(natted.phone, work())


@pytest.mark.usefixtures("quick")
def test_a_router_that_forgot_us_is_noticed_by_stun(bench: Bench, natted: Natted) -> None:
    kamailio = kamailio_at(bench, natted.pbx, stun=True)
    callee = Callee(bench, kamailio, natted.pbx)

    async def work() -> None:
        async with Engine(audio="tone") as engine:
            phone = Phone(engine, kamailio)
            assert "@10.98.1.2:" in (await phone.registered(2)).contact
            call = phone.account.call("bob")
            await call.answered(timeout=5)
            await flowing(call, callee)
            await asyncio.sleep(1.2)  # so that the keep-alive knows where we are seen
            await asyncio.to_thread(natted.renumber)
            await phone.failed("seen at changed from 10.98.1.2")
            assert "@10.98.1.3:" in (await phone.registered(3)).contact
            await flowing(call, callee)
            await asyncio.to_thread(callee.agent.command, "hangup")
            assert (await call.ended(timeout=5)).by == "remote"

    run(natted.phone, work())
    assert "@10.98.1.2" not in kamailio.lines[-1]


@pytest.mark.usefixtures("quick")
def test_a_server_that_answers_no_stun_any_more_is_given_up(
    bench: Bench, lan: Lan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs, with its socket open: no ICMP error tells."""
    monkeypatch.setattr(stun_client, "FIRST_WAIT", 0.1)
    kamailio = kamailio_at(bench, lan.pbx, stun=True)

    async def work() -> None:
        async with Engine() as engine:
            phone = Phone(engine, kamailio)
            await phone.registered(1)
            await asyncio.sleep(1.2)
            kamailio.freeze()
            await phone.failed("does not answer any more")
            assert phone.account.state != "registered"
            kamailio.thaw()
            await phone.registered(2)

    run(lan.phone, work())


class Deaf:
    """A phone at the PBX that answers a call, and sends to where the offer says for ever."""

    def __init__(self) -> None:
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for each in (self.sip, self.rtp):
            each.bind((SERVICE, 0))
            each.setblocking(False)
        self.uri = f"sip:deaf@{SERVICE}:{self.sip.getsockname()[1]}"

    async def answer(self) -> SessionDescription:
        """Take the INVITE that comes, without `received` and `rport` in the answer."""
        loop = asyncio.get_running_loop()
        data, source = await loop.sock_recvfrom(self.sip, 65_536)
        invite = parse_message(data)
        assert isinstance(invite, Request)
        port = self.rtp.getsockname()[1]
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {SERVICE}\r\ns=-\r\nc=IN IP4 {SERVICE}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\n"
        )
        self.sip.sendto(response_to(invite, "200 OK", tag="1", contact=self.uri, body=body), source)
        return parse_sdp(invite.body)

    async def speak(self, address: tuple[str, int]) -> None:
        """A second of silence as G.711, at the pace of speech."""
        for number in range(50):
            header = bytes([0x80, 0]) + number.to_bytes(2, "big")
            header += (160 * number).to_bytes(4, "big") + b"deaf"
            self.rtp.sendto(header + bytes([0xD5]) * 160, address)
            await asyncio.sleep(0.02)


def test_stun_tells_where_rtp_is_to_be_sent_where_nobody_else_helps(bench: Bench) -> None:
    natted = Natted(symmetric=False)
    stun = kamailio_at(bench, natted.pbx, stun=True)
    with natted.pbx.inside():
        deaf = Deaf()

    async def work() -> None:
        async with Engine(stun=(SERVICE, stun.port)) as engine:
            call = engine.call(deaf.uri)
            offer = await deaf.answer()
            assert offer.connection == "10.98.1.2"
            await call.answered(timeout=5)
            await deaf.speak(("10.98.1.2", offer.media[0].port))
            assert call.statistics()["receive"]["packets"] > 40

    run(natted.phone, work())
    natted.close()

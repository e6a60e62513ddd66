"""A running engine whose clock jumps or whose address goes, on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from platypus import recovery
from platypus.account import Account
from platypus.call import Call
from platypus.engine import Engine
from platypus.errors import NetworkError
from platypus.events import (
    CallState,
    CallStateChanged,
    ErrorOccurred,
    IncomingCall,
    MediaChanged,
    MediaState,
    Registered,
    RegistrationFailed,
)
from platypus.net import changes
from platypus.net.addresses import local_address_for
from platypus.net.resolver import Resolver
from platypus.pbx import Pbx
from tests.harness import lan
from tests.harness.clock_set import set_clock
from tests.harness.phones import Phone, Registrar, phone, registrar, run
from tests.net.nameserver import NameServer


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(recovery, "LOOK_SELDOM", 0.05)


@pytest.fixture
def machine() -> Iterator[lan.Machine]:
    """A machine with an address beside 127.0.0.1."""
    lan.needed()
    made = lan.Machine("phone")
    made.ip("link", "add", "wire", "type", "veth", "peer", "name", "end")
    made.ip("link", "set", "wire", "up")
    made.ip("link", "set", "end", "up")
    made.add_address("wire", "10.97.5.1/24")
    with made.inside():
        yield made
    made.close()


async def account_at(server: str, alice: Phone) -> Account:
    account = alice.engine.account(server, password="secret")
    await account.registered()
    return account


def jump(engine: Engine, seconds: float) -> None:
    """The machine sleeps: the loop's clock stands still."""
    pump = engine._pump
    clock = pump.clock
    pump.clock = lambda: clock() + seconds


def test_after_a_night_asleep_it_says_so_and_registers_at_once() -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            account = await account_at(server.aor, alice)
            jump(alice.engine, 8 * 3600.0)
            failed = await alice.heard.next(RegistrationFailed)
            assert "expired" in failed.reason
            await alice.heard.count(Registered, 2)
            assert account.expires_in is not None
            assert 290 < account.expires_in <= 300

    run(work())


def test_after_a_nap_it_asks_the_registrar_though_the_time_is_not_over() -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            account = await account_at(server.aor, alice)
            jump(alice.engine, 60.0)
            await alice.heard.count(Registered, 2)
            assert account.state == "registered"
            assert not alice.heard.of(RegistrationFailed)

    run(work())


def test_a_sleep_is_noticed_before_the_next_look_where_waking_up_sets_the_clock() -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            await account_at(server.aor, alice)
            alice.engine.recovery._tick()  # the first look, from which on it is watched
            alice.engine.recovery.pause()
            jump(alice.engine, 60.0)
            set_clock()
            await alice.heard.count(Registered, 2)

    run(work())


def test_a_clock_that_is_set_is_no_sleep() -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            await account_at(server.aor, alice)
            asked = len(server.requests)
            alice.engine.recovery._tick()  # the first look, from which on it is watched
            set_clock()
            await asyncio.sleep(0.2)
            assert len(server.requests) == asked

    run(work())


def test_a_sleep_while_the_timer_pauses_is_noticed_after_it() -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            await account_at(server.aor, alice)
            alice.engine.recovery.pause()
            jump(alice.engine, 60.0)
            await asyncio.sleep(0.2)
            assert len(alice.heard.of(Registered)) == 1
            alice.engine.recovery.resume()
            await alice.heard.count(Registered, 2)

    run(work())


def test_an_engine_closed_in_such_a_pause_stays_closed() -> None:
    async def work() -> None:
        engine = Engine()
        await engine.start()
        engine.recovery.pause()
        await engine.close()
        engine.recovery.resume()
        assert engine.recovery._timer is None

    run(work())


def test_nothing_is_asked_while_nothing_happens() -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            await account_at(server.aor, alice)
            asked = len(server.requests)
            await asyncio.sleep(0.5)
            assert len(server.requests) == asked

    run(work())


@pytest.mark.parametrize("told", [True, False], ids=["by netlink", "by looking now and then"])
def test_an_address_that_is_gone_is_noticed(
    machine: lan.Machine, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    if not told:
        monkeypatch.setattr(changes, "_open", lambda: None)

    async def work() -> None:
        async with registrar() as server, phone(listen=("10.97.5.1", 0)) as alice:
            account = await account_at(server.aor, alice)
            machine.remove_address("wire", "10.97.5.1/24")
            failed = await alice.heard.next(RegistrationFailed)
            assert account.state != "registered"
            assert "10.97.5.1 is gone" in failed.reason
            machine.add_address("wire", "10.97.5.1/24")
            await alice.heard.count(Registered, 2)

    run(work())


def test_a_change_that_is_not_ours_asks_nobody(machine: lan.Machine) -> None:
    async def work() -> None:
        async with registrar() as server, phone() as alice:
            await account_at(server.aor, alice)
            asked = len(server.requests)
            machine.add_address("wire", "10.97.6.1/24")
            machine.remove_address("wire", "10.97.6.1/24")
            await asyncio.sleep(3 * changes.SETTLE)
            assert len(server.requests) == asked

    run(work())


def test_another_server_that_the_name_server_tells_of_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def zone(server: Registrar) -> str:
        port = server.engine.address[1]
        return f"_sip._udp 1 IN SRV 1 1 {port} pbx\npbx 1 IN A 127.0.0.1"

    async def work() -> None:
        async with registrar() as first, registrar() as second, phone() as alice:
            first.expires = second.expires = 2  # refreshed after one second
            async with NameServer(zone(first)) as names:
                asking = partial(Resolver, servers=[names.address])
                monkeypatch.setattr("platypus.net.resolver.Resolver", asking)
                account = alice.engine.account("sip:alice@example.com", password="secret")
                await account.registered()
                assert first.requests and not second.requests
                names.set(zone(second))
                while not second.requests:
                    await alice.heard.count(Registered, len(alice.heard.of(Registered)) + 1)
                assert account.state == "registered"
                assert not alice.heard.of(RegistrationFailed)

    run(work())


class Families:
    """What of IPv4 and IPv6 the machine has; both lead to its own loopback interface."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has = 4
        for place in ("transport", "datagram"):
            monkeypatch.setattr(f"platypus.net.{place}.local_address_for", self._local)

    def _local(self, host: str, port: int) -> str:
        if (":" in host) != (self.has == 6):
            raise NetworkError(f"{host}: there is no route to that network")
        return local_address_for(host, port)


async def flowing(call: Call) -> None:
    """What is said is heard again, from now on."""
    before = call.statistics()["receive"]["packets"]
    while True:
        await asyncio.sleep(0.02)
        if call.statistics()["receive"]["packets"] > before + 10:
            return


@pytest.mark.parametrize("options", [{}, {"dtls": True}], ids=["plain", "dtls"])
def test_a_call_goes_on_from_ipv4_to_ipv6_and_back(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, bool]
) -> None:
    families = Families(monkeypatch)

    async def moved(phone: Phone, call: Call, family: int, host: str) -> None:
        families.has = family
        phone.engine.recovery.look()  # as netlink would have it do
        await phone.heard.next(
            MediaChanged, lambda e: e.state is MediaState.STARTED and str(e.local).startswith(host)
        )
        await flowing(call)
        assert call.state is CallState.CONFIRMED

    async def work() -> None:
        async with Pbx(listen=("::", 0), users={"alice": "secret"}) as pbx:
            zone = f"_sip._udp 1 IN SRV 1 1 {pbx.address[1]} pbx\npbx 1 IN A 127.0.0.1\n"
            async with (
                NameServer(zone + "pbx 1 IN AAAA ::1") as names,
                phone(listen=("0.0.0.0", 0), audio="tone", **options) as alice,
            ):
                asking = partial(Resolver, servers=[names.address])
                monkeypatch.setattr("platypus.net.resolver.Resolver", asking)
                account = await account_at("sip:alice@example.com", alice)
                call = account.call("600")
                await call.answered()
                await flowing(call)
                sent = call.statistics()["send"]["packets"]
                await moved(alice, call, 6, "[::1]")
                assert account.contact is not None and "[::1]" in account.contact
                alice.heard.events.clear()
                await moved(alice, call, 4, "127.0.0.1")
                assert call.statistics()["send"]["packets"] > sent
                assert not alice.heard.of(ErrorOccurred)
                call.hangup()
                ended = await call.ended()
                assert ended.code == 200

    run(work())


def test_a_call_that_nobody_has_answered_is_made_again_from_where_we_are() -> None:
    """A router has forgotten us: the answer to what rings over there would not get through."""

    async def work() -> None:
        async with phone(audio="tone") as alice, phone(audio="tone") as bob:
            call = alice.engine.call(bob.uri)
            first = await bob.heard.next(IncomingCall)
            await alice.heard.next(CallStateChanged, lambda e: e.state is CallState.RINGING)
            (flow,) = alice.engine.user_agent.flows
            alice.engine.recovery.flow_lost(flow, "a router forgot us", seen=flow.local)
            told = await alice.heard.next(ErrorOccurred)
            assert "not answered yet, and is made again" in told.message
            assert "a router forgot us" in told.message
            alice.engine.user_agent.reachable(alice.engine.now())
            alice.engine.pump()
            await first.call.ended()
            second = (await bob.heard.count(IncomingCall, 2))[1]
            second.call.answer()
            await call.answered()
            await flowing(call)
            await flowing(second.call)

    run(work())

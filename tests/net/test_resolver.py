"""The resolver, against a DNS server on this machine, and what only the system knows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from platypus.errors import NetworkError
from platypus.net import resolver as module
from platypus.net.locate import target
from platypus.net.resolver import Resolver, by_preference, resolve_numeric
from platypus.sip.flow import Hop
from tests.net.nameserver import NameServer

BOTH = (socket.AF_INET6, socket.AF_INET)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Setup:
    def __init__(self, server: NameServer, families: tuple[socket.AddressFamily, ...]) -> None:
        self.server = server
        self.clock = Clock()
        self.resolver = Resolver(
            os.urandom, families=families, servers=[server.address], clock=self.clock
        )

    async def find(self, uri: str = "sip:example.com") -> list[Hop]:
        return await self.resolver.resolve(uri)


@contextlib.asynccontextmanager
async def served(
    records: str, *, families: tuple[socket.AddressFamily, ...] = (socket.AF_INET,)
) -> AsyncIterator[Setup]:
    async with NameServer(records) as server:
        setup = Setup(server, families)
        try:
            yield setup
        finally:
            setup.resolver.close()


class System:
    """Stands in for the system's resolver."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
        self.asked: list[str] = []

        async def getaddrinfo(_: object, host: str, port: object, **options: object) -> object:
            self.asked.append(host)
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                await asyncio.Event().wait()
            return [(0, 0, 0, "", (address, port)) for address in answer]  # type: ignore[attr-defined]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


NOT_KNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

DOMAIN = """
    @            60 IN NAPTR 10 10 "S" "SIP+D2T" "" _sip._tcp
    @            60 IN A 192.0.2.9
    _sip._tcp    60 IN SRV 0 0 5062 one
    _sip._udp    60 IN SRV 0 0 5064 one
    one          60 IN A 192.0.2.1
    one          60 IN AAAA 2001:db8::1
"""


class TestNumericHosts:
    def test_are_answered_at_once(self) -> None:
        assert resolve_numeric("sip:bob@192.0.2.1") == [Hop("udp", "192.0.2.1", 5060)]

    def test_keep_their_port(self) -> None:
        assert resolve_numeric("sip:192.0.2.1:5070") == [Hop("udp", "192.0.2.1", 5070)]

    def test_may_be_ipv6(self) -> None:
        assert resolve_numeric("sip:bob@[2001:db8::1]:5070") == [Hop("udp", "2001:db8::1", 5070)]

    def test_a_name_is_left_to_be_looked_up(self) -> None:
        assert resolve_numeric("sip:bob@pbx.example.com") is None

    def test_something_like_an_address_is_a_name(self) -> None:
        assert resolve_numeric("sip:bob@192.0.2") is None

    @pytest.mark.parametrize(
        ("uri", "transport", "port"),
        [
            ("sip:b@192.0.2.1", "udp", 5060),
            ("sip:b@192.0.2.1;transport=TCP", "tcp", 5060),
            ("sip:b@192.0.2.1;transport=tls", "tls", 5061),
            ("sips:b@192.0.2.1", "tls", 5061),
        ],
    )
    def test_the_uri_says_the_transport(self, uri: str, transport: Any, port: int) -> None:
        assert resolve_numeric(uri) == [Hop(transport, "192.0.2.1", port)]

    def test_an_unknown_transport_is_named(self) -> None:
        with pytest.raises(NetworkError, match="sctp is not known"):
            target("sip:b@192.0.2.1;transport=sctp")

    @pytest.mark.parametrize("uri", ["tel:+4930123456", "mailto:a@b", "nonsense", "sip:"])
    def test_what_can_not_be_called_is_refused(self, uri: str) -> None:
        with pytest.raises(NetworkError):
            resolve_numeric(uri)


class TestDomains:
    def test_are_found_by_naptr_srv_and_address(self) -> None:
        async def work() -> None:
            async with served(DOMAIN) as setup:
                assert await setup.find() == [Hop("tcp", "192.0.2.1", 5062, "example.com")]

        run(work())

    def test_a_host_with_a_port_is_asked_for_its_address_only(self) -> None:
        async def work() -> None:
            async with served(DOMAIN) as setup:
                hops = await setup.find("sip:one.example.com:5070")
                assert hops == [Hop("udp", "192.0.2.1", 5070, "one.example.com")]
                assert set(setup.server.asked) == {("one", "A")}

        run(work())

    def test_both_families_are_asked_for_where_we_have_sockets(self) -> None:
        async def work() -> None:
            async with served(DOMAIN, families=BOTH) as setup:
                hops = await setup.find("sip:one.example.com:5070")
                assert {hop.host for hop in hops} == {"192.0.2.1", "2001:db8::1"}

        run(work())

    def test_an_alias_is_followed_by_the_server_or_named_as_unknown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        System(monkeypatch, NOT_KNOWN)

        async def work() -> None:
            async with served(DOMAIN) as setup:
                with pytest.raises(NetworkError, match=r"two\.example\.com does not resolve"):
                    await setup.find("sip:two.example.com")

        run(work())

    def test_a_server_that_fails_at_naptr_does_not_stop_the_rest(self) -> None:
        async def work() -> None:
            async with served(DOMAIN) as setup:
                setup.server.refused.add("NAPTR")
                assert (await setup.find())[0].port == 5064

        run(work())

    def test_a_server_that_drops_naptr_is_not_waited_for_twice(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "POINTER_TIMEOUT", 0.2)

        async def work() -> None:
            async with served(DOMAIN) as setup:
                setup.server.silent.add("NAPTR")
                assert (await setup.find())[0].port == 5064  # by SRV, UDP first
                asked = setup.server.asked[("@", "NAPTR")]
                assert (await setup.find())[0].port == 5064
                assert setup.server.asked[("@", "NAPTR")] == asked

        run(work())


class TestMemory:
    def test_an_answer_is_asked_for_once_within_its_ttl(self) -> None:
        async def work() -> None:
            async with served(DOMAIN) as setup:
                await setup.find()
                setup.clock.now += 59
                setup.server.mute = True
                assert (await setup.find())[0].host == "192.0.2.1"

        run(work())

    def test_a_changed_answer_is_seen_after_it(self) -> None:
        async def work() -> None:
            async with served("one 60 IN A 192.0.2.1") as setup:
                await setup.find("sip:one.example.com:5060")
                setup.server.set("one 60 IN A 192.0.2.77")
                setup.clock.now += 61
                assert (await setup.find("sip:one.example.com:5060"))[0].host == "192.0.2.77"

        run(work())

    def test_a_ttl_of_years_is_cut(self) -> None:
        async def work() -> None:
            async with served("one 99999999 IN A 192.0.2.1") as setup:
                await setup.find("sip:one.example.com:5060")
                setup.clock.now += module.LONGEST_TTL + 1
                await setup.find("sip:one.example.com:5060")
                assert setup.server.asked[("one", "A")] == 2

        run(work())

    def test_that_there_is_no_record_is_remembered_too(self) -> None:
        async def work() -> None:
            async with served("@ 60 IN A 192.0.2.9") as setup:
                await setup.find()
                await setup.find()
                assert setup.server.asked[("_sip._udp", "SRV")] == 1

        run(work())

    def test_when_the_servers_fall_silent_the_last_answer_is_used(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ADDRESS_TIMEOUT", 0.2)

        async def work() -> None:
            async with served("one 60 IN A 192.0.2.1") as setup:
                await setup.find("sip:one.example.com:5060")
                setup.server.mute = True
                setup.clock.now += 61
                assert (await setup.find("sip:one.example.com:5060"))[0].host == "192.0.2.1"

        run(work())

    def test_silence_of_all_is_not_remembered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "ADDRESS_TIMEOUT", 0.2)
        monkeypatch.setattr(module, "POINTER_TIMEOUT", 0.2)
        System(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "Temporary failure"))

        async def work() -> None:
            async with served(DOMAIN) as setup:
                setup.server.mute = True
                with pytest.raises(NetworkError, match="name servers did not answer"):
                    await setup.find()
                setup.server.mute = False
                assert (await setup.find())[0].port == 5062

        run(work())

    def test_another_network_forgets_everything(self) -> None:
        async def work() -> None:
            async with served("one 60 IN A 192.0.2.1") as setup:
                await setup.find("sip:one.example.com:5060")
                setup.resolver.forget()
                await setup.find("sip:one.example.com:5060")
                assert setup.server.asked[("one", "A")] == 2

        run(work())

    def test_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_ANSWERS", 4)

        async def work() -> None:
            async with served("one 60 IN A 192.0.2.1") as setup:
                for _ in range(5):
                    for number in range(3):
                        with contextlib.suppress(NetworkError):
                            await setup.find(f"sip:h{number}.example.com")
                assert len(setup.resolver._answers) <= 4

        run(work())

    def test_many_who_ask_at_once_ask_the_server_once(self) -> None:
        async def work() -> None:
            async with served(DOMAIN) as setup:
                await asyncio.gather(*(setup.find() for _ in range(20)))
                assert set(setup.server.asked.values()) == {1}

        run(work())

    def test_one_who_gives_up_does_not_take_the_answer_from_others(self) -> None:
        async def work() -> None:
            async with served(DOMAIN) as setup:
                first = asyncio.create_task(setup.find())
                second = asyncio.create_task(setup.find())
                await asyncio.sleep(0)
                first.cancel()
                assert (await second)[0].host == "192.0.2.1"

        run(work())


class TestWhatTheSystemKnows:
    def find(self, uri: str, **options: Any) -> list[Hop]:
        return asyncio.run(Resolver(os.urandom, **options).resolve(uri))

    def test_a_name_without_a_dot_is_the_systems(self, monkeypatch: pytest.MonkeyPatch) -> None:
        System(monkeypatch, ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
        assert self.find("sip:bob@pbx:5070") == [
            Hop("udp", "192.0.2.1", 5070, "pbx"),
            Hop("udp", "192.0.2.2", 5070, "pbx"),
        ]

    def test_only_addresses_our_sockets_reach_are_taken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        System(monkeypatch, ["2001:db8::1", "192.0.2.1", "fe80::1%eth0"])
        assert [hop.host for hop in self.find("sip:pbx")] == ["192.0.2.1"]

    def test_a_name_dns_does_not_know_may_stand_in_the_hosts_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        System(monkeypatch, ["192.0.2.5"])

        async def work() -> None:
            async with served(DOMAIN) as setup:
                hops = await setup.find("sip:unlisted.example.com")
                assert hops == [Hop("udp", "192.0.2.5", 5060, "unlisted.example.com")]

        run(work())

    def test_what_does_not_exist_is_told_in_a_sentence(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        System(monkeypatch, NOT_KNOWN)
        with pytest.raises(NetworkError, match=r"pbx\.local does not resolve; check"):
            self.find("sip:bob@pbx.local")

    @pytest.mark.parametrize("name", ["a" * 70, "a..b.example", "\u00e4" * 70 + ".example"])
    def test_what_can_not_be_a_name_is_told_the_same_way(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        System(monkeypatch, UnicodeError("label too long"))
        with pytest.raises(NetworkError, match=r"does not resolve|not a SIP"):
            self.find(f"sip:bob@{name}")

    def test_one_that_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        System(monkeypatch, None)
        monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.0)
        with pytest.raises(NetworkError, match="name servers did not answer"):
            self.find("sip:bob@pbx")


class TestPreference:
    def route(self, monkeypatch: pytest.MonkeyPatch, **sources: str | None) -> None:
        def local_address_for(host: str, port: int) -> str:
            source = sources["six" if ":" in host else "four"]
            if source is None:
                raise NetworkError("no route")
            return source

        monkeypatch.setattr(module, "local_address_for", local_address_for)

    ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8::3")

    def test_takes_ipv6_first_and_then_one_of_each_in_turn(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.route(monkeypatch, six="2001:db8::99", four="10.0.0.1")
        assert by_preference(self.ADDRESSES) == [
            *("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3")
        ]

    def test_tries_a_family_without_a_route_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.route(monkeypatch, six=None, four="10.0.0.1")
        assert by_preference(self.ADDRESSES)[:2] == ["192.0.2.1", "192.0.2.2"]

    def test_a_link_local_source_is_no_route(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.route(monkeypatch, six="fe80::1", four="10.0.0.1")
        assert by_preference(self.ADDRESSES)[0] == "192.0.2.1"

    def test_loses_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.route(monkeypatch, six="2001:db8::99", four=None)
        assert sorted(by_preference(self.ADDRESSES)) == sorted(self.ADDRESSES)

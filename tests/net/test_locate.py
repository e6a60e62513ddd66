"""Server location (RFC 3263), with records from a table."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from platypus.errors import NetworkError
from platypus.net.locate import MAX_HOPS, Naptr, Srv, in_order, locate, target
from platypus.sip.flow import Hop


class Table:
    """Records of names; whatever was asked for is remembered."""

    def __init__(
        self,
        *,
        naptr: list[Naptr] | None = None,
        srv: dict[str, list[Srv]] | None = None,
        addresses: dict[str, list[str]] | None = None,
    ) -> None:
        self._naptr, self._srv, self._addresses = naptr or [], srv or {}, addresses or {}
        self.asked: list[str] = []

    async def naptr(self, domain: str) -> list[Naptr]:
        self.asked.append(f"NAPTR {domain}")
        return self._naptr

    async def srv(self, name: str) -> list[Srv]:
        self.asked.append(f"SRV {name}")
        return self._srv.get(name, [])

    async def addresses(self, host: str) -> list[str]:
        self.asked.append(f"A {host}")
        if host not in self._addresses:
            raise NetworkError(f"the name {host} does not resolve")
        return self._addresses[host]


def seeded(seed: int = 1) -> random.Random:
    return random.Random(seed)


def find(uri: str, table: Table) -> list[Hop]:
    return asyncio.run(locate(target(uri), table, seeded().randbytes))


def naptr(order: int, service: str, replacement: str, **other: str) -> Naptr:
    return Naptr(order, 50, other.get("flags", "s"), service, other.get("regexp", ""), replacement)


# RFC 3263, 4.1: the example of the RFC, in the order of its text.
EXAMPLE = [
    naptr(50, "SIPS+D2T", "_sips._tcp.example.com"),
    naptr(90, "SIP+D2T", "_sip._tcp.example.com"),
    naptr(100, "SIP+D2U", "_sip._udp.example.com"),
]
HOSTS = {
    "server1.example.com": ["192.0.2.1"],
    "server2.example.com": ["192.0.2.2"],
    "example.com": ["192.0.2.9"],
}
SERVERS = {
    "_sip._tcp.example.com": [
        Srv(0, 1, 5060, "server1.example.com"),
        Srv(1, 1, 5060, "server2.example.com"),
    ],
    "_sips._tcp.example.com": [Srv(0, 0, 5071, "server2.example.com")],
}


class TestWhatTheUriSays:
    def test_a_numeric_host_asks_for_nothing(self) -> None:
        table = Table()
        assert find("sip:bob@192.0.2.1", table) == [Hop("udp", "192.0.2.1", 5060)]
        assert table.asked == []

    def test_a_port_leaves_only_addresses(self) -> None:
        table = Table(naptr=EXAMPLE, srv=SERVERS, addresses=HOSTS)
        assert find("sip:example.com:5070", table) == [Hop("udp", "192.0.2.9", 5070, "example.com")]
        assert table.asked == ["A example.com"]

    def test_a_transport_leaves_out_naptr(self) -> None:
        table = Table(naptr=EXAMPLE, srv=SERVERS, addresses=HOSTS)
        hops = find("sip:example.com;transport=tcp", table)
        assert [hop.transport for hop in hops] == ["tcp", "tcp"]
        assert "NAPTR example.com" not in table.asked

    def test_tls_by_parameter_is_found_under_sips(self) -> None:
        hops = find("sip:example.com;transport=tls", Table(srv=SERVERS, addresses=HOSTS))
        assert hops == [Hop("tls", "192.0.2.2", 5071, "example.com")]

    def test_a_sips_uri_goes_over_tls_whatever_naptr_prefers(self) -> None:
        prefers_tcp = [naptr(1, "SIP+D2T", "_sip._tcp.example.com"), EXAMPLE[0]]
        hops = find("sips:example.com", Table(naptr=prefers_tcp, srv=SERVERS, addresses=HOSTS))
        assert hops == [Hop("tls", "192.0.2.2", 5071, "example.com")]

    def test_a_sips_uri_with_transport_tcp_is_tls(self) -> None:
        assert target("sips:b@192.0.2.1;transport=tcp").numeric == Hop("tls", "192.0.2.1", 5061)

    def test_a_sips_uri_over_udp_is_refused(self) -> None:
        with pytest.raises(NetworkError, match="over UDP"):
            target("sips:example.com;transport=udp")

    def test_of_maddr_the_address_is_used_and_the_domain_must_be_proved(self) -> None:
        where = target("sips:b@example.com;maddr=192.0.2.9")
        assert where.numeric == Hop("tls", "192.0.2.9", 5061, "example.com")


class TestNaptr:
    def test_orders_the_transports(self) -> None:
        hops = find("sip:example.com", Table(naptr=EXAMPLE, srv=SERVERS, addresses=HOSTS))
        assert hops == [
            Hop("tls", "192.0.2.2", 5071, "example.com"),
            Hop("tcp", "192.0.2.1", 5060, "example.com"),
            Hop("tcp", "192.0.2.2", 5060, "example.com"),
        ]

    def test_may_point_to_another_domain_which_the_certificate_need_not_name(self) -> None:
        table = Table(
            naptr=[naptr(1, "SIPS+D2T", "_sips._tcp.provider.net")],
            srv={"_sips._tcp.provider.net": [Srv(0, 0, 5061, "server1.example.com")]},
            addresses=HOSTS,
        )
        assert find("sip:example.com", table) == [Hop("tls", "192.0.2.1", 5061, "example.com")]

    @pytest.mark.parametrize(
        "record",
        [
            naptr(1, "SIP+D2S", "_sip._sctp.example.com"),
            naptr(1, "SIP+D2T", "_sip._tcp.example.com", flags="u"),
            naptr(1, "SIP+D2T", "_sip._tcp.example.com", regexp="!^.*$!sip:x@y!"),
            naptr(1, "SIP+D2T", ""),
            naptr(1, "E2U+sip", "_sip._tcp.example.com"),
        ],
    )
    def test_what_is_of_no_use_is_passed_over(self, record: Naptr) -> None:
        hops = find("sip:example.com", Table(naptr=[record], srv=SERVERS, addresses=HOSTS))
        assert hops[0] == Hop("tcp", "192.0.2.1", 5060, "example.com")  # by SRV

    def test_that_points_to_nothing_leaves_the_address(self) -> None:
        table = Table(naptr=EXAMPLE, addresses=HOSTS)
        assert find("sip:example.com", table) == [Hop("udp", "192.0.2.9", 5060, "example.com")]


class TestSrv:
    def test_without_naptr_udp_is_tried_before_tcp(self) -> None:
        srv = {**SERVERS, "_sip._udp.example.com": [Srv(0, 0, 5066, "server2.example.com")]}
        hops = find("sip:example.com", Table(srv=srv, addresses=HOSTS))
        assert [(hop.transport, hop.port) for hop in hops] == [
            ("udp", 5066),
            ("tcp", 5060),
            ("tcp", 5060),
        ]

    def test_without_any_the_domain_itself_is_the_server(self) -> None:
        hops = find("sip:example.com", Table(addresses=HOSTS))
        assert hops == [Hop("udp", "192.0.2.9", 5060, "example.com")]

    def test_with_an_empty_target_says_no(self) -> None:
        srv = {"_sip._udp.example.com": [Srv(0, 0, 0, "")]}
        with pytest.raises(NetworkError, match="offers no SIP"):
            find("sip:example.com", Table(srv=srv, addresses=HOSTS))

    def test_a_server_without_an_address_is_passed_over(self) -> None:
        srv = {
            "_sip._udp.example.com": [
                Srv(0, 0, 5060, "gone.example.com"),
                Srv(1, 0, 5060, "server2.example.com"),
            ]
        }
        hops = find("sip:example.com", Table(srv=srv, addresses=HOSTS))
        assert hops == [Hop("udp", "192.0.2.2", 5060, "example.com")]

    def test_when_no_server_has_an_address_that_is_said(self) -> None:
        srv = {"_sip._udp.example.com": [Srv(0, 0, 5060, "gone.example.com")]}
        with pytest.raises(NetworkError, match=r"gone\.example\.com does not resolve"):
            find("sip:example.com", Table(srv=srv, addresses=HOSTS))

    def test_every_address_of_a_server_comes_before_the_next_server(self) -> None:
        hosts = {**HOSTS, "server1.example.com": ["2001:db8::1", "192.0.2.1"]}
        hops = find("sip:example.com;transport=tcp", Table(srv=SERVERS, addresses=hosts))
        assert [hop.host for hop in hops] == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]

    def test_one_place_under_two_names_is_tried_once(self) -> None:
        hosts = {**HOSTS, "server2.example.com": ["192.0.2.1"]}
        hops = find("sip:example.com;transport=tcp", Table(srv=SERVERS, addresses=hosts))
        assert hops == [Hop("tcp", "192.0.2.1", 5060, "example.com")]

    def test_hundreds_are_cut(self) -> None:
        many = [Srv(0, 1, 5060 + number, "server1.example.com") for number in range(300)]
        table = Table(srv={"_sip._udp.example.com": many}, addresses=HOSTS)
        assert len(find("sip:example.com", table)) == MAX_HOPS


class TestOrder:
    def test_is_by_priority_first(self) -> None:
        records = [Srv(20, 100, 1, "c"), Srv(10, 0, 1, "b"), Srv(5, 1, 1, "a")]
        assert [each.target for each in in_order(records, seeded().randbytes)] == ["a", "b", "c"]

    def test_within_a_priority_is_drawn_in_proportion_to_the_weight(self) -> None:
        records = [Srv(0, 10, 1, "tenth"), Srv(0, 30, 1, "third"), Srv(0, 60, 1, "most")]
        source = seeded()
        first = Counter(in_order(records, source.randbytes)[0].target for _ in range(6000))
        assert first["most"] == pytest.approx(3600, abs=200)
        assert first["third"] == pytest.approx(1800, abs=200)
        assert first["tenth"] == pytest.approx(600, abs=150)

    def test_weight_zero_has_a_very_small_chance_beside_others(self) -> None:
        records = [Srv(0, 99, 1, "heavy"), Srv(0, 0, 1, "backup")]
        source = seeded()
        first = Counter(in_order(records, source.randbytes)[0].target for _ in range(5000))
        assert 0 < first["backup"] < 150

    def test_holds_every_record_once(self) -> None:
        records = [Srv(number % 3, number % 5, number, "h") for number in range(30)]
        assert sorted(in_order(records, seeded().randbytes)) == sorted(records)

    @pytest.mark.parametrize("octet", [b"\x00", b"\xff"])
    def test_the_ends_of_the_random_range_draw_somebody(self, octet: bytes) -> None:
        records = [Srv(0, 65535, 1, "a"), Srv(0, 65535, 1, "b"), Srv(0, 0, 1, "c")]
        assert len(in_order(records, lambda count: octet * count)) == 3

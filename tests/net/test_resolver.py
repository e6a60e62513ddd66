"""From a SIP URI to the places to try; no name server is asked."""

import asyncio
import socket

import pytest

from platypus.errors import NetworkError
from platypus.net import resolver
from platypus.net.resolver import resolve, resolve_numeric, target
from platypus.sip.flow import Hop


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


class TestTransport:
    @pytest.mark.parametrize(
        ("uri", "transport", "port"),
        [
            ("sip:b@192.0.2.1", "udp", 5060),
            ("sip:b@192.0.2.1;transport=TCP", "tcp", 5060),
            ("sip:b@192.0.2.1;transport=tls", "tls", 5061),
            ("sips:b@192.0.2.1", "tls", 5061),
        ],
    )
    def test_follows_the_uri(self, uri: str, transport: str, port: int) -> None:
        assert target(uri) == (transport, "192.0.2.1", port)

    def test_an_unknown_one_is_named(self) -> None:
        with pytest.raises(NetworkError, match="sctp is not known"):
            target("sip:b@192.0.2.1;transport=sctp")

    def test_maddr_replaces_the_host(self) -> None:
        assert target("sip:b@example.com;maddr=192.0.2.9") == ("udp", "192.0.2.9", 5060)

    @pytest.mark.parametrize("uri", ["tel:+4930123456", "mailto:a@b", "nonsense", "sip:"])
    def test_what_can_not_be_called_is_refused(self, uri: str) -> None:
        with pytest.raises(NetworkError):
            target(uri)


class Lookup:
    """Stands in for the system's resolver."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
        self.asked: list[tuple[object, object]] = []

        async def getaddrinfo(_: object, host: str, port: int, **options: object) -> object:
            self.asked.append((host, options["family"]))
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                await asyncio.Event().wait()
            return [(0, 0, 0, "", (address, port)) for address in answer]  # type: ignore[attr-defined]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def look_up(uri: str) -> list[Hop]:
    return asyncio.run(resolve(uri, socket.AF_INET))


class TestNames:
    def test_give_a_hop_for_each_address_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Lookup(monkeypatch, ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
        assert look_up("sip:bob@pbx.example.com:5070") == [
            Hop("udp", "192.0.2.1", 5070, "pbx.example.com"),
            Hop("udp", "192.0.2.2", 5070, "pbx.example.com"),
        ]

    def test_are_asked_for_in_the_family_of_our_socket(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lookup = Lookup(monkeypatch, ["192.0.2.1"])
        look_up("sip:bob@pbx.example.com")
        assert lookup.asked == [("pbx.example.com", socket.AF_INET)]

    def test_with_hundreds_of_addresses_are_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Lookup(monkeypatch, [f"192.0.2.{number}" for number in range(200)])
        assert len(look_up("sip:pbx.example.com")) == resolver.MAX_HOPS

    def test_that_do_not_exist_are_told_in_a_sentence(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Lookup(monkeypatch, socket.gaierror(-2, "Name or service not known"))
        with pytest.raises(NetworkError, match=r"pbx\.example\.invalid does not resolve; check"):
            look_up("sip:bob@pbx.example.invalid")

    def test_that_can_not_be_names_are_told_the_same_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Lookup(monkeypatch, UnicodeError("label too long"))
        with pytest.raises(NetworkError, match="does not resolve"):
            look_up(f"sip:bob@{'a' * 70}.example")

    def test_whose_servers_are_silent_are_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Lookup(monkeypatch, None)
        monkeypatch.setattr(resolver, "RESOLVE_TIMEOUT", 0.0)
        with pytest.raises(NetworkError, match="name servers did not answer"):
            look_up("sip:bob@pbx.example.com")

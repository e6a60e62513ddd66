"""Service-Route (RFC 3608): what the registrar asks for is the way of an account's requests."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.sip.settings import AccountSettings
from tests.harness.network import Network, Phone
from tests.harness.peer import Peer

EDGE, CORE = "sip:10.0.0.7;lr", "sip:core.example.net;lr"


class Setup:
    """A phone, its registrar 10.0.0.9, an edge proxy 10.0.0.7 and a stranger 10.0.0.2."""

    def __init__(self, *service_routes: str, **account: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1")
        self.registrar = Peer(self.network, "10.0.0.9")
        self.edge = Peer(self.network, "10.0.0.7")
        self.stranger = Peer(self.network, "10.0.0.2")
        self.account = AccountSettings(aor="sip:alice@10.0.0.9", **account)
        self.registration = self.phone.register(self.account)
        self.network.run(0.1)
        self.granted(*service_routes)

    def granted(self, *service_routes: str, status: int = 200) -> None:
        peer = self.edge if self.account.outbound_proxy else self.registrar
        asked = peer.request("REGISTER")
        headers = [("Expires", "300"), *(("Service-Route", each) for each in service_routes)]
        peer.respond(asked, status, contact=str(asked.contacts[0].uri), headers=headers)
        self.network.run(0.1)

    def call(self, to: str = "sip:bob@10.0.0.9") -> None:
        for peer in (self.registrar, self.edge, self.stranger):
            peer.clear()
        self.phone.call(to, account=self.account)
        self.network.run(0.1)


def routes(peer: Peer, method: str = "INVITE") -> list[str]:
    return [str(route) for route in peer.request(method).routes]


def test_a_call_goes_by_the_routes_in_their_order() -> None:
    setup = Setup(f"<{EDGE}>", f"<{CORE}>")
    setup.call()
    assert routes(setup.edge) == [f"<{EDGE}>", f"<{CORE}>"]
    assert str(setup.edge.request("INVITE").uri) == "sip:bob@10.0.0.9"
    assert not setup.registrar.requests("INVITE")


def test_a_full_address_elsewhere_goes_to_the_host_it_names() -> None:
    setup = Setup(f"<{EDGE}>")
    setup.call("sip:bob@10.0.0.2")
    assert routes(setup.stranger) == []


def test_the_outbound_proxy_comes_first() -> None:
    setup = Setup(f"<{CORE}>", outbound_proxy="sip:10.0.0.7")
    setup.call()
    assert routes(setup.edge) == [f"<{EDGE}>", f"<{CORE}>"]
    setup.call("sip:bob@10.0.0.2")
    assert routes(setup.edge) == [f"<{EDGE}>"]


def test_a_strict_one_is_made_loose() -> None:
    setup = Setup("<sip:10.0.0.7>")
    setup.call()
    assert routes(setup.edge) == [f"<{EDGE}>"]


@pytest.mark.parametrize("package", ["dialog", "message-summary"])
def test_subscriptions_and_messages_go_that_way_too(package: str) -> None:
    setup = Setup(f"<{EDGE}>")
    agent = setup.phone.agent
    setup.phone.do(agent.subscribe, "sip:bob@10.0.0.9", package, account=setup.account)
    setup.phone.do(agent.request, "MESSAGE", "sip:bob@10.0.0.9", account=setup.account)
    setup.network.run(0.1)
    assert routes(setup.edge, "SUBSCRIBE") == routes(setup.edge, "MESSAGE") == [f"<{EDGE}>"]


def test_a_refresh_that_says_nothing_of_it_ends_it() -> None:
    setup = Setup(f"<{EDGE}>")
    setup.network.run(270)
    setup.granted()
    setup.call()
    assert routes(setup.registrar) == []


def test_without_a_binding_there_is_none() -> None:
    setup = Setup(f"<{EDGE}>")
    setup.phone.do(setup.registration.unregister)
    setup.network.run(0.1)
    setup.registrar.respond(setup.registrar.request("REGISTER"), 200)
    setup.network.run(0.1)
    assert setup.registration.state == "unregistered"
    setup.call()
    assert routes(setup.registrar) == []
    assert not setup.phone.agent._stack.service_routes


@pytest.mark.parametrize("value", ["<tel:+49301234>", "nonsense", "<sip:[::1>"])
def test_one_that_nobody_can_follow_is_not_followed(value: str) -> None:
    setup = Setup(f"<{EDGE}>", value)
    assert setup.registration.state == "registered"
    setup.call()
    assert routes(setup.registrar) == []

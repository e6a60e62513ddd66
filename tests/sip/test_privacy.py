"""Calling without a name (RFC 3323, RFC 3325)."""

from __future__ import annotations

from typing import Any

from platypus.sip.message import Request
from platypus.sip.settings import AccountSettings
from tests.harness.network import Network
from tests.harness.peer import Peer

ACCOUNT = AccountSettings(aor="sip:alice@10.0.0.2", display_name="Alice", anonymous=True)
PREFERRED = "P-Preferred-Identity"


class Setup:
    """Alice, her server, and another one."""

    def __init__(self) -> None:
        self.network = Network()
        self.alice = self.network.phone("10.0.0.1")
        self.server = Peer(self.network, "10.0.0.2")
        self.other = Peer(self.network, "10.0.0.3")

    def call(self, peer: Peer, account: AccountSettings = ACCOUNT, **options: Any) -> Request:
        self.alice.call(f"sip:bob@{peer.address[0]}", account=account, **options)
        self.network.run(0.1)
        return peer.request("INVITE")


def test_nothing_but_the_servers_own_field_says_who_we_are() -> None:
    setup = Setup()
    invite = setup.call(setup.server)
    assert str(invite.from_.without_params()) == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert invite.headers.get("Privacy") == "id"
    assert invite.contacts[0].uri.user == "anonymous"
    assert invite.headers.get(PREFERRED) == '"Alice" <sip:alice@10.0.0.2>'


def test_another_server_is_told_nothing() -> None:
    setup = Setup()
    assert b"alice" not in setup.call(setup.other).serialize().lower()


def test_nor_is_one_that_our_server_sends_us_to() -> None:
    setup = Setup()
    invite = setup.call(setup.server)
    setup.server.respond(invite, 302, contact=setup.other.uri)
    setup.network.run(0.1)
    assert PREFERRED not in setup.other.request("INVITE").headers


def test_a_wish_of_the_callers_own_stands() -> None:
    setup = Setup()
    invite = setup.call(setup.server, headers=[("Privacy", "id;critical")])
    assert invite.headers.get_all("Privacy") == ["id;critical"]


def test_an_account_that_is_not_anonymous_says_who_it_is() -> None:
    setup = Setup()
    account = AccountSettings(aor="sip:alice@10.0.0.2", display_name="Alice")
    invite = setup.call(setup.server, account)
    assert invite.from_.display_name == "Alice"
    assert "Privacy" not in invite.headers and PREFERRED not in invite.headers

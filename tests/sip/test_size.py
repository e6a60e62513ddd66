"""How large what we send is: what passes the MTU is lost in fragments (RFC 3261, 18.1.1)."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from platypus.codecs import DEFAULT_CODECS
from platypus.encryption import Encryption
from platypus.negotiation import Negotiator
from platypus.sip.message import Request
from platypus.sip.settings import AccountSettings
from tests.harness.network import Network
from tests.harness.peer import Peer

LIMIT = 1300
WHOLE = 1500 - 20 - 8  # of an Ethernet frame without the headers of IPv4 and UDP
# What Asterisk and Kamailio send: a nonce with a time and a hash in it, an opaque.
NONCE = "1732417200/9f86d081884c7d659a2feaa0c55ad015"
OPAQUE = "5ccc069c403ebaf9f0171e9517f40e41"
CHALLENGE = (
    f'Digest realm="pbx.example.com", nonce="{NONCE}", opaque="{OPAQUE}", '
    'algorithm=SHA-256, qop="auth"'
)
# As the engine makes it for the default account.
ACCOUNT = AccountSettings(
    aor="sip:alice@pbx.example.com",
    password="secret",
    display_name="Alice Liddell",
    instance_id="urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
)


def authenticated_invite(address: str = "192.168.178.123", **encryption: Any) -> Request:
    """The default account's INVITE after a challenge by SHA-256."""
    network = Network()
    phone = network.phone(address, user_agent="Platypus/0.1.0", packages=("dialog",))
    peer = Peer(network, "10.0.0.2")
    network.names["pbx.example.com"] = phone._resolve("sip:10.0.0.2")
    chance = random.Random(1).randbytes
    keys = Encryption(random=chance, fingerprint=lambda: ("sha-256", chance(32)), **encryption)
    negotiator = Negotiator(DEFAULT_CODECS, random=chance, encryption=keys)
    phone.call(
        "sip:+4930123456789@pbx.example.com",
        account=ACCOUNT,
        body=lambda local: negotiator.offer(local, 49172),
    )
    network.run(0.1)
    headers = [("WWW-Authenticate", CHALLENGE)]
    peer.respond(peer.request("INVITE"), 401, headers=headers)
    network.run(0.1)
    return peer.request("INVITE")


def test_the_authenticated_invite_of_the_default_account_fits_a_datagram(
    capsys: pytest.CaptureFixture[str],
) -> None:
    invite = authenticated_invite()
    size = len(invite.serialize())
    with capsys.disabled():
        print(f"\nauthenticated INVITE over UDP: {size} bytes, {len(invite.body)} of them SDP")
    assert "SHA-256" in (invite.headers.get("Authorization") or "")
    assert invite.body.count(b"telephone-event") == 1
    assert size < LIMIT


@pytest.mark.parametrize("dtls", [False, True])
def test_one_with_two_keys_or_a_fingerprint_passes_ethernet_in_one_piece(dtls: bool) -> None:
    invite = authenticated_invite(rule="require", dtls_first=dtls)
    assert invite.body.count(b"a=fingerprint" if dtls else b"a=crypto") == (1 if dtls else 2)
    assert len(invite.serialize()) <= WHOLE


def test_nothing_is_said_twice() -> None:
    invite = authenticated_invite()
    lines = invite.serialize().partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = [line.partition(b":")[0] for line in lines]
    assert [name for name, group in itertools.groupby(sorted(names)) if len(list(group)) > 1] == []

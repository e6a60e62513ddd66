"""Registering and calling at Kamailio over UDP, TCP and TLS, over IPv4 and IPv6.

Its certificate is issued by an authority made for the test.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from tests.harness.agent import Agent
from tests.harness.authority import Authority, Issued
from tests.harness.kamailio import Kamailio
from tests.interop.conftest import Bench

pytestmark = pytest.mark.interop

HOSTS = ["127.0.0.1", "::1"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, strict=False)


class Secured:
    """Kamailio with a certificate, and phones that reach it over one transport."""

    def __init__(self, bench: Bench, authority: Authority, transport: str, host: str) -> None:
        self._bench = bench
        self._options = ["--transport", transport, "--tls-ca", authority.file]
        self._host = f"[{host}]" if ":" in host else host
        issued = authority.issue(addresses=(host,))
        self.kamailio: Kamailio = bench.kamailio(host=host, certificate=issued)
        self.address = self.kamailio.tls_address if transport == "tls" else self.kamailio.address

    def phone(self, user: str, *options: str) -> Agent:
        return self._bench.phone(
            user,
            self.kamailio,
            *("--listen", f"{self._host}:0"),
            *self._options,
            *options,
            account=f"sip:{user}@{self.address}",
        )


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_call_is_made_held_and_ended_by_the_other_side(
    bench: Bench, authority: Authority, transport: str, host: str
) -> None:
    secured = Secured(bench, authority, transport, host)
    alice, bob = secured.phone("alice"), secured.phone("bob", "--auto-answer", "0")
    contact = alice.command("accounts")["accounts"][0]
    assert contact["state"] == "registered"
    call = alice.command("call", to="bob")["call"]
    alice.wait_event("call", call=call, state="confirmed")
    bob.wait_event("call", state="confirmed", hold="none")
    alice.command("hold", call=call)
    bob.wait_event("call", hold="remote")
    alice.command("resume", call=call)
    bob.wait_event("call", hold="none")
    bob.command("hangup")
    ended = alice.wait_event("call", call=call, state="ended")
    assert (ended["code"], ended["by"]) == (200, "remote")
    assert not [line for line in secured.kamailio.lines if "LOST" in line]


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_nothing_of_it_goes_by_datagram(bench: Bench, authority: Authority, transport: str) -> None:
    secured = Secured(bench, authority, transport, "127.0.0.1")
    port = secured.address.rpartition(":")[2]
    capture = bench.capture(f"udp port {port}")
    alice, bob = secured.phone("alice"), secured.phone("bob", "--auto-answer", "0")
    call = alice.command("call", to="bob")["call"]
    alice.wait_event("call", call=call, state="confirmed")
    bob.command("hangup")
    alice.wait_event("call", call=call, state="ended")
    assert alice.quit() == bob.quit() == 0
    assert capture.fields(f"udp.port == {port}", "frame.number") == []


class TestRefusedCertificates:
    """What is said when the certificate can't be believed."""

    def reason(self, bench: Bench, issued: Issued, *options: str, **settings: Any) -> str:
        kamailio = bench.kamailio(certificate=issued, **settings)
        agent = bench.agent(
            *("--transport", "tls", *options),
            account=f"sip:alice@{kamailio.tls_address}",
            password="wonderland",
        )
        event = agent.wait_event("registration_failed")
        assert event["code"] is None
        assert agent.command("accounts")["accounts"][0]["state"] != "registered"
        assert kamailio.count("CHALLENGED", "alice") == 0
        return str(event["reason"])

    def test_of_another_authority(self, bench: Bench, authority: Authority, tmp_path: Path) -> None:
        other = Authority(tmp_path, "Another Authority", strict=False)
        issued = other.issue(addresses=("127.0.0.1",))
        reason = self.reason(bench, issued, "--tls-ca", authority.file)
        assert "issued by" in reason and "Another Authority" in reason

    def test_expired(self, bench: Bench, authority: Authority) -> None:
        issued = authority.issue(
            addresses=("127.0.0.1",), begins=timedelta(days=-9), ends=timedelta(days=-2)
        )
        assert "expired" in self.reason(bench, issued, "--tls-ca", authority.file)

    def test_for_another_name(self, bench: Bench, authority: Authority) -> None:
        issued = authority.issue("other.example.com")
        reason = self.reason(bench, issued, "--tls-ca", authority.file)
        assert "other.example.com" in reason and "127.0.0.1" in reason

    def test_none_of_ours_where_one_is_wanted(self, bench: Bench, authority: Authority) -> None:
        issued = authority.issue(addresses=("127.0.0.1",))
        reason = self.reason(
            *(bench, issued, "--tls-ca", authority.file), client_authority=authority.file
        )
        assert "client certificate" in reason

    def test_ours_satisfies_a_server_that_wants_one(
        self, bench: Bench, authority: Authority
    ) -> None:
        issued = authority.issue(addresses=("127.0.0.1",))
        ours = authority.issue(common_name="alice", client=True)
        kamailio = bench.kamailio(certificate=issued, client_authority=authority.file)
        bench.phone(
            "alice",
            kamailio,
            *("--transport", "tls", "--tls-ca", authority.file),
            *("--tls-cert", ours.certificate_file, "--tls-key", ours.key_file),
            account=f"sip:alice@{kamailio.tls_address}",
        )

    def test_whoever_answers_is_believed_when_told_so(
        self, bench: Bench, authority: Authority
    ) -> None:
        kamailio = bench.kamailio(certificate=authority.issue("other.example.com"))
        bench.phone(
            "alice",
            kamailio,
            *("--transport", "tls", "--tls-insecure"),
            account=f"sip:alice@{kamailio.tls_address}",
        )


def test_a_sips_account_registers_and_calls_over_tls(bench: Bench, authority: Authority) -> None:
    kamailio = bench.kamailio(certificate=authority.issue(addresses=("127.0.0.1",)))
    alice, bob = (
        bench.phone(
            user,
            kamailio,
            *("--tls-ca", authority.file, *more),
            account=f"sips:{user}@{kamailio.tls_address}",
        )
        for user, more in (("alice", ()), ("bob", ("--auto-answer", "0")))
    )
    call = alice.command("call", to="bob")["call"]
    alice.wait_event("call", call=call, state="confirmed")
    bob.command("hangup")
    assert alice.wait_event("call", call=call, state="ended")["code"] == 200


def test_a_pinned_certificate_is_believed_and_no_other(
    bench: Bench, authority: Authority, tmp_path: Path
) -> None:
    pinned, other = authority.issue("a.example.com"), authority.issue("b.example.com")
    config = tmp_path / "phone.toml"
    config.write_text(
        f'transport = "tls"\ntls_pins = ["{pinned.certificate.fingerprint(SHA256()).hex()}"]\n'
    )
    right, wrong = bench.kamailio(certificate=pinned), bench.kamailio(certificate=other)
    bench.phone("alice", right, "--config", str(config), account=f"sip:alice@{right.tls_address}")
    agent = bench.agent(
        *("--config", str(config)), account=f"sip:alice@{wrong.tls_address}", password="wonderland"
    )
    assert "not the pinned one" in agent.wait_event("registration_failed")["reason"]

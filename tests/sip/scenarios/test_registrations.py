"""Registrations with a digest registrar of ours, as in RFC 3665, section 2."""

from __future__ import annotations

import random

from platypus.sip.digest import DigestServer, Verdict
from platypus.sip.events import Event, RegistrationChanged, RequestReceived
from platypus.sip.settings import AccountSettings
from tests.harness.network import Network, Phone


class Registrar:
    """The registrar of sip:...@10.0.0.9: every REGISTER needs the right password."""

    def __init__(self, network: Network) -> None:
        self.phone: Phone = network.phone("10.0.0.9", handled_methods=("REGISTER",))
        self.phone.react = self.react
        self.digest = DigestServer(
            "example.com", {"alice": "secret"}.get, random.Random(2).randbytes, nonce_lifetime=100
        )
        self.network = network
        self.bound: str | None = None

    def react(self, event: Event) -> None:
        assert isinstance(event, RequestReceived)
        request, now = event.request, self.network.now
        respond = self.phone.agent.respond
        verification = self.digest.verify(request, now)
        if verification.verdict is not Verdict.OK:
            stale = verification.verdict is Verdict.STALE
            respond(event.key, 401, headers=self.digest.challenge(now, stale=stale), now=now)
            return
        self.bound = str(request.contacts[0].uri) if request.expires else None
        headers = [("Contact", f"<{self.bound}>;expires=120")] if self.bound else []
        respond(event.key, 200, headers=headers, now=now)


def new_setup(password: str = "secret") -> tuple[Network, Registrar, Phone, AccountSettings]:
    network = Network()
    account = AccountSettings(aor="sip:alice@10.0.0.9", password=password)
    return network, Registrar(network), network.phone("10.0.0.1"), account


def test_new_registration() -> None:
    """RFC 3665, 2.1."""
    network, registrar, phone, account = new_setup()
    registration = phone.register(account)
    network.run(1)
    assert network.ladder() == [
        "1 > 9 REGISTER",
        "9 > 1 401 REGISTER",
        "1 > 9 REGISTER",
        "9 > 1 200 REGISTER",
    ]
    assert registration.state == "registered"
    assert registrar.bound == "sip:alice@10.0.0.1:5060"


def test_update_needs_no_new_challenge_while_the_nonce_lives() -> None:
    """RFC 3665, 2.2."""
    network, _, phone, account = new_setup()
    registration = phone.register(account)
    network.run(1)
    phone.do(registration.refresh)
    network.run(1)
    assert network.ladder()[4:] == ["1 > 9 REGISTER", "9 > 1 200 REGISTER"]


def test_a_day_of_refreshes_never_falls_out() -> None:
    network, _, phone, account = new_setup()
    registration = phone.register(account)
    network.run(1)
    while network.now < 86_400:
        network.run(10)
        assert registration.state == "registered"
    failed = [e for e in phone.events if isinstance(e, RegistrationChanged) and e.code]
    assert failed == []


def test_cancellation() -> None:
    """RFC 3665, 2.4."""
    network, registrar, phone, account = new_setup()
    registration = phone.register(account)
    network.run(1)
    phone.do(registration.unregister)
    network.run(1)
    assert registration.state == "unregistered"
    assert registrar.bound is None
    network.settle()
    assert phone.agent.timers == 0


def test_wrong_password() -> None:
    """RFC 3665, 2.5."""
    network, registrar, phone, account = new_setup("wrong")
    registration = phone.register(account)
    network.run(3600)
    assert network.ladder() == [
        "1 > 9 REGISTER",
        "9 > 1 401 REGISTER",
        "1 > 9 REGISTER",
        "9 > 1 401 REGISTER",
    ]
    assert registration.state == "failed"
    assert registrar.bound is None


def test_the_registrar_comes_back_after_an_hour() -> None:
    network, _, phone, account = new_setup()
    registration = phone.register(account)
    network.run(1)
    network.filters.append(lambda step: not 60 <= step.time < 3600)
    network.run_until(3600)
    assert registration.state in ("failed", "registering")
    network.run_until(3600 + 400)
    assert registration.state == "registered"

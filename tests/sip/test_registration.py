"""Registration against a scripted registrar: the state is the truth at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import ProtocolError
from platypus.sip.backoff import FIRST_RETRY, LONGEST_RETRY
from platypus.sip.events import RegistrationChanged
from platypus.sip.flow import Hop
from platypus.sip.message import Request
from platypus.sip.registration import Registration
from platypus.sip.settings import AccountSettings
from tests.harness.network import Network, Phone
from tests.harness.peer import Peer

CHALLENGE = (
    "WWW-Authenticate",
    'Digest realm="example.com", nonce="n{}", algorithm=MD5, qop="auth"',
)
INSTANCE = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


class Setup:
    """A phone and a registrar that answers when the test says so."""

    def __init__(self, **account: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1")
        self.registrar = Peer(self.network, "10.0.0.9")
        options = {"aor": "sip:alice@10.0.0.9", "password": "secret", **account}
        self.account = AccountSettings(**options)

    def start(self) -> Registration:
        registration: Registration = self.phone.register(self.account)
        self.network.run(0.1)
        return registration

    @property
    def newest(self) -> Request:
        return self.registrar.request("REGISTER")

    def count(self) -> int:
        """REGISTERs so far, retransmissions not counted."""
        return len({request.cseq.number for request in self.registrar.requests("REGISTER")})

    def grant(self, expires: int | None = 300, *, contact: str = "", **options: Any) -> None:
        """200 with our binding in it."""
        request = self.newest
        bound = contact or f"<{request.contacts[0].uri}>;expires={expires}"
        headers = [("Contact", bound), *options.pop("headers", ())]
        self.registrar.respond(request, 200, headers=headers, **options)
        self.network.run(0.1)

    def refuse(self, status: int, *headers: tuple[str, str]) -> None:
        self.registrar.respond(self.newest, status, headers=headers)
        self.network.run(0.1)

    def challenge(self, nonce: int = 1) -> None:
        name, value = CHALLENGE
        self.refuse(401, (name, value.format(nonce)))

    def changes(self) -> list[RegistrationChanged]:
        return [event for event in self.phone.events if isinstance(event, RegistrationChanged)]

    def last(self) -> RegistrationChanged:
        return self.changes()[-1]


class TestRequest:
    def test_goes_to_the_domain_with_the_address_of_record_in_to_and_from(self) -> None:
        setup = Setup(display_name="Alice")
        setup.start()
        request = setup.newest
        assert str(request.uri) == "sip:10.0.0.9"
        assert str(request.to.uri) == str(request.from_.uri) == "sip:alice@10.0.0.9"
        assert request.from_.tag and not request.to.tag
        assert request.to.display_name == "Alice"

    def test_binds_where_we_are_reached(self) -> None:
        setup = Setup(expires=120)
        setup.start()
        (contact,) = setup.newest.contacts
        assert str(contact.uri) == "sip:alice@10.0.0.1:5060"
        assert contact.params["expires"] == "120"
        assert setup.newest.expires == 120

    def test_carries_the_instance(self) -> None:
        setup = Setup(instance_id=INSTANCE)
        setup.start()
        assert f'+sip.instance="<{INSTANCE}>"' in (setup.newest.headers.get("Contact") or "")

    def test_asks_for_the_port_it_is_seen_at(self) -> None:
        setup = Setup()
        setup.start()
        assert setup.newest.via.wants_rport

    def test_every_register_has_one_call_id_and_a_growing_number(self) -> None:
        setup = Setup()
        setup.start()
        setup.grant(60)
        setup.network.run(40)
        requests = setup.registrar.requests("REGISTER")
        assert len({request.call_id for request in requests}) == 1
        numbers = [request.cseq.number for request in requests]
        assert numbers == sorted(numbers) and numbers[0] < numbers[-1]

    def test_an_outbound_proxy_gets_it_as_a_loose_route(self) -> None:
        setup = Setup(aor="sip:alice@example.com", outbound_proxy="sip:10.0.0.9:5060")
        setup.start()
        assert str(setup.newest.uri) == "sip:example.com"
        assert [str(route.uri) for route in setup.newest.routes] == ["sip:10.0.0.9:5060;lr"]

    def test_a_registrar_of_its_own_gets_it(self) -> None:
        setup = Setup(aor="sip:alice@example.com", registrar="sip:10.0.0.9:5060")
        setup.start()
        assert str(setup.newest.uri) == "sip:10.0.0.9:5060"
        assert str(setup.newest.to.uri) == "sip:alice@example.com"

    def test_a_user_part_is_escaped_in_the_contact(self) -> None:
        setup = Setup(aor="sip:al%20ice%25@10.0.0.9")
        registration = setup.start()
        assert "<sip:al%20ice%25@10.0.0.1:5060>" in (setup.newest.headers.get("Contact") or "")
        setup.grant()
        assert registration.state == "registered"

    @pytest.mark.parametrize("name", ["aor", "auth_user", "display_name", "contact_user"])
    def test_text_that_would_break_the_message_is_refused_at_once(self, name: str) -> None:
        with pytest.raises(ValueError, match=name):
            Setup(**{name: "sip:x@y\r\nX: y"})

    @pytest.mark.parametrize("name", ["registrar", "outbound_proxy"])
    def test_another_address_that_is_none_is_refused_at_once(self, name: str) -> None:
        setup = Setup(**{name: "nowhere"})
        with pytest.raises(ProtocolError):
            setup.start()

    def test_an_address_that_is_none_is_refused_at_once(self) -> None:
        setup = Setup(aor="tel:+123")
        with pytest.raises(ProtocolError):
            setup.start()


class TestGranted:
    def test_is_registered_for_what_the_registrar_granted(self) -> None:
        setup = Setup(expires=3600)
        registration = setup.start()
        assert registration.state == "registering"
        setup.grant(120)
        assert registration.state == "registered"
        assert setup.last().expires == 120
        assert setup.last().contact == "sip:alice@10.0.0.1:5060"

    def test_the_time_counts_from_the_request(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.network.run(5)
        setup.grant(120)
        assert registration.expires_at == pytest.approx(120)

    def test_our_contact_is_found_among_others(self) -> None:
        setup = Setup()
        registration = setup.start()
        ours = str(setup.newest.contacts[0].uri)
        others = "<sip:alice@10.0.0.77>;expires=10"
        setup.grant(contact=f"{others}, <{ours}>;expires=90")
        assert registration.expires_at == pytest.approx(90)

    def test_our_contact_is_known_by_its_instance(self) -> None:
        setup = Setup(instance_id=INSTANCE)
        registration = setup.start()
        rewritten = f'<sip:alice@203.0.113.1:1024>;+sip.instance="<{INSTANCE}>";expires=70'
        setup.grant(contact=rewritten + ", <sip:alice@10.0.0.77>;expires=10")
        assert registration.expires_at == pytest.approx(70)

    def test_the_expires_header_counts_where_the_contact_has_none(self) -> None:
        setup = Setup()
        registration = setup.start()
        ours = str(setup.newest.contacts[0].uri)
        setup.grant(contact=f"<{ours}>", headers=[("Expires", "45")])
        assert registration.expires_at == pytest.approx(45)

    def test_a_contact_that_is_not_ours_is_never_taken_for_longer(self) -> None:
        setup = Setup(expires=300)
        registration = setup.start()
        setup.grant(contact="<sip:alice@203.0.113.1:1024>;expires=60")
        assert registration.expires_at == pytest.approx(60)

    def test_a_200_that_grants_nothing_is_no_registration(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant(0)
        assert registration.state == "failed"

    @pytest.mark.parametrize(("granted", "refreshed"), [(3600, 3560), (120, 80), (60, 30), (4, 2)])
    def test_is_refreshed_before_it_expires(self, granted: int, refreshed: float) -> None:
        setup = Setup(registrar="sip:10.0.0.9;transport=tcp")
        setup.start()
        setup.grant(granted)
        setup.network.run_until(refreshed - 0.5)
        assert setup.count() == 1
        setup.network.run_until(refreshed + 0.5)
        assert setup.count() == 2

    def test_stays_registered_while_a_refresh_is_on_its_way(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant(60)
        setup.network.run_until(40)
        assert setup.count() == 2
        assert registration.state == "registered"
        setup.grant(60)
        assert registration.expires_at == pytest.approx(90, abs=0.2)
        assert [change.state for change in setup.changes()] == [
            "registering",
            "registered",
            "registered",
        ]

    def test_is_not_registered_after_the_granted_time_though_a_register_is_unanswered(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant(60)
        setup.network.run_until(59.9)
        assert registration.state == "registered"
        setup.network.run_until(60.0)
        assert registration.state == "failed"
        assert setup.last().retry_in == 0.0
        assert setup.last().code is None
        assert "expired" in setup.last().reason
        assert registration.expires_at is None

    def test_comes_back_when_the_late_refresh_is_answered(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant(60)
        setup.network.run_until(61)
        setup.grant(60)
        assert registration.state == "registered"

    def test_a_refresh_may_be_asked_for(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant(3600)
        setup.phone.do(registration.refresh)
        setup.phone.do(registration.refresh)
        setup.network.run(0.1)
        assert setup.count() == 2


class TestCredentials:
    def test_a_challenge_is_answered(self) -> None:
        setup = Setup(auth_user="alice-auth")
        registration = setup.start()
        setup.challenge()
        authorization = setup.newest.headers.get("Authorization") or ""
        assert 'username="alice-auth"' in authorization and "secret" not in authorization
        setup.grant()
        assert registration.state == "registered"
        assert setup.count() == 2

    def test_a_refresh_answers_the_challenge_beforehand(self) -> None:
        setup = Setup()
        setup.start()
        setup.challenge()
        setup.grant(60)
        setup.network.run_until(40)
        assert "nc=00000002" in (setup.newest.headers.get("Authorization") or "")

    def test_refused_credentials_are_not_sent_again(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.challenge(1)
        setup.challenge(2)
        assert registration.state == "failed"
        assert (setup.last().code, setup.last().retry_in) == (401, None)
        assert "user name" in setup.last().reason and "password" in setup.last().reason
        assert "alice" in setup.last().reason and "secret" not in setup.last().reason
        setup.network.run(3600)
        carrying = [
            request
            for request in setup.registrar.requests("REGISTER")
            if "Authorization" in request.headers
        ]
        assert len({request.cseq.number for request in carrying}) == 1

    def test_a_nonce_that_went_stale_is_no_refusal(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.challenge(1)
        setup.grant(60)
        setup.network.run_until(31)
        name, value = CHALLENGE
        setup.refuse(401, (name, value.format(2) + ", stale=true"))
        setup.grant(60)
        assert registration.state == "registered"

    def test_an_old_nonce_refused_without_stale_is_tried_once_more(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.challenge(1)
        setup.grant(60)
        setup.network.run_until(31)
        setup.challenge(2)
        setup.grant(60)
        assert registration.state == "registered"

    def test_a_password_that_was_changed_costs_two_registers(self) -> None:
        setup = Setup()
        setup.start()
        setup.challenge(1)
        setup.grant(60)
        before = setup.count()
        setup.network.run_until(31)
        setup.challenge(2)
        setup.challenge(3)
        setup.network.run(3600)
        assert setup.count() - before == 2

    @pytest.mark.parametrize("status", [401, 403, 407])
    def test_the_reason_names_user_name_and_password(self, status: int) -> None:
        setup = Setup()
        setup.start()
        setup.challenge(1)
        setup.refuse(status)
        assert setup.last().code == status
        assert "user name" in setup.last().reason and "password" in setup.last().reason
        assert setup.last().retry_in is None

    def test_a_missing_password_is_named(self) -> None:
        setup = Setup(password=None)
        setup.start()
        setup.challenge()
        assert setup.last().code == 401
        assert "no password is set" in setup.last().reason

    def test_trying_again_is_the_users_word(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.challenge(1)
        setup.challenge(2)
        setup.phone.do(registration.register)
        setup.network.run(0.1)
        assert registration.state == "registering"
        setup.challenge(3)
        setup.grant()
        assert registration.state == "registered"


class TestFailure:
    def test_an_interval_too_brief_is_asked_for_longer(self) -> None:
        setup = Setup(expires=60)
        registration = setup.start()
        setup.refuse(423, ("Min-Expires", "1800"))
        assert setup.newest.expires == 1800
        setup.grant(1800)
        assert registration.state == "registered"

    def test_a_registrar_that_asks_for_longer_and_longer_is_not_followed(self) -> None:
        setup = Setup(expires=60)
        registration = setup.start()
        for minimum in (100, 200, 300, 400, 500):
            setup.refuse(423, ("Min-Expires", str(minimum)))
        assert registration.state == "failed"
        assert setup.count() == 4

    def test_a_423_without_a_usable_minimum_fails(self) -> None:
        setup = Setup(expires=60)
        registration = setup.start()
        setup.refuse(423, ("Min-Expires", "60"))
        assert registration.state == "failed"

    def test_silence_fails_after_64_t1_and_is_retried(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.network.run_until(31.9)
        assert registration.state == "registering"
        setup.network.run_until(32.1)
        assert registration.state == "failed"
        retry_in = setup.last().retry_in
        assert setup.last().code is None
        assert retry_in is not None and FIRST_RETRY / 2 <= retry_in <= FIRST_RETRY
        setup.network.run(retry_in)
        assert registration.state == "registering"

    def test_retries_back_off_to_a_limit_with_jitter(self) -> None:
        setup = Setup()
        setup.start()
        setup.network.run(7200)
        delays = [change.retry_in for change in setup.changes() if change.state == "failed"]
        assert delays[3] > delays[0]
        assert all(LONGEST_RETRY / 2 <= delay <= LONGEST_RETRY for delay in delays[7:])
        assert len(set(delays[7:])) > 1

    def test_retry_after_is_respected(self) -> None:
        setup = Setup()
        setup.start()
        setup.refuse(503, ("Retry-After", "120 (maintenance)"))
        assert setup.last().retry_in == 120

    def test_a_name_that_does_not_resolve_is_named(self) -> None:
        setup = Setup(aor="sip:alice@pbx.invalid")
        registration = setup.start()
        assert registration.state == "failed"
        assert "pbx.invalid" in setup.last().reason
        assert setup.last().code is None
        assert setup.last().retry_in is not None

    def test_an_unknown_user_is_named(self) -> None:
        setup = Setup()
        setup.start()
        setup.refuse(404)
        assert "alice" in setup.last().reason

    def test_a_broken_flow_fails_at_once(self) -> None:
        setup = Setup()
        registration = setup.start()
        assert registration.flow is not None
        setup.phone.do(lambda now: setup.phone.agent.failed(registration.flow, "unreachable", now))
        assert registration.state == "failed"
        assert "unreachable" in setup.last().reason

    def test_every_hop_is_tried_in_order(self) -> None:
        setup = Setup(aor="sip:alice@pbx.test")
        setup.network.names["pbx.test"] = [
            Hop("udp", "10.0.0.7", 5060),
            Hop("udp", "10.0.0.8", 5060),
            Hop("udp", "10.0.0.9", 5060),
        ]
        setup.network.unreachable.add(("10.0.0.7", 5060))
        silent = Peer(setup.network, "10.0.0.8")
        registration = setup.start()
        assert silent.requests("REGISTER")
        setup.network.run(32)
        setup.grant()
        assert registration.state == "registered"

    def test_a_503_goes_to_the_next_hop(self) -> None:
        setup = Setup(aor="sip:alice@pbx.test")
        setup.network.names["pbx.test"] = [Hop("udp", f"10.0.0.{n}", 5060) for n in (8, 9)]
        overloaded = Peer(setup.network, "10.0.0.8")
        registration = setup.start()
        overloaded.respond(overloaded.request("REGISTER"), 503)
        setup.network.run(0.1)
        setup.grant()
        assert registration.state == "registered"

    def test_a_redirection_is_followed_this_once(self) -> None:
        setup = Setup()
        other = Peer(setup.network, "10.0.0.8")
        registration = setup.start()
        setup.refuse(302, ("Contact", "<sip:10.0.0.8>"))
        request = other.request("REGISTER")
        assert str(request.uri) == "sip:10.0.0.8"
        bound = [("Contact", f"<{request.contacts[0].uri}>;expires=60")]
        other.respond(request, 200, headers=bound)
        setup.network.run(0.1)
        assert registration.state == "registered"
        setup.network.run(35)
        assert setup.count() == 2

    def test_a_redirection_in_a_circle_ends(self) -> None:
        setup = Setup()
        registration = setup.start()
        for _ in range(10):
            setup.refuse(302, ("Contact", "<sip:10.0.0.9>"))
        assert registration.state == "failed"
        assert setup.count() == 6


class TestRemoval:
    def test_removes_its_own_binding(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant()
        setup.phone.do(registration.unregister)
        setup.network.run(0.1)
        request = setup.newest
        assert request.expires == 0
        assert request.contacts[0].params["expires"] == "0"
        assert registration.state == "registered"
        setup.registrar.respond(request, 200)
        setup.network.run(0.1)
        assert registration.state == "unregistered"
        assert setup.last().reason == ""
        setup.network.settle()
        assert setup.phone.agent.timers == 0

    def test_a_removal_nobody_confirms_ends_too(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant()
        setup.phone.do(registration.unregister)
        setup.network.settle()
        assert registration.state == "unregistered"
        assert "did not confirm" in setup.last().reason

    def test_waits_for_a_register_on_its_way(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.phone.do(registration.unregister)
        setup.network.run(0.1)
        assert setup.count() == 1
        setup.grant()
        assert setup.newest.expires == 0
        setup.registrar.respond(setup.newest, 200)
        setup.network.run(0.1)
        assert registration.state == "unregistered"
        assert "registered" not in [change.state for change in setup.changes()]

    def test_without_a_binding_there_is_nothing_to_remove(self) -> None:
        setup = Setup(aor="sip:alice@pbx.invalid")
        registration = setup.start()
        setup.phone.do(registration.unregister)
        assert registration.state == "unregistered"
        setup.network.settle()
        assert setup.network.log == []

    def test_can_be_registered_again(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant()
        setup.phone.do(registration.unregister)
        setup.network.run(0.1)
        setup.registrar.respond(setup.newest, 200)
        setup.network.run(0.1)
        setup.phone.do(registration.register)
        setup.network.run(0.1)
        assert setup.newest.expires == 300
        assert registration.state == "registering"

    def test_a_forgotten_registration_says_and_does_nothing_more(self) -> None:
        setup = Setup()
        registration = setup.start()
        setup.grant(60)
        setup.phone.agent.forget(registration)
        seen = len(setup.changes())
        setup.network.settle()
        assert setup.phone.agent.registrations == ()
        assert setup.phone.agent.timers == 0
        assert len(setup.changes()) == seen


def test_the_password_shows_nowhere() -> None:
    setup = Setup(password="hunter2")
    registration = setup.start()
    setup.challenge(1)
    texts = [repr(setup.account), repr(registration.account), repr(setup.changes())]
    texts += [step.data.decode() for step in setup.network.log]
    assert not any("hunter2" in text for text in texts)


class TestSeenElsewhere:
    """Behind a NAT the registrar tells where we are seen (RFC 3581, 4)."""

    def grant_seen_at(self, setup: Setup, host: str, port: int) -> None:
        request = setup.newest
        request.headers.set("Via", str(request.via.with_params(received=host, rport=str(port))))
        setup.grant()

    def test_registers_the_address_it_is_seen_at_and_takes_back_its_own(self) -> None:
        setup = Setup()
        registration = setup.start()
        own = str(setup.newest.contacts[0].uri)
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        new, old = setup.newest.contacts
        assert (new.uri.host, new.uri.port) == ("192.0.2.7", 40000)
        assert (str(old.uri), old.params["expires"]) == (own, "0")
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        assert registration.contact == str(new.uri)
        assert setup.count() == 2

    def test_what_is_seen_as_it_is_changes_nothing(self) -> None:
        setup = Setup()
        setup.start()
        own = setup.newest.contacts[0].uri
        self.grant_seen_at(setup, own.host, own.port or 5060)
        assert setup.count() == 1

    def test_a_host_that_is_no_address_is_not_believed(self) -> None:
        setup = Setup()
        setup.start()
        self.grant_seen_at(setup, "evil.example.com", 40000)
        assert setup.count() == 1

    def test_a_port_that_changes_every_time_is_not_run_after(self) -> None:
        setup = Setup()
        setup.start()
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        self.grant_seen_at(setup, "192.0.2.7", 40001)
        assert setup.count() == 2

    def test_a_registrar_that_refuses_to_take_one_back_is_not_asked_again(self) -> None:
        setup = Setup()
        setup.start()
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        setup.refuse(400)
        setup.network.run(LONGEST_RETRY)
        (only,) = setup.newest.contacts
        assert only.uri.host == "192.0.2.7"

    def test_on_a_connection_only_a_nat_counts(self) -> None:
        setup = Setup(registrar="sip:10.0.0.9;transport=tcp")
        setup.start()
        own = setup.newest.contacts[0].uri
        self.grant_seen_at(setup, own.host, 40000)  # the port that the connection has
        assert setup.count() == 1
        setup.phone.do(setup.phone.agent.registrations[0].refresh)
        setup.network.run(0.1)
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        assert str(setup.newest.contacts[0].uri) == "sip:alice@192.0.2.7:40000;transport=tcp"

    def test_a_call_too_large_for_datagrams_is_reached_by_them(self) -> None:
        setup = Setup()
        setup.start()
        for _ in range(2):
            self.grant_seen_at(setup, "192.0.2.7", 40000)
        session = setup.phone.call(
            "sip:bob@10.0.0.9", account=setup.account, headers=[("X", "x" * 1300)]
        )
        setup.network.run(0.1)
        invite = setup.registrar.request("INVITE")
        assert invite.via.transport == "TCP"
        assert invite.contacts[0].uri.host == "192.0.2.7"
        setup.registrar.respond(invite, 200, body=b"v=0 answer")
        setup.network.run(0.1)
        setup.phone.do(session.reinvite, b"v=0 hold")
        setup.network.run(0.1)
        again = setup.registrar.request("INVITE")
        assert str(again.contacts[0].uri) == str(invite.contacts[0].uri)

    def test_calls_are_made_from_there_too(self) -> None:
        setup = Setup()
        setup.start()
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        self.grant_seen_at(setup, "192.0.2.7", 40000)
        setup.phone.call("sip:bob@10.0.0.9", account=setup.account)
        setup.network.run(0.1)
        contact = setup.registrar.request("INVITE").contacts[0].uri
        assert (contact.host, contact.port) == ("192.0.2.7", 40000)


class TestOutbound:
    """One flow that the registrar keeps (RFC 5626)."""

    def start(self) -> Setup:
        setup = Setup(instance_id=INSTANCE)
        setup.start()
        return setup

    def test_asks_for_it_where_there_is_an_instance(self) -> None:
        setup = self.start()
        (contact,) = setup.newest.contacts
        assert contact.params["reg-id"] == "1"
        assert INSTANCE in (contact.params["+sip.instance"] or "")
        assert set(setup.newest.supported) == {"path", "outbound"}

    def test_without_an_instance_there_is_nothing_to_ask_for(self) -> None:
        setup = Setup()
        setup.start()
        assert "reg-id" not in setup.newest.contacts[0].params
        assert setup.newest.supported == ()

    def test_a_first_hop_that_knows_none_is_asked_without(self) -> None:
        setup = self.start()
        setup.refuse(439)
        assert "reg-id" not in setup.newest.contacts[0].params
        assert "outbound" not in setup.newest.supported
        setup.grant()
        assert setup.last().state == "registered"

    def test_a_first_hop_that_says_so_twice_has_refused(self) -> None:
        setup = self.start()
        setup.refuse(439)
        setup.refuse(439)
        assert (setup.last().state, setup.last().code) == ("failed", 439)
        assert setup.count() == 2

    @pytest.mark.parametrize("keeps", [True, False])
    def test_calls_keep_to_a_flow_that_is_kept(self, keeps: bool) -> None:
        """4.3: `;ob` only where the registrar said that it keeps flows."""
        setup = self.start()
        setup.grant(headers=[("Require", "outbound")] if keeps else [])
        setup.phone.call("sip:bob@10.0.0.9", account=setup.account)
        setup.network.run(0.1)
        contact = setup.registrar.request("INVITE").contacts[0].uri
        assert ("ob" in contact.params) == keeps

    def test_says_how_often_the_registrar_wants_to_hear_from_us(self) -> None:
        setup = self.start()
        setup.grant(headers=[("Flow-Timer", "95")])
        (registration,) = setup.phone.agent.registrations
        assert registration.flow_timer == 95
        setup.phone.do(registration.refresh)
        setup.network.run(0.1)
        setup.grant()
        assert registration.flow_timer is None

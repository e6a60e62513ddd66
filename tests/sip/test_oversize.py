"""Requests too large for a datagram, lost connections, and addresses that want TLS."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.sip.events import Answered, IncomingCall, RegistrationChanged, SessionEnded
from platypus.sip.flow import Flow, Hop
from platypus.sip.message import Request
from platypus.sip.oversize import MAX_DATAGRAM
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Peer

LARGE = b"v=0 large\r\n" + b"a=candidate:1\r\n" * 100
CALLEE = ("10.0.0.2", 5060)
CHALLENGE = 'Digest realm="r", nonce="n", qop="auth"'
ALICE = AccountSettings(aor="sip:alice@10.0.0.2", password="secret")


class Setup:
    def __init__(self, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")

    def call(self, target: str = "sip:bob@10.0.0.2", **options: Any) -> Any:
        call = self.phone.call(target, **options)
        self.network.run(0.1)
        return call

    def respond(self, status: int, **options: Any) -> None:
        self.peer.respond(self.invite, status, **options)
        self.network.run(0.1)

    @property
    def invite(self) -> Request:
        return self.peer.request("INVITE")

    def flow(self) -> Flow:
        """By which the newest message came, as the phone sees it."""
        flow = self.peer.inbox[-1][1]
        return Flow(flow.transport, flow.remote, flow.local, flow.number)

    def lose(self, flow: Flow) -> None:
        self.phone.agent.failed(flow, "the server closed it", self.network.now)
        self.phone.pump()
        self.network.run(0.1)


class TestTooLarge:
    def test_what_fits_goes_by_udp(self) -> None:
        setup = Setup()
        setup.call()
        assert len(setup.invite.serialize()) <= MAX_DATAGRAM
        assert setup.invite.via.transport == "UDP"

    def test_what_does_not_goes_by_tcp(self) -> None:
        setup = Setup()
        setup.call(body=LARGE)
        assert setup.invite.via.transport == "TCP"
        assert setup.flow().transport == "tcp"
        assert setup.invite.cseq.number == 1

    def test_a_far_end_without_tcp_gets_the_datagram(self) -> None:
        setup = Setup()
        setup.network.without_tcp.add(CALLEE)
        setup.call(body=LARGE)
        assert setup.invite.via.transport == "UDP"
        assert (setup.invite.body, setup.invite.cseq.number) == (LARGE, 1)
        setup.respond(180)
        setup.network.run(10)
        assert len(setup.peer.requests("INVITE")) == 1

    def test_is_not_held_up_by_a_router_that_swallows_the_attempt(self) -> None:
        setup = Setup()
        setup.network.mute_tcp.add(CALLEE)
        setup.call(body=LARGE)
        assert not setup.peer.requests("INVITE")
        setup.network.run(4)
        assert setup.invite.via.transport == "UDP"

    def test_who_refused_is_not_asked_each_time(self) -> None:
        setup = Setup()
        setup.network.mute_tcp.add(CALLEE)
        setup.call(body=LARGE)
        setup.network.run(4.1)
        setup.peer.clear()
        setup.call(body=LARGE)
        assert setup.invite.via.transport == "UDP"

    def test_but_later_again(self) -> None:
        setup = Setup()
        setup.network.without_tcp.add(CALLEE)
        setup.call(body=LARGE)
        setup.network.without_tcp.clear()
        setup.network.run(700)
        setup.call(body=LARGE)
        assert setup.invite.via.transport == "TCP"

    def test_what_only_credentials_make_too_large_moves_then(self) -> None:
        setup = Setup()
        body = OFFER + b"a" * (1290 - len(self.size(setup)))
        setup.call(account=ALICE, body=body)
        assert setup.invite.via.transport == "UDP"
        setup.respond(401, headers=[("WWW-Authenticate", CHALLENGE)])
        assert setup.invite.via.transport == "TCP"
        assert "Authorization" in setup.invite.headers

    def size(self, setup: Setup) -> bytes:
        call = setup.call(account=ALICE)
        data = setup.invite.serialize()
        setup.phone.do(call.hangup)
        setup.peer.clear()
        return data

    def test_a_change_of_the_call_too(self) -> None:
        setup = Setup()
        call = setup.call()
        setup.respond(200, body=ANSWER)
        setup.phone.do(call.reinvite, LARGE)
        setup.network.run(0.1)
        assert setup.invite.via.transport == "TCP"

    def test_hanging_up_meanwhile_sends_nothing(self) -> None:
        setup = Setup()
        setup.network.mute_tcp.add(CALLEE)
        call = setup.call(body=LARGE)
        setup.phone.do(call.hangup)
        setup.network.settle()
        assert setup.peer.inbox == []
        assert setup.phone.agent.timers == 0


class TestLostConnection:
    def test_what_waited_for_an_answer_goes_again_once(self) -> None:
        """A router may have forgotten one that was idle; the server has not seen the request."""
        setup = Setup()
        setup.call("sip:bob@10.0.0.2;transport=tcp")
        for tries in (2, 2):
            assert not setup.phone.has(SessionEnded)
            setup.lose(setup.flow())
            assert len(setup.peer.requests("INVITE")) == tries
        assert "closed" in setup.phone.next(SessionEnded).reason

    def test_what_rang_already_does_not(self) -> None:
        setup = Setup()
        setup.call("sip:bob@10.0.0.2;transport=tcp")
        setup.respond(180)
        setup.lose(setup.flow())
        assert len(setup.peer.requests("INVITE")) == 1
        assert "closed" in setup.phone.next(SessionEnded).reason

    @pytest.mark.parametrize("refused", [False, True])
    def test_what_went_there_for_its_size_may_go_as_a_datagram(self, refused: bool) -> None:
        setup = Setup()
        setup.call(body=LARGE)
        if refused:
            setup.network.without_tcp.add(CALLEE)
        setup.lose(setup.flow())
        assert len(setup.peer.requests("INVITE")) == 2
        assert setup.invite.via.transport == ("UDP" if refused else "TCP")
        assert setup.invite.body == LARGE

    def test_the_call_goes_on_over_another(self) -> None:
        setup = Setup()
        call = setup.call("sip:bob@10.0.0.2;transport=tcp")
        contact = "sip:bob@10.0.0.2:5060;transport=tcp"
        setup.respond(200, body=ANSWER, contact=contact)
        setup.phone.next(Answered)
        setup.lose(setup.flow())
        asked = self.connects(setup)
        setup.phone.do(call.hangup)
        setup.network.run(0.1)
        assert len(asked) == 1
        assert setup.peer.requests("BYE")

    def test_a_request_that_met_a_dead_one_goes_again(self) -> None:
        setup = Setup()
        call = setup.call("sip:bob@10.0.0.2;transport=tcp")
        contact = "sip:bob@10.0.0.2:5060;transport=tcp"
        setup.respond(200, body=ANSWER, contact=contact)
        flow = setup.flow()
        setup.peer.clear()
        setup.network.filters.append(lambda step: False)
        setup.phone.do(call.reinvite, OFFER)
        setup.network.filters.clear()
        setup.lose(flow)
        assert setup.invite.body == OFFER
        assert not call.ended

    def connects(self, setup: Setup) -> list[Hop]:
        asked: list[Hop] = []
        perform = setup.phone._perform

        def watch(effect: Any) -> None:
            if hasattr(effect, "hop"):
                asked.append(effect.hop)
            perform(effect)

        setup.phone._perform = watch  # type: ignore[method-assign]
        return asked

    def test_an_answer_goes_over_another(self) -> None:
        setup = Setup()
        caller = Caller(setup.peer, ("10.0.0.1", 5060))
        caller.invite(transport="tcp")
        setup.network.run(0.1)
        call = setup.phone.next(IncomingCall).session
        setup.phone.do(call.ring)
        setup.network.run(0.1)
        setup.lose(setup.flow())
        # The connection it came by is no more, so what was said may be lost with it.
        assert setup.peer.responses() == [100, 180, 180]
        setup.phone.do(call.answer, ANSWER)
        setup.network.run(0.1)
        assert setup.peer.response(200).body == ANSWER
        assert setup.flow().transport == "tcp"

    def test_what_is_answered_and_done_asks_for_none(self) -> None:
        setup = Setup()
        setup.peer.send("OPTIONS", "sip:a@10.0.0.1", ("10.0.0.1", 5060), transport="tcp")
        setup.network.run(0.1)
        asked = self.connects(setup)
        setup.lose(setup.flow())
        assert (asked, setup.peer.responses()) == ([], [200])

    def registered(self, uri: str = "sip:10.0.0.2;transport=tcp") -> Setup:
        setup = Setup()
        account = AccountSettings(aor="sip:alice@10.0.0.2", registrar=uri)
        self.registration = setup.phone.register(account)
        setup.network.run(0.1)
        self.grant(setup)
        assert self.registration.state == "registered"
        setup.phone.events.clear()
        return setup

    def grant(self, setup: Setup) -> None:
        request = setup.peer.request("REGISTER")
        setup.peer.respond(request, 200, contact=f"{request.contacts[0].uri}")
        setup.network.run(0.1)

    def test_a_registration_over_it_is_none_and_made_again_at_once(self) -> None:
        setup = self.registered()
        flow = setup.flow()
        setup.lose(flow)
        changes = [e for e in setup.phone.events if isinstance(e, RegistrationChanged)]
        assert [change.state for change in changes] == ["failed", "registering"]
        assert "connection was lost" in changes[0].reason and changes[0].retry_in == 0
        assert len({r.cseq.number for r in setup.peer.requests("REGISTER")}) == 2
        self.grant(setup)
        assert self.registration.state == "registered"

    def test_another_connection_does_not_concern_it(self) -> None:
        setup = self.registered()
        setup.lose(setup.flow()._replace(number=7))
        assert self.registration.state == "registered"

    def test_a_datagram_that_was_refused_is_no_lost_connection(self) -> None:
        setup = self.registered("sip:10.0.0.2")
        setup.lose(setup.flow())
        assert self.registration.state == "registered"


class TestSecureAddresses:
    def test_go_over_tls_and_have_one_of_ours_to_come_back_to(self) -> None:
        setup = Setup()
        setup.network.names["example.com"] = [Hop("tls", "10.0.0.2", 5060, "example.com")]
        setup.call("sips:bob@example.com")
        assert setup.invite.via.transport == "TLS"
        assert str(setup.invite.contacts[0].uri).startswith("sips:")

    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    def test_never_go_over_anything_else(self, transport: Any) -> None:
        setup = Setup()
        setup.network.names["example.com"] = [Hop(transport, "10.0.0.2", 5060)]
        setup.call("sips:bob@example.com")
        assert setup.peer.inbox == []
        assert "TLS" in setup.phone.next(SessionEnded).reason

    def test_the_one_hop_that_is_secure_is_taken(self) -> None:
        setup = Setup()
        hops = [Hop("udp", "10.0.0.7", 5060), Hop("tls", "10.0.0.2", 5060, "example.com")]
        setup.network.names["example.com"] = hops
        setup.call("sips:bob@example.com")
        assert setup.invite.via.transport == "TLS"

    def test_a_secure_proxy_makes_the_call_one(self) -> None:
        setup = Setup()
        setup.network.names["proxy.test"] = [Hop("tls", "10.0.0.2", 5060, "proxy.test")]
        account = AccountSettings(aor="sip:a@example.com", outbound_proxy="sips:proxy.test")
        setup.call("sip:bob@example.com", account=account)
        assert str(setup.invite.contacts[0].uri).startswith("sips:")

    def test_a_registration_of_one_lists_one(self) -> None:
        setup = Setup()
        setup.network.names["example.com"] = [Hop("tls", "10.0.0.2", 5060, "example.com")]
        setup.phone.register(AccountSettings(aor="sips:alice@example.com"))
        setup.network.run(0.1)
        register = setup.peer.request("REGISTER")
        assert str(register.contacts[0].uri) == "sips:alice@10.0.0.1:5060"

    def test_tls_by_a_parameter_asks_for_tls_only_on_the_way_there(self) -> None:
        setup = Setup()
        setup.call("sip:bob@10.0.0.2:5060;transport=tls")
        assert setup.invite.via.transport == "TLS"
        contact = str(setup.invite.contacts[0].uri)
        assert contact == "sip:platypus@10.0.0.1:5060;transport=tls"

"""A registrar that forgets us says nothing of it over UDP: when it is asked, and when it is not."""

from __future__ import annotations

import pytest

from platypus.sip.flow import Flow
from platypus.sip.message import Request
from platypus.sip.registration import Registration
from platypus.sip.settings import AccountSettings
from platypus.sip.vouching import FRESH, PATIENCE, SPREAD
from tests.harness.network import Network
from tests.harness.peer import Peer

EXPIRES = 3600


class Setup:
    """Alice is registered for an hour."""

    def __init__(self, transport: str = "udp") -> None:
        self.network = Network()
        self.phone = self.network.phone("10.0.0.1")
        self.registrar = Peer(self.network, "10.0.0.9")
        self.account = AccountSettings(
            aor="sip:alice@10.0.0.9", registrar=f"sip:10.0.0.9;transport={transport}"
        )
        self.registration: Registration = self.phone.register(self.account)
        self.network.run(0.1)
        self.grant()
        assert self.registration.state == "registered"

    def grant(self) -> None:
        request: Request = self.registrar.request("REGISTER")
        bound = f"<{request.contacts[0].uri}>;expires={EXPIRES}"
        self.registrar.respond(request, 200, headers=[("Contact", bound)])
        self.network.run(0.1)

    @property
    def asked(self) -> int:
        """REGISTERs so far, retransmissions not counted."""
        return len({request.cseq.number for request in self.registrar.requests("REGISTER")})

    def ask_for(self, user: str) -> None:
        """OPTIONS, as a PBX sends to see whether a phone is there."""
        uri = f"sip:{user}@10.0.0.1"
        call_id = f"options-{self.network.now}"
        self.registrar.send("OPTIONS", uri, self.phone.address, call_id=call_id)


class TestPatience:
    def test_it_is_asked_when_nothing_has_shown_for_a_while_that_it_knows_us(self) -> None:
        setup = Setup()
        setup.network.run(SPREAD * PATIENCE - 1)
        assert setup.asked == 1
        setup.network.run((1 - SPREAD) * PATIENCE + 2)
        assert setup.asked == 2

    def test_its_answer_is_good_for_as_long_again(self) -> None:
        setup = Setup()
        for _ in range(10):
            setup.network.run(PATIENCE + 1)
            setup.grant()
        assert setup.asked == 11

    @pytest.mark.parametrize("transport", ["tcp", "tls"])
    def test_a_connection_tells_by_itself(self, transport: str) -> None:
        setup = Setup(transport)
        setup.network.run(EXPIRES / 2)
        assert setup.asked == 1

    def test_a_server_that_asks_for_us_knows_us(self) -> None:
        setup = Setup()
        for _ in range(20):
            setup.network.run(60)
            setup.ask_for("alice")
        assert setup.asked == 1

    def test_and_is_asked_once_it_does_so_no_more(self) -> None:
        setup = Setup()
        for _ in range(5):
            setup.network.run(60)
            setup.ask_for("alice")
        setup.network.run(PATIENCE + 1)
        assert setup.asked == 2

    def test_who_asks_for_somebody_else_shows_nothing(self) -> None:
        setup = Setup()
        for _ in range(9):
            setup.network.run(10)
            setup.ask_for("bob")
        setup.network.run(1)
        assert setup.asked == 2

    def test_whoever_unregisters_is_asked_for_nothing_more(self) -> None:
        setup = Setup()
        setup.phone.do(setup.registration.unregister)
        setup.network.run(0.1)
        setup.grant()
        setup.network.settle()
        assert setup.asked == 2
        assert setup.phone.agent.timers == 0


class TestDoubt:
    def flow(self, setup: Setup) -> Flow:
        assert setup.registration.flow is not None
        return setup.registration.flow

    def test_an_icmp_error_has_it_asked_at_once(self) -> None:
        setup = Setup()
        setup.phone.do(setup.phone.agent.failed, self.flow(setup), "nothing listens there")
        assert setup.asked == 1
        setup.network.run(0.1)
        assert setup.asked == 2

    def test_silence_to_a_call_has_it_asked(self) -> None:
        setup = Setup()
        setup.phone.call("sip:600@10.0.0.9", account=setup.account)
        setup.network.run(32.5)
        assert setup.asked == 2

    def test_a_481_has_it_asked(self) -> None:
        """A PBX that has forgotten a call has forgotten more."""
        setup = Setup()
        setup.network.run(FRESH)
        setup.phone.do(setup.phone.agent.options, "sip:600@10.0.0.9")
        setup.network.run(0.1)
        setup.registrar.respond(setup.registrar.request("OPTIONS"), 481)
        setup.network.run(0.1)
        assert setup.asked == 2

    def test_a_481_of_somebody_else_does_not(self) -> None:
        setup = Setup()
        other = Peer(setup.network, "10.0.0.8")
        setup.network.run(FRESH)
        setup.phone.do(setup.phone.agent.options, "sip:600@10.0.0.8")
        setup.network.run(0.1)
        other.respond(other.request("OPTIONS"), 481)
        setup.network.run(0.1)
        assert setup.asked == 1

    def test_a_number_that_does_not_exist_is_no_doubt(self) -> None:
        setup = Setup()
        setup.network.run(FRESH)
        setup.phone.call("sip:600@10.0.0.9", account=setup.account)
        setup.network.run(0.1)
        setup.registrar.respond(setup.registrar.request("INVITE"), 404)
        setup.network.run(1)
        assert setup.asked == 1

    def test_what_was_confirmed_just_now_is_not_doubted(self) -> None:
        setup = Setup()
        setup.phone.do(setup.phone.agent.doubt, self.flow(setup))
        setup.network.run(1)
        assert setup.asked == 1

    def test_many_doubts_are_one_question(self) -> None:
        setup = Setup()
        setup.network.run(FRESH)
        for _ in range(50):
            setup.phone.do(setup.phone.agent.doubt, self.flow(setup))
            setup.network.run(0.1)
        assert setup.asked == 2

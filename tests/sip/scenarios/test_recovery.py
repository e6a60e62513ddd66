"""What befalls a phone that is on all day: each drill as it looks on the wire.

10.0.0.1 alice, who moves    10.0.0.2 bob    10.0.0.9 the PBX
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from platypus.sip.events import (
    Acknowledged,
    Answered,
    Event,
    IncomingCall,
    Interrupted,
    MoveDue,
    RegistrationChanged,
    ReinviteAnswered,
    Reinvited,
    RequestReceived,
    SessionEnded,
)
from platypus.sip.flow import Flow, Hop
from platypus.sip.registration import Registration
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, Network, Phone

EXPIRES = 120


class Pbx:
    """A registrar that believes everybody, and forgets all when it is restarted."""

    def __init__(self, network: Network, host: str = "10.0.0.9", *, longest: int = EXPIRES) -> None:
        self.longest = longest
        self.phone: Phone = network.phone(host, handled_methods=("REGISTER",))
        self.phone.react = self._react
        self.network = network
        self.bindings: dict[str, float] = {}
        self.registers = 0

    @property
    def bound(self) -> list[str]:
        return [uri for uri, until in self.bindings.items() if until > self.network.now]

    def _react(self, event: Event) -> None:
        if not isinstance(event, RequestReceived):
            return
        self.registers += 1
        now = self.network.now
        for contact in event.request.contacts:
            granted = contact.params.get("expires") or str(event.request.expires)
            self.bindings[str(contact.uri)] = now + min(int(granted), self.longest)
        headers = [
            ("Contact", f"<{uri}>;expires={round(self.bindings[uri] - now)}") for uri in self.bound
        ]
        self.phone.agent.respond(event.key, 200, headers=headers, now=now)

    def stop(self) -> None:
        """The host lives, nothing listens: a datagram comes back as an ICMP error."""
        self.network.filters.append(self._refuse)

    def start(self) -> None:
        self.bindings.clear()
        self.network.filters.remove(self._refuse)

    def restart(self) -> None:
        """So fast that nobody has asked for anything meanwhile."""
        self.bindings.clear()

    def _refuse(self, step: object) -> bool:
        source, target = getattr(step, "source"), getattr(step, "target")  # noqa: B009
        if target != self.phone.address:
            return source != self.phone.address
        victim = self.network.endpoints.get(source)
        if isinstance(victim, Phone):
            self.network.clock.call_at(self.network.now + 0.001, lambda: _refused(victim, target))
        return False


def _refused(phone: Phone, target: tuple[str, int]) -> None:
    flow = Flow("udp", phone.address, target)
    phone.agent.failed(flow, f"{target[0]}: nothing listens there", phone.network.now)
    phone.pump()


class Setup:
    """Alice is registered at the PBX."""

    def __init__(self, *, expires: int = EXPIRES, registrar: str | None = None) -> None:
        self.network = Network()
        self.pbx = Pbx(self.network, longest=expires)
        self.alice = self.network.phone("10.0.0.1")
        self.bob = self.network.phone("10.0.0.2")
        self.alice.react = self.bob.react = self.react
        self.network.names["pbx.example.com"] = [Hop("udp", "10.0.0.9", 5060)]
        self.account = AccountSettings(
            aor="sip:alice@10.0.0.9", expires=expires, registrar=registrar
        )
        self.registration: Registration = self.alice.register(self.account)
        self.network.run(1)
        assert self.registration.state == "registered"

    def react(self, event: Event) -> None:
        """What both users do: offer what they are asked to, take what is offered."""
        now = self.network.now
        match event:
            case MoveDue(session):
                session.reinvite(self.offer, now)
            case Reinvited(session):
                session.accept_reinvite(ANSWER, now)
            case _:
                pass

    def offer(self, local: str) -> bytes:
        return f"v=0\r\nc=IN IP4 {local}\r\n".encode()

    def until(self, met: Callable[[], bool], limit: float) -> None:
        end = self.network.now + limit
        while not met():
            assert self.network.now < end, f"not within {limit} s: {self.network.ladder()}"
            self.network.run(0.1)

    def connect(self) -> tuple[Session, Session]:
        """Bob has called Alice, and she answered."""
        call = self.bob.call("sip:alice@10.0.0.1", body=self.offer)
        self.network.run(0.1)
        session = self.alice.next(IncomingCall).session
        self.alice.do(session.answer, ANSWER)
        self.network.run(0.1)
        self.bob.next(Answered)
        self.alice.next(Acknowledged)
        return session, call

    def told(self) -> list[tuple[str, str]]:
        """What Alice's user was told of her registration."""
        changes = [e for e in self.alice.events if isinstance(e, RegistrationChanged)]
        return [(change.state, change.reason) for change in changes]


class TestAddress:
    def test_another_address_takes_the_place_of_the_old_one(self) -> None:
        setup = Setup()
        setup.alice.move("10.0.1.1")
        assert setup.registration.state == "registering"
        setup.network.run(2)
        assert setup.registration.state == "registered"
        assert setup.pbx.bound == ["sip:alice@10.0.1.1:5060"]
        reason = "our address changed from 10.0.0.1 to 10.0.1.1"
        assert setup.told()[2:] == [("failed", reason), ("registering", ""), ("registered", "")]

    def test_the_old_one_is_dropped_also_where_the_new_one_comes_much_later(self) -> None:
        setup = Setup()
        setup.alice.unplug()
        setup.network.run(60)
        setup.alice.plug("10.0.1.1")
        setup.until(lambda: setup.registration.state == "registered", 2)
        assert setup.pbx.bound == ["sip:alice@10.0.1.1:5060"]

    def test_what_has_expired_by_itself_is_not_asked_to_be_dropped(self) -> None:
        setup = Setup()
        setup.alice.unplug()
        setup.network.run(EXPIRES + 1)
        setup.alice.plug("10.0.1.1")
        setup.until(lambda: setup.registration.state == "registered", 2)
        (step,) = [s for s in setup.network.log if s.source[0] == "10.0.1.1"]
        assert step.data.count(b"Contact:") == 1

    def test_a_call_goes_on_at_the_new_address(self) -> None:
        """Contact and c= line of the re-INVITE say where we are now."""
        setup = Setup()
        session, call = setup.connect()
        start = len(setup.network.log)
        setup.alice.move("10.0.1.1")
        setup.network.run(2)
        with_bob = [step for step in setup.network.ladder()[start:] if "9" not in step]
        assert with_bob == [
            "1 > 2 INVITE",
            "2 > 1 100 INVITE",
            "2 > 1 200 INVITE",
            "1 > 2 ACK",
        ]
        invite = next(s for s in setup.network.log[start:] if s.text == "INVITE")
        assert b"Contact: <sip:alice@10.0.1.1:5060>" in invite.data
        assert b"c=IN IP4 10.0.1.1" in invite.data
        setup.bob.do(call.hangup)
        setup.network.run(1)
        assert setup.alice.next(SessionEnded).code == 200
        assert session.ended

    def test_a_call_that_rings_is_answered_from_the_new_address(self) -> None:
        setup = Setup()
        call = setup.bob.call("sip:alice@10.0.0.1")
        setup.network.run(0.1)
        session = setup.alice.next(IncomingCall).session
        setup.alice.do(session.ring)
        setup.alice.move("10.0.1.1")
        setup.network.run(1)
        setup.alice.do(session.answer, ANSWER)
        setup.network.run(1)
        assert call.dialog is not None
        assert call.dialog.remote_target.host == "10.0.1.1"
        setup.network.run(5)
        setup.bob.do(call.hangup)
        setup.network.run(1)
        assert setup.alice.next(SessionEnded).code == 200


class TestEarly:
    """A call of Alice's rings at Bob's while her network changes."""

    def setup_method(self) -> None:
        self.setup = Setup()
        self.call = self.setup.alice.call("sip:bob@10.0.0.2", body=self.setup.offer)
        self.setup.network.run(0.1)
        self.session = self.setup.bob.next(IncomingCall).session
        self.setup.bob.do(self.session.ring)
        self.setup.network.run(0.1)
        self.start = len(self.setup.network.log)

    def with_bob(self) -> list[str]:
        """The ladder, without what is sent again because it was lost."""
        ladder = self.setup.network.ladder()[self.start :]
        return list(dict.fromkeys(step for step in ladder if "9" not in step))

    def answer(self) -> None:
        """Bob takes up what rings."""
        self.setup.network.run(0.5)
        self.session = self.setup.bob.next(IncomingCall).session
        self.setup.bob.do(self.session.ring)
        self.setup.bob.do(self.session.answer, ANSWER)
        self.setup.network.run(0.5)

    def test_it_is_cancelled_and_made_again_where_the_answer_would_be_lost(self) -> None:
        self.setup.alice.move("10.0.1.1")
        assert "our address changed" in self.setup.alice.next(Interrupted).reason
        self.answer()
        assert self.with_bob() == [
            "1 > 2 CANCEL",
            "1 > 2 INVITE",
            "2 > 1 200 CANCEL",
            "2 > 1 487 INVITE",
            "2 > 1 100 INVITE",
            "2 > 1 180 INVITE",
            "2 > 1 200 INVITE",
            "1 > 2 ACK",
        ]
        assert self.setup.bob.next(SessionEnded).code == 487
        assert not self.call.ended and self.setup.alice.next(Answered).session is self.call

    def test_what_is_made_again_says_where_we_are(self) -> None:
        self.setup.alice.move("10.0.1.1")
        self.answer()
        invite = next(s for s in self.setup.network.log[self.start :] if s.text == "INVITE")
        assert b"Contact: <sip:platypus@10.0.1.1:5060>" in invite.data
        assert b"c=IN IP4 10.0.1.1" in invite.data
        self.setup.bob.do(self.session.hangup)
        self.setup.network.run(1)
        assert self.setup.alice.next(SessionEnded).code == 200

    def test_it_waits_a_while_for_a_network(self) -> None:
        self.setup.alice.unplug()
        self.setup.network.run(15)
        assert not self.call.ended
        self.setup.alice.plug("10.0.1.1")
        self.answer()
        assert self.setup.alice.next(Answered).session is self.call

    def test_but_not_for_long_and_says_why(self) -> None:
        self.setup.alice.unplug()
        self.setup.network.run(40)
        ended = self.setup.alice.next(SessionEnded)
        assert ended.code is None
        assert "no route" in ended.reason

    def test_whoever_hangs_up_meanwhile_has_hung_up(self) -> None:
        self.setup.alice.unplug()
        self.setup.alice.do(self.call.hangup)
        assert self.setup.alice.next(SessionEnded).code == 487
        self.setup.alice.plug("10.0.1.1")
        self.setup.network.run(5)
        assert "1 > 2 INVITE" not in self.with_bob()

    def test_it_goes_on_ringing_where_the_answer_still_comes(self) -> None:
        """The cable is plugged in beside the radio; the answer tells of the other address."""
        self.setup.alice.prefer("10.0.1.1")
        self.setup.network.run(5)
        assert self.with_bob() == []
        self.setup.bob.do(self.session.answer, ANSWER)
        self.setup.network.run(5)
        assert self.with_bob() == [
            "2 > 1 200 INVITE",
            "1 > 2 ACK",
            "1 > 2 INVITE",
            "2 > 1 100 INVITE",
        ]
        assert self.session.dialog is not None
        assert self.session.dialog.remote_target.host == "10.0.1.1"

    def test_nothing_is_left_behind(self) -> None:
        self.setup.alice.move("10.0.1.1")
        self.answer()
        self.setup.alice.do(self.call.hangup)
        self.setup.alice.do(self.setup.registration.unregister)
        self.setup.network.settle()
        assert self.setup.alice.agent.timers == 0
        assert self.setup.alice.agent.transactions == 0


class TestFamily:
    """From a network of IPv4 to one of IPv6 only, and a PBX that has both and a name."""

    def setup_method(self) -> None:
        self.setup = Setup(registrar="sip:pbx.example.com")
        self.setup.pbx.phone.also_at("2001:db8::9")
        self.setup.pbx.phone.react = self.react
        self.pbx_session: Session | None = None

    def react(self, event: Event) -> None:
        """The PBX is the other end of the call as well."""
        pbx = self.setup.pbx
        match event:
            case IncomingCall(session):
                self.pbx_session = session
                session.answer(ANSWER, pbx.network.now)
            case Reinvited(session):
                local = session.local_address or ""
                session.accept_reinvite(f"c={local}\r\n".encode(), pbx.network.now)
            case _:
                pbx._react(event)

    def moved(self) -> Session:
        """A call that has just been moved."""
        setup = self.setup
        setup.network.names["pbx.example.com"] = [
            Hop("udp", "2001:db8::9", 5060), Hop("udp", "10.0.0.9", 5060)
        ]  # fmt: skip
        call = setup.alice.call("sip:600@10.0.0.9", body=setup.offer, account=setup.account)
        setup.network.run(0.2)
        assert setup.alice.next(Answered)
        setup.alice.move("2001:db8::1")
        setup.network.run(3)
        return call

    def test_the_registration_goes_there(self) -> None:
        self.moved()
        assert self.setup.registration.state == "registered"
        assert self.setup.pbx.bound == ["sip:alice@[2001:db8::1]:5060"]

    def test_the_call_goes_on_by_way_of_the_server_though_its_route_is_the_old_one(self) -> None:
        call = self.moved()
        assert not call.ended
        answered = self.setup.alice.next(ReinviteAnswered)
        assert answered.body == b"c=2001:db8::9\r\n"
        assert self.pbx_session is not None and self.pbx_session.dialog is not None
        assert self.pbx_session.dialog.remote_target.host == "2001:db8::1"

    def test_either_side_can_hang_up_afterwards(self) -> None:
        call = self.moved()
        self.setup.alice.do(call.hangup)
        self.setup.network.run(1)
        assert self.setup.pbx.phone.next(SessionEnded).code == 200
        call = self.moved_again()
        assert self.pbx_session is not None
        self.setup.pbx.phone.do(self.pbx_session.hangup)
        self.setup.network.run(1)
        assert call.ended

    def moved_again(self) -> Session:
        """Another call, and back to IPv4 with it."""
        call = self.setup.alice.call(
            "sip:600@pbx.example.com", body=self.setup.offer, account=self.setup.account
        )
        self.setup.network.run(0.2)
        self.setup.alice.move("10.0.0.1")
        self.setup.network.run(3)
        assert not call.ended
        return call


class TestNetwork:
    def test_status_is_not_registered_while_there_is_none(self) -> None:
        setup = Setup()
        setup.alice.unplug()
        while setup.network.now < 600:
            assert setup.registration.state in ("failed", "registering")
            setup.network.run(0.5)
        assert "no route" in setup.registration.reason
        assert setup.pbx.registers == 1

    def test_is_back_within_two_seconds_of_the_network(self) -> None:
        setup = Setup()
        setup.alice.unplug()
        setup.network.run(1800)
        setup.alice.plug()
        setup.until(lambda: setup.registration.state == "registered", 2)

    def test_a_change_that_lost_nothing_of_ours_asks_nobody(self) -> None:
        setup = Setup()
        setup.alice.do(setup.alice.agent.reachable)
        setup.network.run(5)
        assert setup.pbx.registers == 1

    def test_a_call_is_kept_through_a_minute_without_network(self) -> None:
        setup = Setup()
        session, call = setup.connect()
        setup.alice.unplug()
        setup.network.run(60)
        assert not session.ended
        setup.alice.plug("10.0.1.1")
        setup.network.run(2)
        assert not session.ended
        assert call.dialog is not None
        assert call.dialog.remote_target.host == "10.0.1.1"

    def test_a_call_is_not_kept_for_ever(self) -> None:
        setup = Setup()
        setup.connect()
        setup.alice.unplug()
        setup.network.run(200)
        assert setup.alice.next(SessionEnded).code == 408
        setup.alice.do(setup.registration.unregister)
        setup.network.settle()
        assert setup.alice.agent.timers == 0

    def test_a_peer_that_has_hung_up_meanwhile_ends_the_call(self) -> None:
        setup = Setup()
        _, call = setup.connect()
        setup.alice.unplug()
        setup.network.run(30)
        setup.bob.do(call.hangup)
        setup.network.run(60)
        setup.alice.plug("10.0.1.1")
        setup.network.run(10)
        assert setup.alice.next(SessionEnded).code == 481

    def test_hanging_up_without_network_ends_at_once(self) -> None:
        setup = Setup()
        session, _ = setup.connect()
        setup.alice.unplug()
        setup.alice.do(session.hangup)
        assert setup.alice.next(SessionEnded).by == "local"
        setup.alice.do(setup.registration.unregister)
        setup.network.settle()
        assert setup.alice.agent.timers == 0

    def test_refused_credentials_are_not_tried_again_because_of_the_network(self) -> None:
        setup = Setup()
        account = AccountSettings(aor="sip:carol@10.0.0.8", password="wrong")
        refuser = setup.network.phone("10.0.0.8", handled_methods=("REGISTER",))
        refuser.react = lambda event: _forbid(refuser, event)
        setup.alice.register(account)
        setup.network.run(1)
        start = len(setup.network.log)
        setup.alice.unplug()
        setup.alice.plug()
        setup.network.run(60)
        assert not [step for step in setup.network.log[start:] if step.target[0] == "10.0.0.8"]


def _forbid(phone: Phone, event: Event) -> None:
    if isinstance(event, RequestReceived):
        phone.agent.respond(event.key, 403, now=phone.network.now)


class TestSleep:
    def test_after_a_night_it_is_registered_again_at_once(self) -> None:
        setup = Setup()
        setup.alice.sleep(8 * 3600)
        assert setup.registration.state != "registered"
        setup.until(lambda: setup.registration.state == "registered", 2)

    def test_after_a_nap_it_asks_whether_it_still_is(self) -> None:
        setup = Setup()
        setup.alice.sleep(30)
        assert setup.registration.state == "registered"
        setup.network.run(2)
        assert setup.pbx.registers == 2

    def test_a_call_is_checked(self) -> None:
        """Bob's BYE came while we slept."""
        setup = Setup()
        _, call = setup.connect()
        setup.network.clock.call_at(setup.network.now + 20, lambda: setup.bob.do(call.hangup))
        setup.alice.sleep(100)
        setup.network.run(5)
        assert setup.alice.next(SessionEnded).code == 481

    def test_a_call_that_still_is_goes_on(self) -> None:
        setup = Setup()
        session, _ = setup.connect()
        setup.alice.sleep(20)
        setup.network.run(60)
        assert not session.ended


class TestPbx:
    def test_one_that_is_down_is_noticed_by_a_keep_alive(self) -> None:
        """The machine is told of the ICMP error; it asks, is refused, and says so."""
        setup = Setup()
        setup.pbx.stop()
        _refused(setup.alice, setup.pbx.phone.address)
        setup.network.run(1)
        assert setup.registration.state == "failed"
        host = setup.pbx.phone.address[0]
        refused = f"the registrar can't be reached: {host}: nothing listens there"
        assert setup.registration.reason == refused  # its address is said once

    def test_one_that_forgot_us_between_two_keep_alives_is_asked_soon(self) -> None:
        """Nothing on the wire tells; the refresh comes ahead of its time."""
        setup = Setup(expires=3600)
        setup.network.run(30)
        setup.pbx.restart()
        setup.until(lambda: bool(setup.pbx.bound), 90)
        setup.network.run(1)
        assert setup.told()[-1] == ("registered", "")
        assert [state for state, _ in setup.told()] == ["registering", "registered", "registered"]

    @pytest.mark.parametrize("minutes", [0.5, 5, 60])
    def test_is_registered_again_soon_after_it_is_back(self, minutes: float) -> None:
        setup = Setup()
        setup.pbx.stop()
        setup.network.run(minutes * 60 + EXPIRES)
        setup.pbx.start()
        setup.until(lambda: setup.registration.state == "registered", 301)
        assert setup.pbx.bound == ["sip:alice@10.0.0.1:5060"]

    def test_a_hundred_phones_do_not_come_back_in_step(self) -> None:
        network = Network()
        pbx = Pbx(network)
        pbx.stop()
        for number in range(100):
            phone = network.phone("10.0.2.1", 5000 + number)
            phone.register(AccountSettings(aor=f"sip:u{number}@10.0.0.9"))
        network.run(60)
        pbx.start()
        start = len(network.log)
        network.run(300)
        times = [step.time for step in network.log[start:] if step.text == "REGISTER"]
        assert len(times) >= 100
        busiest = max(sum(t <= other < t + 1 for other in times) for t in times)
        assert busiest < 25


class TestNames:
    def setup_method(self) -> None:
        self.network = Network()
        self.first = Pbx(self.network, "10.0.0.8")
        self.second = Pbx(self.network, "10.0.0.9")
        self.phone = self.network.phone("10.0.0.1")
        self.account = AccountSettings(aor="sip:alice@pbx.example.com")
        self.answer(self.first, self.second)

    def answer(self, *servers: Pbx) -> None:
        hops = [Hop("udp", each.phone.address[0], 5060) for each in servers]
        self.network.names["pbx.example.com"] = hops

    def test_a_changed_answer_is_followed_with_the_next_refresh(self) -> None:
        registration = self.phone.register(self.account)
        self.network.run(1)
        self.answer(self.second)
        self.network.run(EXPIRES)
        assert registration.state == "registered"
        assert self.second.bound

    def test_the_next_server_is_tried_after_silence_and_the_silent_one_is_not_asked_again(
        self,
    ) -> None:
        silent = self.first.phone.address
        self.network.filters.append(lambda step: step.target != silent)
        registration = self.phone.register(self.account)
        self.network.run(33)
        assert registration.state == "registered"
        start = len(self.network.log)
        self.phone.do(registration.refresh)
        self.network.run(1)
        assert self.network.ladder()[start:] == ["1 > 9 REGISTER", "9 > 1 200 REGISTER"]

    def test_it_is_asked_first_again_after_a_while(self) -> None:
        silent = self.first.phone.address
        refuse = lambda step: step.target != silent  # noqa: E731
        self.network.filters.append(refuse)
        registration = self.phone.register(self.account)
        self.network.run(33)
        self.network.filters.remove(refuse)
        self.network.run(300)
        assert registration.state == "registered"
        assert self.first.bound

    def test_a_server_that_is_overloaded_is_left_alone_as_long_as_it_asks(self) -> None:
        overloaded = self.first.phone
        overloaded.react = lambda event: _overloaded(overloaded, event)
        registration = self.phone.register(self.account)
        self.network.run(1)
        assert registration.state == "registered"
        self.network.run(499)
        asked = [s for s in self.network.log if s.target == overloaded.address]
        assert len(asked) == 1
        assert registration.state == "registered"
        self.network.run(EXPIRES + 100)
        asked = [s for s in self.network.log if s.target == overloaded.address]
        assert len(asked) == 2


def _overloaded(phone: Phone, event: Event) -> None:
    if isinstance(event, RequestReceived):
        headers = [("Retry-After", "500 (busy)")]
        phone.agent.respond(event.key, 503, headers=headers, now=phone.network.now)


class TestConnection:
    def test_one_that_breaks_is_made_again_and_the_calls_outlive_it(self) -> None:
        network = Network()
        pbx = Pbx(network)
        phone = network.phone("10.0.0.1")
        account = AccountSettings(
            aor="sip:alice@10.0.0.9", registrar="sip:10.0.0.9;transport=tcp", expires=EXPIRES
        )
        registration = phone.register(account)
        network.run(1)
        flow = registration.flow
        assert flow is not None
        phone.agent.failed(flow, "10.0.0.9:5060 does not answer any more", network.now)
        phone.pump()
        states = [e.state for e in phone.events if isinstance(e, RegistrationChanged)]
        assert states[-2:] == ["failed", "registering"]
        network.run(1)
        assert registration.state == "registered"
        assert pbx.registers == 2

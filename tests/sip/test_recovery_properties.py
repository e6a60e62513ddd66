"""Whatever a registrar says and the network does: the state is the truth, and nothing is left.

Random registrars, random networks under random calls; Hypothesis looks for the sequence that
lies, leaks a transaction, or leaves a call that nobody ends.
"""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from platypus.errors import StateError
from platypus.sip.events import (
    Event,
    IncomingCall,
    MoveDue,
    RefreshDue,
    RegistrationChanged,
    Reinvited,
    RequestReceived,
    SessionEnded,
)
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone

CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="{}", algorithm=MD5, qop="auth"')

answers = st.one_of(
    st.tuples(st.just("grant"), st.sampled_from((0, 1, 5, 60, 3600))),
    st.tuples(st.just("refuse"), st.sampled_from((400, 403, 404, 423, 439, 480, 500, 503, 603))),
    st.just(("challenge", 0)),
    st.just(("redirect", 0)),
    st.just(("silence", 0)),
)
events = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from((0.01, 0.5, 3.0, 40.0, 400.0))),
    st.tuples(st.just("sleep"), st.sampled_from((5.0, 90.0, 40_000.0))),
    st.tuples(st.just("move"), st.sampled_from(("10.0.0.1", "10.0.1.1", "10.0.2.1"))),
    st.sampled_from((("unplug", 0), ("plug", 0), ("doubt", 0))),
    st.sampled_from((("refresh", 0), ("register", 0), ("unregister", 0))),
)


class Registrar:
    """Says what a list has it say, then grants everything."""

    def __init__(self, network: Network, script: list[tuple[str, int]]) -> None:
        self.phone = network.phone("10.0.0.9", handled_methods=("REGISTER",))
        self.phone.react = self._react
        self.network = network
        self.script = script
        self.bound_until = self.said_at = 0.0
        self._nonces = 0

    def _react(self, event: Event) -> None:
        if not isinstance(event, RequestReceived):
            return
        kind, value = self.script.pop(0) if self.script else ("grant", 60)
        request, headers, status = event.request, [], value
        match kind:
            case "grant":
                asked = min(int(c.params.get("expires") or 0) for c in request.contacts[:1])
                granted = min(asked, value)
                self.said_at = self.network.now
                self.bound_until = self.network.now + granted
                headers = [("Contact", f"<{request.contacts[0].uri}>;expires={granted}")]
                status = 200
            case "challenge":
                self._nonces += 1
                headers, status = [(CHALLENGE[0], CHALLENGE[1].format(self._nonces))], 401
            case "redirect":
                headers, status = [("Contact", "<sip:10.0.0.9>")], 302
            case "silence":
                return
            case _:
                headers = [("Min-Expires", "90"), ("Retry-After", "7")]
        self.phone.agent.respond(event.key, status, headers=headers, now=self.network.now)


@settings(max_examples=150)
@given(st.lists(answers, max_size=8), st.lists(events, max_size=10))
def test_a_registration_never_lies_and_ends_when_told(
    script: list[tuple[str, int]], happenings: list[tuple[str, object]]
) -> None:
    network = Network()
    registrar = Registrar(network, script)
    phone = network.phone("10.0.0.1")
    account = AccountSettings(aor="sip:alice@10.0.0.9", password="secret", instance_id="urn:x")
    registration = phone.register(account)

    def check(when: float) -> None:
        if registration.state == "registered":
            assert registration.expires_at is not None
            assert when <= registration.expires_at
            if when > registrar.said_at + 0.05:  # else its last word may be on its way
                assert registration.expires_at <= registrar.bound_until

    for name, value in happenings:
        happen(phone, name, value)
        if name == "doubt" and registration.flow is not None:
            phone.agent.failed(registration.flow, "nothing listens there", network.now)
            phone.pump()
        elif name in ("refresh", "register", "unregister"):
            phone.do(getattr(registration, name))
        check(network.now)
        network.run(0.1)
        check(network.now)
    if not phone.connected:
        phone.plug()
    phone.do(registration.unregister)
    network.settle()
    assert registration.state == "unregistered"
    told = [event.state for event in phone.events if isinstance(event, RegistrationChanged)]
    assert not told or told[-1] == "unregistered"
    assert (phone.agent.timers, phone.agent.transactions, phone.agent.idle) == (0, 0, True)


def happen(phone: Phone, name: str, value: object) -> None:
    """What befalls the phone, if it is one of these."""
    match name, value:
        case "wait", float(seconds):
            phone.network.run(seconds)
        case "sleep", float(seconds):
            phone.sleep(seconds)
        case "move", str(host) if phone.connected:
            phone.move(host)
        case "unplug", _ if phone.connected:
            phone.unplug()
        case "plug", _ if not phone.connected:
            phone.plug()


deeds = st.one_of(
    events,
    st.tuples(st.just("reinvite"), st.sampled_from(("alice", "bob"))),
    st.tuples(st.just("hangup"), st.sampled_from(("alice", "bob"))),
    st.just(("answer", 0)),
)


class Play:
    """Alice is called by Bob, and carried about; both do what they are asked to."""

    def __init__(self) -> None:
        self.network = Network()
        self.alice, self.bob = self.network.phone("10.0.0.1"), self.network.phone("10.0.0.2")
        for phone in (self.alice, self.bob):
            phone.react = lambda event, phone=phone: self._react(phone, event)  # type: ignore[misc]
        self.call = self.bob.call("sip:alice@10.0.0.1")
        self.network.run(0.1)
        self.alices = self.alice.next(IncomingCall).session
        self.alice.do(self.alices.ring)

    def _react(self, phone: Phone, event: Event) -> None:
        now = self.network.now
        if isinstance(event, MoveDue) and not event.session.ended:
            event.session.reinvite(OFFER, now)  # whatever else goes on, this can be asked
        with contextlib.suppress(StateError):  # it was given up meanwhile
            match event:
                case RefreshDue(session):
                    session.reinvite(OFFER, now)
                case Reinvited(session, _, body):
                    session.accept_reinvite(ANSWER if body else OFFER, now)
                case _:
                    pass

    def act(self, name: str, value: object) -> None:
        happen(self.alice, name, value)
        phone, session = (self.alice, self.alices) if value == "alice" else (self.bob, self.call)
        with contextlib.suppress(StateError):
            match name:
                case "answer":
                    self.alice.do(self.alices.answer, ANSWER)
                case "reinvite":
                    phone.do(session.reinvite, OFFER)
                case "hangup":
                    phone.do(session.hangup)


@settings(max_examples=150)
@given(st.lists(deeds, max_size=12))
def test_a_call_that_is_carried_about_has_one_end_and_leaves_nothing(
    plan: list[tuple[str, object]],
) -> None:
    play = Play()
    for name, value in plan:
        play.act(name, value)
        play.network.run(0.1)
    if not play.alice.connected:
        play.alice.plug()
    for phone, session in ((play.alice, play.alices), (play.bob, play.call)):
        phone.do(session.hangup)
    play.network.settle(limit=7200.0)
    for phone in (play.alice, play.bob):
        ends = [event for event in phone.events if isinstance(event, SessionEnded)]
        assert len(ends) == 1
        agent = phone.agent
        assert (agent.sessions, agent.transactions, agent.timers) == ((), 0, 0)
        assert len(agent._stack.moves) == 0


steps = st.one_of(
    events,
    st.tuples(st.just("prefer"), st.sampled_from(("10.0.1.1", "10.0.2.1"))),
    st.sampled_from((("answer", 0), ("refuse", 0), ("bob", 0), ("alice", 0))),
)


@settings(max_examples=150)
@given(st.lists(steps, max_size=12))
def test_a_call_of_ours_has_one_end_wherever_it_is_carried_before_its_answer(
    plan: list[tuple[str, object]],
) -> None:
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
    rung: list[Session] = []

    def react(event: Event) -> None:
        match event:
            case IncomingCall(session):
                rung.append(session)
                session.ring(network.now)
            case MoveDue(session) if not session.ended:
                session.reinvite(OFFER, network.now)
            case Reinvited(session):
                session.accept_reinvite(ANSWER, network.now)
            case _:
                pass

    alice.react = bob.react = react
    call = alice.call("sip:bob@10.0.0.2")
    network.run(0.1)
    for name, value in plan:
        happen(alice, name, value)
        ringing = [session for session in rung if session.unanswered]
        if name == "prefer" and alice.connected and value != alice.address[0]:
            alice.prefer(str(value))
        elif name == "answer" and ringing:
            bob.do(ringing[-1].answer, ANSWER)
        elif name == "refuse" and ringing:
            bob.do(ringing[-1].reject, 486)
        elif name == "bob" and rung:
            bob.do(rung[-1].hangup)
        elif name == "alice":
            alice.do(call.hangup)
        network.run(0.1)
    if not alice.connected:
        alice.plug()
    alice.do(call.hangup)
    for session in rung:
        bob.do(session.hangup)
    network.settle(limit=7200.0)
    told = [event.session for event in alice.events if isinstance(event, SessionEnded)]
    assert told == [call]
    for phone in (alice, bob):
        agent = phone.agent
        assert (agent.sessions, agent.transactions, agent.timers) == ((), 0, 0)
        assert len(agent._stack.moves) == 0

"""Calls and registrations over a network that loses, delays, doubles and reorders.

Whatever it does: every call ends on both sides, exactly once and last of all its
events; nothing is left behind; and no registration is believed that the registrar
has not granted.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platypus.errors import StateError
from platypus.sip.events import (
    Answered,
    Event,
    IncomingCall,
    Progressed,
    RefreshDue,
    ReinviteAnswered,
    Reinvited,
    RequestReceived,
    SessionEnded,
)
from platypus.sip.flow import Flow
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Impairment, Network, Phone

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

impairments = st.builds(
    Impairment,
    loss=st.sampled_from([0.0, 0.1, 0.3, 0.6]),
    duplication=st.sampled_from([0.0, 0.2, 0.8]),
    delay=st.sampled_from([0.0, 0.05, 1.0]),
    jitter=st.sampled_from([0.0, 0.1, 2.0, 8.0]),
)
moments = st.sampled_from([0.0, 0.05, 0.2, 0.6, 1.3, 3.0, 7.0, 20.0])


@dataclass
class Plan:
    """What the two users do, and when; times count from the event that allows it."""

    offer: bool
    answer: str  # "accept", "early", "reject", "redirect", "nothing"
    think: float
    caller_leaves: float
    callee_leaves: float
    changes: list[tuple[str, str, float]]
    reliability: tuple[str, str]  # the caller's and the callee's (RFC 3262)
    interval: int  # of the session timer, far too short on purpose; 0 is none
    takes_update: bool  # whether the callee says that it does


plans = st.builds(
    Plan,
    offer=st.booleans(),
    answer=st.sampled_from(["accept", "accept", "early", "reject", "redirect", "nothing"]),
    think=moments,
    caller_leaves=moments,
    callee_leaves=moments,
    changes=st.lists(
        st.tuples(
            st.sampled_from(["caller", "callee"]), st.sampled_from(["reinvite", "update"]), moments
        ),
        max_size=3,
    ),
    reliability=st.tuples(
        st.sampled_from(["off", "answer", "support", "require"]),
        st.sampled_from(["off", "answer", "support"]),
    ).filter(lambda modes: modes != ("require", "off")),
    interval=st.sampled_from([0, 4, 7]),
    takes_update=st.booleans(),
)


class Play:
    """Two phones acting out a plan."""

    def __init__(
        self, network: Network, plan: Plan, target: str = "sip:bob@10.0.0.2", offer: bytes = OFFER
    ) -> None:
        self.network, self.plan = network, plan
        common = {"ring_limit": 60, "session_expires": plan.interval, "min_se": 2}
        self.caller = network.phone("10.0.0.1", prack=plan.reliability[0], **common)
        self.callee = network.phone("10.0.0.2", prack=plan.reliability[1], **common)
        if not plan.takes_update:
            stack = self.callee.agent._stack
            stack.allow = stack.allow.replace(", UPDATE", "")
        self.caller.react = self.on_caller
        self.callee.react = self.on_callee
        self.call = self.caller.call(target, body=offer if plan.offer else None)
        self.later(25 + plan.caller_leaves, self.caller, self.call.hangup)

    def later(self, seconds: float, phone: Phone, action: Any, *arguments: Any) -> None:
        def act() -> None:
            with suppress(StateError):  # the call went on without waiting for this user
                phone.do(action, *arguments)

        self.network.clock.call_at(self.network.now + seconds, act)

    def common(self, phone: Phone, event: Event) -> None:
        match event:
            case Reinvited(session, _, body):
                self.later(0.1, phone, session.accept_reinvite, ANSWER if body else OFFER)
            case ReinviteAnswered(session, _, "offer"):
                self.later(0.1, phone, session.acknowledge, ANSWER)
            case Progressed(session, _, _, _, "offer"):
                self.later(0.1, phone, session.acknowledge, ANSWER)
            case RefreshDue(session):
                self.later(0.0, phone, session.reinvite, OFFER)

    def on_caller(self, event: Event) -> None:
        self.common(self.caller, event)
        match event:
            case Answered(session, _, _, body_is):
                if body_is == "offer":
                    self.later(self.plan.think, self.caller, session.acknowledge, ANSWER)
                self.change("caller", self.caller, session)
                self.later(self.plan.caller_leaves + 0.3, self.caller, session.hangup)
            case Progressed(session, _, _, bytes()):
                self.change("caller", self.caller, session)

    def on_callee(self, event: Event) -> None:
        self.common(self.callee, event)
        match event:
            case IncomingCall(session):
                self.decide(session)

    def decide(self, session: Session) -> None:
        plan, callee = self.plan, self.callee
        self.later(0.0, callee, session.ring)
        match plan.answer:
            case "accept":
                self.later(plan.think, callee, session.answer, ANSWER)
            case "early":
                self.later(0.0, callee, session.progress, 183, ANSWER)
                self.change("callee", callee, session)
                self.later(plan.think, callee, session.answer, ANSWER)
            case "reject":
                self.later(plan.think, callee, session.reject, 486)
            case "redirect":
                self.later(plan.think, callee, session.redirect, ["sip:other@10.0.0.2"])
        if plan.answer in ("accept", "early"):
            self.change("callee", callee, session)
            self.later(plan.think + plan.callee_leaves + 1.0, callee, session.hangup)

    def change(self, who: str, phone: Phone, session: Session) -> None:
        for side, verb, moment in self.plan.changes:
            if side == who:
                body = OFFER if moment < 3 else None
                self.later(moment, phone, getattr(session, verb), body)


def check_ends(phone: Phone) -> None:
    """One end for each call, and nothing after it."""
    ended: set[Session] = set()
    for event in phone.events:
        session = getattr(event, "session", None)
        assert session not in ended, f"{event} after the end"
        if isinstance(event, SessionEnded):
            ended.add(event.session)
    seen = {event.session for event in phone.events if hasattr(event, "session")}
    assert seen == ended
    counts = Counter(event.session for event in phone.events if isinstance(event, Answered))
    assert all(count == 1 for count in counts.values())


def check_clean(phone: Phone) -> None:
    """No trace of anything."""
    agent = phone.agent
    assert agent.sessions == ()
    assert agent.transactions == 0
    assert agent.timers == 0
    assert agent.idle
    stack = agent._stack
    assert not stack.sessions and not stack.merges and not stack.pending
    assert not stack._waiters


@SLOW
@given(impairment=impairments, plan=plans, seed=st.integers(0, 2**16))
def test_every_call_ends_and_nothing_is_left(impairment: Impairment, plan: Plan, seed: int) -> None:
    network = Network(impairment, seed=seed)
    play = Play(network, plan)
    network.settle(limit=1000)
    for phone in (play.caller, play.callee):
        check_ends(phone)
        check_clean(phone)


@SLOW
@given(plan=plans, seed=st.integers(0, 2**16))
def test_on_a_good_network_both_sides_agree(plan: Plan, seed: int) -> None:
    network = Network(Impairment(delay=0.02), seed=seed)
    play = Play(network, plan)
    network.settle(limit=1000)
    answered = play.caller.has(Answered)
    callee_ends = [event for event in play.callee.events if isinstance(event, SessionEnded)]
    if answered:
        (ours,) = [event for event in play.caller.events if isinstance(event, SessionEnded)]
        assert ours.code in (200, 408)
        assert any(event.code in (200, 408) for event in callee_ends)
    else:
        assert all(event.code not in (200, 408) for event in callee_ends)
    assert play.caller.has(Progressed) or plan.answer == "nothing" or answered or callee_ends


@SLOW
@given(
    impairment=impairments,
    plan=plans,
    seed=st.integers(0, 2**16),
    silence=st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0]),
)
def test_a_call_ends_though_the_network_goes_away(
    impairment: Impairment, plan: Plan, seed: int, silence: float
) -> None:
    network = Network(impairment, seed=seed)
    network.filters.append(lambda step: step.time < silence)
    play = Play(network, plan)
    network.settle(limit=1000)
    for phone in (play.caller, play.callee):
        check_ends(phone)
        check_clean(phone)


@SLOW
@given(
    plan=plans,
    seed=st.integers(0, 2**16),
    large=st.booleans(),
    breaks=st.lists(st.tuples(st.booleans(), moments), max_size=4),
    refused=st.lists(st.tuples(moments, st.sampled_from([0.5, 5.0, 40.0])), max_size=2),
)
def test_a_call_ends_though_its_connections_break(
    plan: Plan,
    seed: int,
    large: bool,
    breaks: list[tuple[bool, float]],
    refused: list[tuple[float, float]],
) -> None:
    """By TCP as asked for, or because of the size; they break, and can not be had for a while."""
    network = Network(Impairment(delay=0.02), seed=seed)
    if any(moment == 0 for moment, _ in refused):
        network.without_tcp.add(("10.0.0.2", 5060))
    target = "sip:bob@10.0.0.2" + ("" if large else ";transport=tcp")
    play = Play(network, plan, target, OFFER + b"a=x\r\n" * 300 * large)
    phones = (play.caller, play.callee)

    def lose(phone: Phone, other: Phone) -> None:
        flow = Flow("tcp", phone.address, other.address)
        phone.agent.failed(flow, "the connection was closed", network.now)
        phone.pump()

    for at_caller, moment in breaks:
        ends = phones if at_caller else phones[::-1]
        network.clock.call_at(moment, lambda ends=ends: lose(*ends))
    for moment, length in refused:
        addresses = {phone.address for phone in phones}
        network.clock.call_at(moment, lambda a=addresses: network.without_tcp.update(a))
        network.clock.call_at(moment + length, network.without_tcp.clear)
    network.settle(limit=1000)
    for phone in phones:
        check_ends(phone)
        check_clean(phone)


@settings(SLOW, max_examples=60)
@given(
    impairment=impairments,
    seed=st.integers(0, 2**16),
    granted=st.sampled_from([5, 40, 60, 120, 600]),
    deaf=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=3),
)
def test_registered_is_only_what_the_registrar_granted(
    impairment: Impairment, seed: int, granted: int, deaf: list[tuple[int, int]]
) -> None:
    network = Network(impairment, seed=seed)
    phone = network.phone("10.0.0.1")
    registrar = network.phone("10.0.0.9", handled_methods=("REGISTER",))
    bound_until = 0.0

    def is_deaf() -> bool:
        return any(start <= network.now < start + length for start, length in deaf)

    def react(event: Event) -> None:
        nonlocal bound_until
        assert isinstance(event, RequestReceived)
        if is_deaf():
            return
        request = event.request
        expires = min(request.expires or 0, granted)
        bound_until = network.now + expires
        contact = f"<{request.contacts[0].uri}>;expires={expires}"
        registrar.agent.respond(event.key, 200, headers=[("Contact", contact)], now=network.now)

    registrar.react = react
    registration = phone.register(AccountSettings(aor="sip:alice@10.0.0.9", expires=600))
    while network.now < 1200 and (due := network._next()) is not None:
        network._step(due)
        if registration.state == "registered":
            assert network.now <= bound_until
            assert registration.expires_at is not None
            assert network.now <= registration.expires_at <= bound_until
    phone.do(registration.unregister)
    network.run(200)
    assert registration.state == "unregistered"
    network.settle(limit=1000)
    check_clean(phone)

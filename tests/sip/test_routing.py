"""Finding the way out: hops in order, each once, and a sentence when there is none."""

from __future__ import annotations

from platypus.sip.flow import Connect, Flow, Hop, Resolve
from platypus.sip.routing import MAX_HOPS, Locator
from platypus.sip.stack import Stack
from tests.sip.stacks import new_stack

FLOW = Flow("udp", ("10.0.0.1", 5060), ("10.0.0.2", 5060))


class User:
    def __init__(self) -> None:
        self.flows: list[Flow] = []
        self.reasons: list[str] = []

    def located(self, flow: Flow, now: float) -> None:
        self.flows.append(flow)

    def not_located(self, reason: str, now: float) -> None:
        self.reasons.append(reason)


class Setup:
    """A locator that has just asked for the hops."""

    def __init__(self) -> None:
        self.stack: Stack = new_stack()
        self.user = User()
        self.locator = Locator(self.stack, "sip:example.com", self.user)
        self.locator.start(0.0)

    def take(self, kind: type) -> Resolve | Connect:
        """The only effect there is."""
        (effect,), self.stack.effects = self.stack.effects, []
        assert isinstance(effect, kind)
        return effect

    def resolve(self, *hosts: str) -> None:
        waiter = self.stack.take_waiter(self.take(Resolve).key)
        assert waiter is not None
        waiter.resolved([Hop("udp", host, 5060) for host in hosts], 0.0)

    def refuse(self, reason: str = "refused") -> str:
        """Fail the connection that is asked for; its host."""
        connect = self.take(Connect)
        assert isinstance(connect, Connect)
        waiter = self.stack.take_waiter(connect.key)
        assert waiter is not None
        waiter.failed(reason, 0.0)
        return connect.hop.host


def test_hops_are_tried_in_order_until_one_connects() -> None:
    setup = Setup()
    setup.resolve("a", "b", "c")
    assert [setup.refuse(), setup.refuse()] == ["a", "b"]
    waiter = setup.stack.take_waiter(setup.take(Connect).key)
    assert waiter is not None
    waiter.connected(FLOW, 0.0)
    assert (setup.user.flows, setup.user.reasons) == ([FLOW], [])
    assert len(setup.stack.timers) == 0


def test_the_reason_of_the_last_hop_is_told() -> None:
    setup = Setup()
    setup.resolve("a", "b")
    setup.refuse("no route")
    setup.refuse("refused")
    assert setup.user.reasons == ["refused"]


def test_no_hop_at_all_is_named() -> None:
    setup = Setup()
    setup.resolve()
    assert setup.user.reasons == ["sip:example.com has no address"]


def test_an_endless_answer_is_cut() -> None:
    setup = Setup()
    setup.resolve(*(f"h{number}" for number in range(100)))
    hosts = []
    while not setup.user.reasons:
        hosts.append(setup.refuse())
    assert len(hosts) == MAX_HOPS


def test_a_driver_that_never_answers_counts_as_a_failure() -> None:
    setup = Setup()
    setup.stack.timers.handle_timeout(31.9)
    assert setup.user.reasons == []
    setup.stack.timers.handle_timeout(32.0)
    assert "took too long" in setup.user.reasons[0]


def test_a_hop_that_never_connects_is_left_for_the_next() -> None:
    setup = Setup()
    setup.resolve("a", "b")
    first = setup.take(Connect)
    setup.stack.timers.handle_timeout(32.0)
    assert setup.stack.take_waiter(first.key) is None
    assert setup.refuse() == "b"


def test_after_stopping_nobody_listens() -> None:
    setup = Setup()
    key = setup.take(Resolve).key
    setup.locator.stop()
    assert setup.stack.take_waiter(key) is None
    assert len(setup.stack.timers) == 0
    assert setup.stack.idle

"""A call that is over leaves nothing for the collector: whoever drops it last frees it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from platypus.sip.events import IncomingCall
from platypus.sip.session import Session
from tests.harness.network import ANSWER, OFFER, Network, Phone

FORGOTTEN = 70.0  # seconds: the last transaction is over (RFC 3261, 17)


@pytest.fixture(autouse=True)
def without_the_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Pair:
    """Two phones and a call between them that rings."""

    def __init__(self) -> None:
        self.network = Network()
        self.one: Phone = self.network.phone("10.0.0.1")
        self.two: Phone = self.network.phone("10.0.0.2")
        self.outgoing: Session = self.one.call("sip:two@10.0.0.2", body=OFFER)
        self.network.run(0.2)
        self.incoming: Session = self.two.next(IncomingCall).session
        self.act(self.two, self.incoming.ring)

    def act(self, phone: Phone, action: Callable[..., None], *arguments: object) -> None:
        phone.do(action, *arguments)
        self.network.run(1.0)

    def answer(self) -> None:
        self.act(self.two, self.incoming.answer, ANSWER)

    def left(self) -> int:
        """How many of the two sessions are still in memory when nobody holds them any more."""
        sessions = [weakref.ref(self.outgoing), weakref.ref(self.incoming)]
        del self.outgoing, self.incoming
        self.network.run(FORGOTTEN)
        self.one.events.clear()
        self.two.events.clear()
        return sum(session() is not None for session in sessions)


def test_one_that_the_caller_ends() -> None:
    pair = Pair()
    pair.answer()
    pair.act(pair.one, pair.outgoing.hangup)
    assert pair.left() == 0


def test_one_that_the_callee_ends() -> None:
    pair = Pair()
    pair.answer()
    pair.act(pair.two, pair.incoming.hangup)
    assert pair.left() == 0


def test_one_that_was_changed() -> None:
    pair = Pair()
    pair.answer()
    pair.act(pair.one, pair.outgoing.reinvite, OFFER)
    pair.act(pair.two, pair.incoming.accept_reinvite, ANSWER)
    pair.act(pair.one, pair.outgoing.hangup)
    assert pair.left() == 0


def test_one_that_is_given_up() -> None:
    pair = Pair()
    pair.act(pair.one, pair.outgoing.hangup)
    assert pair.left() == 0


def test_one_that_is_refused() -> None:
    pair = Pair()
    pair.act(pair.two, pair.incoming.reject, 486)
    assert pair.left() == 0


def test_one_that_goes_on_is_kept() -> None:
    pair = Pair()
    pair.answer()
    assert pair.left() == 2

"""Whatever both sides of a transfer do and whatever is lost, it has one end and leaves nothing."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from platypus.errors import StateError
from platypus.sip.events import ReferProgressed, ReferReceived, SessionEnded
from platypus.sip.referred import Referred
from platypus.sip.session import Session
from tests.harness.network import ANSWER, Impairment, Network, Phone

REPORTS = (100, 180, 183, 200, 302, 404, 486, 503, 603)

ACTIONS = st.one_of(
    st.just(("refer", True)),
    st.just(("refer", False)),
    st.just(("back", True)),
    st.just(("accept", 0)),
    st.tuples(st.just("refuse"), st.sampled_from((403, 486, 603))),
    st.tuples(st.just("report"), st.sampled_from(REPORTS)),
    st.tuples(st.just("hangup"), st.sampled_from(("alice", "bob"))),
    st.tuples(st.just("wait"), st.sampled_from((0.05, 1.0, 40.0, 700.0))),
)


class Play:
    """Alice and Bob in a call, who do what a list says and note what they are told."""

    def __init__(self, impairment: Impairment) -> None:
        self.network = Network()
        self.alice, self.bob = self.network.phone("10.0.0.1"), self.network.phone("10.0.0.2")
        self.call = self.alice.call("sip:bob@10.0.0.2")
        self.network.run(0.1)
        self.bobs = self.bob.agent.sessions[0]
        self.bob.do(self.bobs.answer, ANSWER)
        self.network.run(0.2)
        self.network.impairment = impairment
        self.started = 0

    def act(self, name: str, value: object) -> None:
        """Do one thing; one that the state forbids is refused and changes nothing."""
        with contextlib.suppress(StateError):
            self._act(name, value)

    def _act(self, name: str, value: object) -> None:
        match name:
            case "refer":
                self.alice.do(self.call.refer, "<sip:c@10.0.0.3>", subscribe=value)
                self.started += 1
            case "back":
                self.bob.do(self.bobs.refer, "<sip:c@10.0.0.3>")
            case "hangup":
                phone, session = self._side(str(value))
                phone.do(session.hangup)
            case "wait":
                assert isinstance(value, float)
                self.network.run(value)
            case _:
                for phone in (self.alice, self.bob):
                    self._decide(phone, name, value)

    def _decide(self, phone: Phone, name: str, value: object) -> None:
        for referred in asked(phone):
            if name == "accept":
                phone.do(referred.accept)
            elif name == "refuse":
                phone.do(referred.refuse, value)
            else:
                phone.do(referred.report, value, "")

    def _side(self, name: str) -> tuple[Phone, Session]:
        return (self.alice, self.call) if name == "alice" else (self.bob, self.bobs)

    def finish(self) -> None:
        """Both hang up if they have not, and time passes until nothing is left to happen."""
        self.network.impairment = Impairment()
        self.network.run(700)
        for name in ("alice", "bob"):
            phone, session = self._side(name)
            phone.do(session.hangup)
        self.network.settle()


def asked(phone: Phone) -> list[Referred]:
    return [event.referred for event in phone.events if isinstance(event, ReferReceived)]


@settings(max_examples=150)
@given(st.lists(ACTIONS, max_size=14), st.sampled_from((0.0, 0.3, 0.7)), st.booleans())
def test_every_transfer_has_one_end_and_leaves_nothing(
    actions: list[tuple[str, object]], loss: float, rough: bool
) -> None:
    jitter = 0.4 if rough else 0.0
    play = Play(Impairment(loss=loss, duplication=loss / 2, jitter=jitter))
    for name, value in actions:
        play.act(name, value)
    play.finish()
    told = [event for event in play.alice.events if isinstance(event, ReferProgressed)]
    ends = [event for event in told if event.done]
    by_alice = play.alice.next(SessionEnded).by == "local"
    assert len(ends) <= play.started
    assert len(ends) >= play.started - by_alice  # hanging up, she does not wait for the last
    for phone in (play.alice, play.bob):
        agent = phone.agent
        assert (agent.sessions, agent.transactions, agent.timers) == ((), 0, 0)
        assert agent._stack.referrings == {}
        assert agent._stack.pending == {}

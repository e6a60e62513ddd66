"""Early media and ringing, as RFC 3960 has them; what is heard is the user's to decide.

3.1   forking               every branch's answer is told with its tag, one of them wins
3.2   ringing tone          180 says that it rings; a description says that there may be media
3.3   no indicator          media may come before any description: nothing here depends on one
4     application server    early sessions (RFC 3959) are not offered, and not taken for answers
"""

from __future__ import annotations

from platypus.sip.events import Answered, IncomingCall, Progressed, SessionEnded
from platypus.sip.session import Session
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Peer

EARLY = b"v=0 announcement\r\n"


class Gateway:
    """Alice calls a telephone behind a gateway, 10.0.0.2, which says what the test has it say."""

    def __init__(self) -> None:
        self.network = Network()
        self.alice: Phone = self.network.phone("10.0.0.1")
        self.peer = Peer(self.network, "10.0.0.2")
        self.call: Session = self.alice.call("sip:+4930@10.0.0.2")
        self.network.run(0.1)

    def say(self, status: int, body: bytes = b"", tag: str = "gateway", **options: object) -> None:
        invite = self.peer.request("INVITE")
        self.peer.respond(invite, status, tag=tag, body=body, **options)  # type: ignore[arg-type]
        self.network.run(0.1)

    def progress(self) -> list[tuple[int, bytes | None]]:
        """What the user was told before the answer."""
        told = [e for e in self.alice.events if isinstance(e, Progressed)]
        return [(event.response.status, event.body) for event in told]


def test_it_rings_and_is_answered() -> None:
    """3.2: no early session; the caller's phone plays the ringing tone of its own."""
    gateway = Gateway()
    gateway.say(180)
    gateway.say(200, ANSWER)
    assert gateway.progress() == [(180, None)]
    assert gateway.alice.next(Answered).body == ANSWER


def test_an_announcement_comes_before_the_answer() -> None:
    """3: 183 with the answer, which the 200 repeats."""
    gateway = Gateway()
    gateway.say(183, ANSWER)
    gateway.say(200, ANSWER)
    assert gateway.progress() == [(183, ANSWER)]
    assert gateway.alice.next(Answered).body == ANSWER
    assert [s for s in gateway.network.ladder() if s.startswith("1 > 2")] == [
        "1 > 2 INVITE",
        "1 > 2 ACK",
    ]


def test_it_rings_with_media_of_its_own() -> None:
    """3.2: 180 and a description: the far end's ringing tone may be heard instead of ours."""
    gateway = Gateway()
    gateway.say(180, ANSWER)
    assert gateway.progress() == [(180, ANSWER)]


def test_it_rings_after_an_announcement() -> None:
    """3.2: a 180 without a description does not take the early session back."""
    gateway = Gateway()
    gateway.say(183, ANSWER)
    gateway.say(180)
    gateway.say(200)
    assert gateway.progress() == [(183, ANSWER), (180, None)]
    assert gateway.alice.next(Answered).body == ANSWER


def test_an_announcement_that_ends_in_a_refusal() -> None:
    """3: why a gateway needs early media at all: "the number is not in service"."""
    gateway = Gateway()
    gateway.say(183, EARLY)
    gateway.say(404)
    assert gateway.progress() == [(183, EARLY)]
    assert gateway.alice.next(SessionEnded).code == 404


def test_branches_of_a_forked_call_are_told_apart_and_one_of_them_wins() -> None:
    """3.1: two early dialogs at a time; the media of the one that answers are the call's."""
    gateway = Gateway()
    gateway.say(183, b"v=0 first\r\n", tag="first")
    gateway.say(183, b"v=0 second\r\n", tag="second")
    told = [e.response.to.tag for e in gateway.alice.events if isinstance(e, Progressed)]
    assert told == ["first", "second"]
    gateway.say(200, b"v=0 second\r\n", tag="second")
    assert gateway.alice.next(Answered).body == b"v=0 second\r\n"
    assert gateway.call.dialog is not None
    assert gateway.call.dialog.remote.tag == "second"


def test_a_call_given_up_while_an_announcement_plays() -> None:
    gateway = Gateway()
    gateway.say(183, EARLY)
    gateway.alice.do(gateway.call.hangup)
    gateway.network.run(0.1)
    assert gateway.network.ladder()[-1] == "1 > 2 CANCEL"
    gateway.say(487)
    assert gateway.alice.next(SessionEnded).code == 487


def test_nothing_said_about_media_is_no_obstacle() -> None:
    """3.3: there is no indicator of early media; 200 alone brings the description."""
    gateway = Gateway()
    gateway.say(200, ANSWER)
    assert gateway.progress() == []
    assert gateway.alice.next(Answered).body == ANSWER


def test_an_early_session_is_not_taken_for_the_answer() -> None:
    """4: an application server's own offer, of a disposition that we never said we know."""
    gateway = Gateway()
    disposition = ("Content-Disposition", "early-session;handling=optional")
    gateway.say(183, EARLY, headers=[disposition])
    gateway.say(200, ANSWER)
    assert gateway.progress() == [(183, None)]
    assert gateway.alice.next(Answered).body == ANSWER


def test_we_send_early_media_as_a_gateway_does() -> None:
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
    alice.call("sip:bob@10.0.0.2", body=OFFER)
    network.run(0.1)
    session = bob.next(IncomingCall).session
    bob.do(session.progress, 183, ANSWER)
    bob.do(session.ring)
    bob.do(session.answer, None)
    network.run(0.1)
    told = [(e.response.status, e.body) for e in alice.events if isinstance(e, Progressed)]
    assert told == [(183, ANSWER), (180, None)]
    assert alice.next(Answered).body == ANSWER

"""Calls between two user agents, as the ladder diagrams of RFC 3665 have them.

The call whose address changes (3.7) is in `test_recovery`; a gateway in the path (3.5) would be
a proxy like others to us.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from platypus.sip.events import (
    Acknowledged,
    Answered,
    IncomingCall,
    Progressed,
    ReinviteAnswered,
    Reinvited,
    SessionEnded,
)
from platypus.sip.flow import Hop
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone, Step
from tests.harness.peer import Peer
from tests.harness.proxy import Proxy

SUCCESSFUL = [
    "1 > 2 INVITE",
    "2 > 1 100 INVITE",
    "2 > 1 180 INVITE",
    "2 > 1 200 INVITE",
    "1 > 2 ACK",
    "1 > 2 BYE",
    "2 > 1 200 BYE",
]


class Two:
    """Alice at 10.0.0.1 and Bob at 10.0.0.2."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network or Network()
        self.alice: Phone = self.network.phone("10.0.0.1")
        self.bob: Phone = self.network.phone("10.0.0.2")

    def ring(self, body: Any = OFFER, target: str = "sip:bob@10.0.0.2") -> tuple[Session, Session]:
        """Alice's session and Bob's, ringing."""
        call = self.alice.call(target, body=body)
        self.network.run(0.2)
        incoming = self.bob.next(IncomingCall).session
        self.do(self.bob, incoming.ring)
        return call, incoming

    def confirm(self) -> tuple[Session, Session]:
        call, incoming = self.ring()
        self.do(self.bob, incoming.answer, ANSWER)
        return call, incoming

    def do(self, phone: Phone, action: Any, *arguments: Any) -> None:
        phone.do(action, *arguments)
        self.network.run(0.2)

    def codes(self) -> tuple[int | None, int | None]:
        return self.alice.next(SessionEnded).code, self.bob.next(SessionEnded).code

    def assert_clean(self) -> None:
        self.network.settle()
        for phone in (self.alice, self.bob):
            assert (phone.agent.sessions, phone.agent.transactions, phone.agent.timers) == (
                (),
                0,
                0,
            )


def test_session_establishment_through_hang_up_by_the_caller() -> None:
    """RFC 3665, 3.1."""
    two = Two()
    call, _ = two.confirm()
    answered = two.alice.next(Answered)
    assert (answered.body, answered.body_is) == (ANSWER, "answer")
    assert two.bob.next(Acknowledged).body is None
    two.do(two.alice, call.hangup)
    assert two.network.ladder() == SUCCESSFUL
    assert two.alice.next(SessionEnded).by == "local"
    assert two.bob.next(SessionEnded).by == "remote"
    two.assert_clean()


def test_hang_up_by_the_callee() -> None:
    two = Two()
    _, incoming = two.confirm()
    two.do(two.bob, incoming.hangup)
    assert two.network.ladder()[-2:] == ["2 > 1 BYE", "1 > 2 200 BYE"]
    assert two.codes() == (200, 200)
    two.assert_clean()


def test_busy() -> None:
    """RFC 3665, 3.9."""
    two = Two()
    _, incoming = two.ring()
    two.do(two.bob, incoming.reject, 486)
    assert two.network.ladder()[-2:] == ["2 > 1 486 INVITE", "1 > 2 ACK"]
    assert two.codes() == (486, 486)
    two.assert_clean()


def test_no_answer() -> None:
    """RFC 3665, 3.8."""
    two = Two()
    call, _ = two.ring()
    two.do(two.alice, call.hangup)
    assert two.network.ladder()[3:] == [
        "1 > 2 CANCEL",
        "2 > 1 200 CANCEL",
        "2 > 1 487 INVITE",
        "1 > 2 ACK",
    ]
    assert two.codes() == (487, 487)
    two.assert_clean()


def test_redirection() -> None:
    """RFC 3665, 3.6, with the callee as redirect server of her own."""
    two = Two()
    carol = two.network.phone("10.0.0.3")
    call, incoming = two.ring()
    two.do(two.bob, incoming.redirect, ["sip:carol@10.0.0.3"])
    theirs = carol.next(IncomingCall).session
    two.do(carol, theirs.answer, ANSWER)
    assert two.network.ladder()[3:] == [
        "2 > 1 302 INVITE",
        "1 > 2 ACK",
        "1 > 3 INVITE",
        "3 > 1 100 INVITE",
        "3 > 1 200 INVITE",
        "1 > 3 ACK",
    ]
    assert two.alice.next(Answered).session is call


def test_early_media() -> None:
    two = Two()
    _, incoming = two.ring()
    two.do(two.bob, incoming.progress, 183, ANSWER)
    two.alice.next(Progressed)
    assert two.alice.next(Progressed).body == ANSWER
    two.do(two.bob, incoming.answer, None)
    assert two.alice.next(Answered).body == ANSWER


def test_an_invite_without_an_offer() -> None:
    two = Two()
    call, incoming = two.ring(None)
    two.do(two.bob, incoming.answer, OFFER)
    assert two.alice.next(Answered).body_is == "offer"
    two.do(two.alice, call.acknowledge, ANSWER)
    assert two.bob.next(Acknowledged).body == ANSWER


def test_hold_and_resume_from_both_sides() -> None:
    """RFC 6337, 5.3: four re-INVITEs, one after the other."""
    two = Two()
    call, incoming = two.confirm()
    asker = [(two.alice, call, two.bob), (two.bob, incoming, two.alice)]
    for phone, session, other in asker * 2:
        start = len(two.network.log)
        two.do(phone, session.reinvite, b"v=0 change\r\n")
        asked = other.next(Reinvited)
        assert asked.body == b"v=0 change\r\n"
        two.do(other, asked.session.accept_reinvite, b"v=0 changed\r\n")
        assert phone.next(ReinviteAnswered).body == b"v=0 changed\r\n"
        steps = [line.split(" ", 3)[3] for line in two.network.ladder()[start:]]
        assert steps == ["INVITE", "100 INVITE", "200 INVITE", "ACK"]
    two.do(two.alice, call.hangup)
    two.assert_clean()


def test_both_hang_up_at_once() -> None:
    two = Two()
    call, incoming = two.confirm()
    two.alice.do(call.hangup)
    two.bob.do(incoming.hangup)
    two.network.run(1)
    assert two.codes() == (200, 200)
    two.assert_clean()


def test_cancel_crosses_the_answer() -> None:
    two = Two()
    call, incoming = two.ring()
    two.alice.do(call.hangup)
    two.bob.do(incoming.answer, ANSWER)
    two.network.run(1)
    ladder = two.network.ladder()
    assert "1 > 2 ACK" in ladder and "1 > 2 BYE" in ladder and "2 > 1 200 CANCEL" in ladder
    assert two.codes() == (487, 200)
    two.assert_clean()


@pytest.mark.parametrize("lost", SUCCESSFUL)
@pytest.mark.parametrize("times", [1, 3])
def test_any_message_may_be_lost(lost: str, times: int) -> None:
    two = Two()
    left = {lost: times}
    two.network.filters.append(drop(left))
    two.bob.react = lambda event: (
        two.network.clock.call_at(
            two.network.now + 2, lambda: two.bob.do(event.session.answer, ANSWER)
        )
        if isinstance(event, IncomingCall)
        else None
    )
    call = two.alice.call("sip:bob@10.0.0.2")
    two.network.run(0.3)
    if two.bob.agent.sessions:
        two.bob.do(two.bob.agent.sessions[0].ring)
    two.network.run(30)
    two.alice.next(Answered)
    two.alice.do(call.hangup)
    two.network.run(20)
    assert left[lost] <= 0 or lost in ("2 > 1 180 INVITE", "2 > 1 100 INVITE")
    assert two.codes() == (200, 200)
    two.assert_clean()


def drop(left: dict[str, int]) -> Callable[[Step], bool]:
    """A filter that loses messages of a name as often as it says."""

    def allowed(step: Step) -> bool:
        source, target = (address[0].rpartition(".")[2] for address in (step.source, step.target))
        name = f"{source} > {target} {step.text}"
        if left.get(name, 0) <= 0:
            return True
        left[name] -= 1
        return False

    return allowed


def requests(network: Network, method: str) -> list[str]:
    """The steps of the ladder that are requests of a method."""
    return [line for line in network.ladder() if line.split(" ", 3)[3] == method]


def test_multiple_proxy_authentication() -> None:
    """RFC 3665, 3.3: each of two proxies wants credentials of its own realm."""
    network = Network()
    alice = network.phone("10.0.0.1")
    proxy = Peer(network, "10.0.0.8")
    account = AccountSettings(aor="sip:alice@10.0.0.8", password="secret")
    call = alice.call("sip:bob@10.0.0.8", account=account)
    for realm in ("atlanta", "biloxi"):
        network.run(0.1)
        challenge = f'Digest realm="{realm}", nonce="n", algorithm=MD5, qop="auth"'
        invite = proxy.request("INVITE")
        proxy.respond(invite, 407, headers=[("Proxy-Authenticate", challenge)])
    network.run(0.1)
    credentials = proxy.request("INVITE").headers.get_all("Proxy-Authorization")
    assert ["atlanta" in credentials[0], "biloxi" in credentials[1]] == [True, True]
    proxy.respond(proxy.request("INVITE"), 200, body=ANSWER)
    network.run(0.1)
    assert network.ladder() == [
        "1 > 8 INVITE",
        "8 > 1 407 INVITE",
        "1 > 8 ACK",
        "1 > 8 INVITE",
        "8 > 1 407 INVITE",
        "1 > 8 ACK",
        "1 > 8 INVITE",
        "8 > 1 200 INVITE",
        "1 > 8 ACK",
    ]
    assert call.state == "confirmed"


def test_the_first_proxy_has_failed() -> None:
    """RFC 3665, 3.4: after its silence the second one is tried, and the next call goes there."""
    two = Two()
    two.network.names["example.com"] = [
        Hop("udp", "10.0.0.8", 5060),
        Hop("udp", "10.0.0.2", 5060),
    ]
    two.alice.call("sip:bob@example.com")
    two.network.run(33)
    two.do(two.bob, two.bob.next(IncomingCall).session.answer, ANSWER)
    assert two.alice.has(Answered)
    start = len(two.network.log)
    two.alice.call("sip:bob@example.com")
    two.network.run(0.1)
    assert two.network.ladder()[start] == "1 > 2 INVITE"


def test_no_response() -> None:
    """RFC 3665, 3.10: the INVITE is sent seven times within 32 s, and given up."""
    network = Network()
    alice = network.phone("10.0.0.1")
    alice.call("sip:bob@10.0.0.2")
    network.run(33)
    assert network.ladder() == ["1 > 2 INVITE"] * 7
    ended = alice.next(SessionEnded)
    assert (ended.code, "no answer" in ended.reason) == (None, True)


def test_temporarily_unavailable() -> None:
    """RFC 3665, 3.11: it rang, and was refused after all."""
    two = Two()
    _, incoming = two.ring()
    two.do(two.bob, incoming.reject, 480)
    assert two.network.ladder()[2:] == ["2 > 1 180 INVITE", "2 > 1 480 INVITE", "1 > 2 ACK"]
    assert two.codes() == (480, 480)
    two.assert_clean()


class TestThroughAProxy:
    """RFC 3665, 3.2: Alice and Bob behind proxies that stay in the path."""

    def through(self, *, loose: bool = True) -> tuple[Two, Session, Session]:
        two = Two()
        first = Proxy(two.network, "10.0.0.8", loose=loose)
        second = Proxy(two.network, "10.0.0.9", loose=loose)
        first.users["bob"] = ("10.0.0.9", 5060)
        second.users["bob"] = ("10.0.0.2", 5060)
        two.network.names["example.com"] = [
            hop for hop in (two.alice._resolve("sip:10.0.0.8")) if hop
        ]
        call, incoming = two.ring(target="sip:bob@example.com")
        two.do(two.bob, incoming.answer, ANSWER)
        return two, call, incoming

    @pytest.mark.parametrize("loose", [True, False])
    def test_every_request_takes_the_recorded_route(self, loose: bool) -> None:
        two, call, _ = self.through(loose=loose)
        two.do(two.alice, call.hangup)
        for method in ("ACK", "BYE"):
            way = [f"1 > 8 {method}", f"8 > 9 {method}", f"9 > 2 {method}"]
            assert requests(two.network, method) == way
        assert two.codes() == (200, 200)

    @pytest.mark.parametrize("loose", [True, False])
    def test_the_callees_requests_take_it_backwards(self, loose: bool) -> None:
        two, _, incoming = self.through(loose=loose)
        two.do(two.bob, incoming.hangup)
        assert requests(two.network, "BYE") == ["2 > 9 BYE", "9 > 8 BYE", "8 > 1 BYE"]
        assert two.codes() == (200, 200)

    def test_re_invites_keep_to_it(self) -> None:
        two, _, incoming = self.through()
        two.do(two.bob, incoming.reinvite, OFFER)
        two.do(two.alice, two.alice.next(Reinvited).session.accept_reinvite, ANSWER)
        assert two.bob.next(ReinviteAnswered).body == ANSWER
        assert two.network.ladder()[-3:] == ["2 > 9 ACK", "9 > 8 ACK", "8 > 1 ACK"]

    def test_cancel_follows_its_invite(self) -> None:
        two = Two()
        proxy = Proxy(two.network, "10.0.0.8")
        proxy.users["bob"] = ("10.0.0.2", 5060)
        two.network.names["example.com"] = two.alice._resolve("sip:10.0.0.8")
        call, _ = two.ring(target="sip:bob@example.com")
        two.do(two.alice, call.hangup)
        assert two.codes() == (487, 487)
        two.assert_clean()

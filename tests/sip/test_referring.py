"""A REFER of ours: what the peer may answer, and what its NOTIFYs may look like."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.errors import StateError
from platypus.sip.events import ReferProgressed, SessionEnded
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, Network
from tests.harness.peer import Peer

ACCOUNT = AccountSettings(aor="sip:alice@example.com", password="secret")
CHALLENGE = [("Proxy-Authenticate", 'Digest realm="example.com", nonce="n1"')]
SIPFRAG = ("Content-Type", "message/sipfrag")


class Transferor:
    """A phone in a call with a peer, which it asks to call somebody else."""

    def __init__(self, *, refer: bool = True, **options: Any) -> None:
        self.network = Network()
        self.phone = self.network.phone("10.0.0.1")
        self.peer = Peer(self.network, "10.0.0.2")
        self.call: Session = self.phone.call(self.peer.uri, account=ACCOUNT)
        self.run()
        self.invite = self.peer.request("INVITE")
        self.peer.respond(self.invite, 200, body=ANSWER)
        self.run()
        self.cseq = 0
        if refer:
            self.refer(**options)

    def refer(self, **options: Any) -> None:
        self.peer.clear()
        self.phone.do(self.call.refer, "<sip:carol@10.0.0.3>", **options)
        self.run()

    def run(self, seconds: float = 0.1) -> None:
        self.network.run(seconds)

    def respond(self, status: int, **options: Any) -> None:
        self.peer.respond(self.peer.request("REFER"), status, **options)
        self.run()

    def notify(
        self,
        body: bytes = b"SIP/2.0 200 OK\r\n",
        *,
        event: str = "refer",
        state: str | None = "terminated;reason=noresource",
        tag: str = "peer",
    ) -> int:
        """Send a NOTIFY; what it was answered with."""
        self.cseq += 1
        headers = [("Event", event), SIPFRAG]
        if state is not None:
            headers.append(("Subscription-State", state))
        self.peer.clear()
        self.peer.send(
            "NOTIFY",
            "sip:alice@10.0.0.1",
            ("10.0.0.1", 5060),
            call_id=self.call.call_id,
            from_=f"<{self.peer.uri}>;tag={tag}",
            to=f"<sip:alice@example.com>;tag={self.call.local_tag}",
            cseq=self.cseq,
            headers=headers,
            body=body,
        )
        self.run()
        return self.peer.responses("NOTIFY")[-1]

    def told(self) -> list[tuple[int, bool]]:
        """What the user was told, once."""
        events = [e for e in self.phone.events if isinstance(e, ReferProgressed)]
        self.phone.events = [e for e in self.phone.events if e not in events]
        return [(event.status, event.done) for event in events]


def test_a_challenge_is_answered_and_the_news_have_the_number_of_the_second() -> None:
    """RFC 3261, 22.3; RFC 3515, 2.4.6."""
    transferor = Transferor()
    first = transferor.peer.request("REFER").cseq.number
    transferor.respond(407, headers=CHALLENGE)
    second = transferor.peer.request("REFER")
    assert second.cseq.number == first + 1
    assert "Proxy-Authorization" in second.headers
    transferor.respond(202)
    assert transferor.notify(event=f"refer;id={second.cseq.number}") == 200
    assert transferor.told() == [(200, True)]


@pytest.mark.parametrize("status", [300, 403, 405, 420, 481, 500, 603])
def test_a_refusal_is_told_and_the_call_stays(status: int) -> None:
    transferor = Transferor()
    transferor.respond(status)
    assert transferor.told() == [(status, True)]
    assert transferor.call.state == "confirmed"
    transferor.refer()  # and it may be tried again


@pytest.mark.parametrize("status", [200, 202])
def test_an_agreement_is_no_news(status: int) -> None:
    """RFC 5589, 6: old phones say 202, newer ones 200."""
    transferor = Transferor()
    transferor.respond(status)
    assert transferor.told() == []


def test_a_peer_that_never_heard_of_subscription_states_is_understood() -> None:
    transferor = Transferor()
    transferor.respond(202)
    assert transferor.notify(b"SIP/2.0 180 Ringing\r\n", state=None) == 200
    assert transferor.notify(state=None) == 200
    assert transferor.told() == [(180, False), (200, True)]


def test_an_end_without_a_final_status_is_an_end_with_the_last_one() -> None:
    transferor = Transferor()
    transferor.respond(202)
    transferor.notify(b"SIP/2.0 180 Ringing\r\n", state="active;expires=60")
    transferor.notify(b"", state="terminated;reason=timeout")
    assert transferor.told() == [(180, False), (180, True)]


def test_the_end_may_come_before_the_agreement() -> None:
    transferor = Transferor()
    assert transferor.notify() == 200
    assert transferor.told() == [(200, True)]


def test_after_the_end_there_is_nobody_to_tell() -> None:
    transferor = Transferor()
    transferor.respond(202)
    transferor.notify()
    assert transferor.notify() == 481


@pytest.mark.parametrize("event", ["refer;id=0", "dialog", ""])
def test_news_of_something_else_are_none_of_the_transfer(event: str) -> None:
    transferor = Transferor()
    transferor.respond(202)
    assert transferor.notify(event=event) in (481, 489)
    assert transferor.told() == []


def test_a_stranger_in_the_dialog_is_not_listened_to() -> None:
    transferor = Transferor()
    transferor.respond(202)
    assert transferor.notify(tag="stranger") == 481
    assert transferor.told() == []


def test_news_out_of_order_are_refused() -> None:
    """RFC 3261, 12.2.2."""
    transferor = Transferor()
    transferor.respond(202)
    transferor.cseq = 7
    transferor.notify(b"SIP/2.0 180 Ringing\r\n", state="active;expires=60")
    transferor.cseq = 3
    assert transferor.notify() == 500
    assert transferor.told() == [(180, False)]


def test_a_duration_without_end_is_cut() -> None:
    transferor = Transferor()
    transferor.respond(202)
    transferor.notify(b"SIP/2.0 180 Ringing\r\n", state="active;expires=4294967295")
    transferor.run(601)
    assert transferor.told() == [(180, False), (408, True)]


def test_an_agreement_to_no_subscription_ends_it() -> None:
    """RFC 4488, 4: the 2xx says so too."""
    transferor = Transferor(subscribe=False)
    transferor.respond(200, headers=[("Refer-Sub", "false")])
    assert transferor.told() == [(200, True)]
    assert transferor.notify() == 481


def test_a_call_that_ends_here_takes_its_transfer_with_it() -> None:
    transferor = Transferor()
    transferor.respond(202)
    transferor.phone.do(transferor.call.hangup)
    transferor.run()
    assert transferor.notify() == 481
    assert transferor.told() == []
    assert transferor.phone.next(SessionEnded).by == "local"


@pytest.mark.parametrize("answered", [False, True])
def test_only_a_call_that_is_answered_and_goes_on_is_transferred(answered: bool) -> None:
    transferor = Transferor(refer=False)
    call = transferor.call if answered else transferor.phone.call(transferor.peer.uri)
    if answered:
        transferor.phone.do(call.hangup)
    with pytest.raises(StateError, match="can't be transferred"):
        transferor.phone.do(call.refer, "<sip:carol@10.0.0.3>")

"""The services of RFC 5359 that phones themselves perform, as its ladder diagrams have them.

10.0.0.1 alice   10.0.0.2 bob   10.0.0.3 carol, or a server for music or parked calls

    2.1   call hold                       here
    2.2   consultation hold               here
    2.3   music on hold                   here
    2.4   transfer, unattended            test_transfers (RFC 5589, 6)
    2.5   transfer, attended              test_transfers (RFC 5589, 7)
    2.6   transfer, instant messaging     here
    2.7 to 2.9   call forwarding          test_forwarding
    2.10  conference, third party added   here, mixed by whoever adds
    2.11  conference, third party joins   refused: Join is not understood (RFC 3911)
    2.12  find-me                         a proxy's; the phone that is given up is here
    2.13, 2.14   screening                a proxy's; the refusal is here
    2.15  call park                       here
    2.16  call pickup                     test_notifications
    2.17  automatic redial                here
    2.18  click to dial                   refused: nobody tells us from outside whom to call
"""

from __future__ import annotations

from typing import Any

from platypus.sip.events import (
    Answered,
    Event,
    IncomingCall,
    NotificationReceived,
    NotifyWanted,
    ReinviteAnswered,
    Reinvited,
    RequestReceived,
    ResponseReceived,
    SessionEnded,
    WatcherArrived,
)
from platypus.sip.packages.dialog_info import CONTENT_TYPE, DialogEntry, DialogInfo
from platypus.sip.replaces import Replaces
from platypus.sip.session import Session
from platypus.sip.uri import Uri
from platypus.sip.watcher import Watcher
from tests.harness.network import ANSWER, Network, Phone
from tests.harness.peer import Caller, Peer
from tests.sip.scenarios.three import Three

HOLD, RESUME, MUSIC = b"v=0 hold\r\n", b"v=0 resume\r\n", b"v=0 music\r\n"


class House(Three):
    """Alice has called Bob; every change that is offered is taken, and answered in kind."""

    def __init__(self) -> None:
        super().__init__()
        self.alice.react = lambda event: self._agree(self.alice, event)
        self.carol.react = lambda event: self._agree(self.carol, event)

    def _agree(self, phone: Phone, event: Event) -> None:
        if isinstance(event, Reinvited):
            event.session.accept_reinvite(b"v=0 answer to " + (event.body or b""), self.network.now)

    def change(self, phone: Phone, session: Session, body: bytes) -> bytes | None:
        """A re-INVITE; the answer."""
        phone.do(session.reinvite, body)
        self.network.run(0.1)
        return phone.next(ReinviteAnswered).body

    def since(self, start: int) -> list[str]:
        """What was on the wire since, without the 100s, which the RFC does not draw."""
        return [step for step in self.network.ladder()[start:] if " 100 " not in step]

    def mark(self) -> int:
        return len(self.network.log)


def reinvite(asker: int, other: int) -> list[str]:
    return [f"{asker} > {other} INVITE", f"{other} > {asker} 200 INVITE", f"{asker} > {other} ACK"]


def test_2_1_call_hold() -> None:
    house = House()
    start = house.mark()
    assert house.change(house.bob, house.bobs, HOLD) == b"v=0 answer to " + HOLD
    assert house.change(house.bob, house.bobs, RESUME) == b"v=0 answer to " + RESUME
    house.alice.do(house.call.hangup)
    house.network.run(0.1)
    assert house.since(start) == [
        *reinvite(2, 1),
        *reinvite(2, 1),
        "1 > 2 BYE",
        "2 > 1 200 BYE",
    ]
    house.assert_clean()


def test_2_2_consultation_hold() -> None:
    """Bob holds Alice, asks Carol something, and takes Alice back."""
    house = House()
    start = house.mark()
    house.change(house.bob, house.bobs, HOLD)
    asking, _ = house.connect(house.bob, house.carol, "sip:carol@10.0.0.3")
    house.bob.do(asking.hangup)
    house.network.run(0.1)
    house.change(house.bob, house.bobs, RESUME)
    assert house.since(start) == [
        *reinvite(2, 1),
        *reinvite(2, 3),
        "2 > 3 BYE",
        "3 > 2 200 BYE",
        *reinvite(2, 1),
    ]
    assert house.bobs.state == "confirmed"
    house.assert_clean()


def test_2_3_music_on_hold() -> None:
    """Bob asks a music server for its offer, hands it to Alice, and her answer to the server."""
    house = House()
    start = house.mark()
    music = house.bob.call("sip:music@10.0.0.3", body=None)
    house.network.run(0.1)
    server = house.carol.next(IncomingCall).session
    house.carol.do(server.answer, MUSIC)
    house.network.run(0.1)
    offered = house.bob.next(Answered)
    assert (offered.body, offered.body_is) == (MUSIC, "offer")
    answer = house.change(house.bob, house.bobs, MUSIC)
    assert answer == b"v=0 answer to " + MUSIC
    house.bob.do(music.acknowledge, answer)
    house.network.run(0.1)
    assert server.remote_body == answer
    house.bob.do(music.hangup)
    house.network.run(0.1)
    house.change(house.bob, house.bobs, RESUME)
    assert [step for step in house.since(start) if " 200 INVITE" not in step] == [
        "2 > 3 INVITE",
        "2 > 1 INVITE",
        "2 > 1 ACK",
        "2 > 3 ACK",
        "2 > 3 BYE",
        "3 > 2 200 BYE",
        "2 > 1 INVITE",
        "2 > 1 ACK",
    ]
    house.assert_clean()


def test_2_6_transfer_by_instant_message() -> None:
    """Bob writes Alice whom to call; what she does about it is hers."""
    network = Network()
    alice = network.phone("10.0.0.1", handled_methods=("MESSAGE",))
    bob, carol = network.phone("10.0.0.2"), network.phone("10.0.0.3")
    alice.react = lambda event: _take_message(alice, event)
    bob.do(
        bob.agent.request,
        "MESSAGE",
        "sip:alice@10.0.0.1",
        body=b"<sip:carol@10.0.0.3>",
        content_type="text/plain",
    )
    network.run(0.1)
    response = bob.next(ResponseReceived).response
    assert response is not None and response.status == 200
    written = alice.next(RequestReceived).request.body.decode()
    alice.call(written.strip("<>"))
    network.run(0.1)
    carol.do(carol.next(IncomingCall).session.answer, ANSWER)
    network.run(0.1)
    assert [step for step in network.ladder() if " 100 " not in step] == [
        "2 > 1 MESSAGE",
        "1 > 2 200 MESSAGE",
        *reinvite(1, 3),
    ]


def _take_message(phone: Phone, event: Event) -> None:
    if isinstance(event, RequestReceived):
        phone.agent.respond(event.key, 200, now=phone.network.now)


def test_2_10_a_third_party_is_added() -> None:
    """Bob holds Alice, calls Carol, and takes Alice back: his phone mixes the two calls."""
    house = House()
    start = house.mark()
    house.change(house.bob, house.bobs, HOLD)
    with_carol, _ = house.connect(house.bob, house.carol, "sip:carol@10.0.0.3")
    house.change(house.bob, house.bobs, RESUME)
    assert house.since(start) == [*reinvite(2, 1), *reinvite(2, 3), *reinvite(2, 1)]
    assert {house.bobs.state, with_carol.state} == {"confirmed"}
    house.assert_clean()


def test_2_11_who_wants_to_join_is_told_that_we_know_nothing_of_that() -> None:
    network = Network()
    network.phone("10.0.0.1")
    peer = Peer(network, "10.0.0.2")
    caller = Caller(peer, ("10.0.0.1", 5060))
    headers = [("Require", "join"), ("Join", "x;from-tag=a;to-tag=b")]
    caller.invite(headers=headers)
    network.run(0.1)
    refusal = peer.response(420)
    assert refusal.headers.get("Unsupported") == "join"


def test_2_12_a_phone_that_is_not_found_in_time_is_given_up() -> None:
    """The proxy tries the next: ours rang and gets CANCEL."""
    house = Three()
    start = len(house.network.log)
    call = house.alice.call("sip:carol@10.0.0.3")
    house.network.run(0.1)
    session = house.carol.next(IncomingCall).session
    house.carol.do(session.ring)
    house.network.run(10)
    house.alice.do(call.hangup)
    house.network.run(0.1)
    assert house.network.ladder()[start:] == [
        "1 > 3 INVITE",
        "3 > 1 100 INVITE",
        "3 > 1 180 INVITE",
        "1 > 3 CANCEL",
        "3 > 1 200 CANCEL",
        "3 > 1 487 INVITE",
        "1 > 3 ACK",
    ]
    assert house.carol.next(SessionEnded).code == 487
    house.assert_clean()


def test_2_13_and_2_14_a_call_that_is_screened_ends_with_its_code() -> None:
    house = Three()
    call = house.alice.call("sip:carol@10.0.0.3")
    house.network.run(0.1)
    house.carol.do(house.carol.next(IncomingCall).session.reject, 403)
    house.network.run(0.1)
    ended = house.alice.next(SessionEnded)
    assert (ended.session, ended.code) == (call, 403)
    house.assert_clean()


def test_2_15_call_park() -> None:
    """Alice is sent to the parking server and fetched from there by Bob, from another phone."""
    house = Three()
    parked = Parked(house)
    replaces = parked.park()
    start = len(house.network.log)
    fetched = house.bob.call("sip:alice@10.0.0.1", headers=[("Replaces", str(replaces))])
    house.network.run(0.2)
    incoming = house.alice.next(IncomingCall)
    assert incoming.replaces is parked.call
    house.alice.do(incoming.session.answer, ANSWER)
    house.alice.do(parked.call.hangup)
    house.network.run(0.2)
    assert fetched.state == "confirmed"
    assert [s for s in house.network.ladder()[start:] if " 100 " not in s] == [
        "2 > 1 INVITE",
        "1 > 2 200 INVITE",
        "1 > 3 BYE",
        "2 > 1 ACK",
        "3 > 1 200 BYE",
    ]
    house.assert_clean()


class Parked:
    """Alice, transferred by Bob to a server that answers everybody."""

    def __init__(self, house: Three) -> None:
        self.house = house
        self.call: Any = None

    def park(self) -> Replaces:
        house = self.house
        # Bob is the one who transfers here, so Alice's user plays the transferee.
        house.transferee.phone.react = None
        house.transferee.phone = house.alice
        house.alice.react = house.transferee.react
        target = "<sip:parked@10.0.0.3>"
        house.bob.do(house.bobs.refer, target, referred_by="<sip:bob@10.0.0.2>")
        house.network.run(0.1)
        house.carol_answers()
        self.call = house.transferee.call
        house.bob.do(house.bobs.hangup)
        house.network.run(0.1)
        dialog = self.call.dialog
        # As whoever subscribes to the server's dialog state is told of it.
        return Replaces(dialog.call_id, dialog.local.tag or "", dialog.remote.tag or "")


def test_2_17_automatic_redial() -> None:
    """Bob is busy: Alice watches his calls, and calls again when there is none."""
    network = Network()
    alice = network.phone("10.0.0.1")
    busy = Busy(network)
    alice.call("sip:bob@10.0.0.2")
    network.run(0.1)
    assert alice.next(SessionEnded).code == 486
    subscription = alice.do(alice.agent.subscribe, "sip:bob@10.0.0.2", "dialog")
    network.run(0.1)
    busy.hang_up()
    network.run(0.1)
    told = [e.request.body for e in alice.events if isinstance(e, NotificationReceived)]
    assert [b"confirmed" in body for body in told] == [True, False]
    alice.do(subscription.unsubscribe)
    alice.call("sip:bob@10.0.0.2")
    network.run(0.1)
    assert [s for s in network.ladder() if " 100 " not in s] == [
        "1 > 2 INVITE",
        "2 > 1 486 INVITE",
        "1 > 2 ACK",
        "1 > 2 SUBSCRIBE",
        "2 > 1 200 SUBSCRIBE",
        "2 > 1 NOTIFY",
        "1 > 2 200 NOTIFY",
        "2 > 1 NOTIFY",
        "1 > 2 200 NOTIFY",
        "1 > 2 SUBSCRIBE",
        "1 > 2 INVITE",
        "2 > 1 200 SUBSCRIBE",
        "2 > 1 NOTIFY",
        "2 > 1 200 INVITE",
        "1 > 2 200 NOTIFY",
        "1 > 2 ACK",
    ]


class Busy:
    """Bob, who is in a call that is none of this network's, until he hangs up."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.phone = network.phone("10.0.0.2", packages=("dialog",))
        self.phone.react = self._react
        self.talking = True
        self._watchers: list[Watcher] = []
        self._version = 0

    def hang_up(self) -> None:
        self.talking = False
        for watcher in self._watchers:
            watcher.notify(CONTENT_TYPE, self._state, self.network.now)
        self.phone.pump()

    def _react(self, event: Event) -> None:
        now = self.network.now
        match event:
            case IncomingCall(session) if self.talking:
                session.reject(486, now)
            case IncomingCall(session):
                session.answer(ANSWER, now)
            case WatcherArrived(watcher):
                self._watchers.append(watcher)
                watcher.accept(now)
            case NotifyWanted(watcher):
                watcher.notify(CONTENT_TYPE, self._state, now)

    def _state(self) -> bytes:
        self._version += 1
        entry = DialogEntry(id="1", state="confirmed")
        dialogs = (entry,) if self.talking else ()
        return DialogInfo("sip:bob@10.0.0.2", self._version, True, dialogs).serialize()


def test_2_18_nobody_tells_us_from_outside_whom_to_call() -> None:
    """A REFER that belongs to no call would have us call, and pay, for strangers."""
    network = Network()
    phone = network.phone("10.0.0.1")
    peer = Peer(network, "10.0.0.2")
    peer.send(
        "REFER",
        "sip:alice@10.0.0.1",
        ("10.0.0.1", 5060),
        headers=[("Refer-To", "<sip:carol@10.0.0.3>"), ("Contact", f"<{peer.uri}>")],
    )
    network.run(1)
    (status,) = set(peer.responses("REFER"))
    assert status >= 400
    assert not phone.events
    assert Uri.parse("sip:carol@10.0.0.3").host not in {s.target[0] for s in network.log}

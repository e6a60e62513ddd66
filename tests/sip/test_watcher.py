"""Others' subscriptions to our state (RFC 6665, 4.2), in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.sip.events import Event, NotifyWanted, WatcherArrived, WatcherLeft
from platypus.sip.message import Request
from platypus.sip.watcher import MAX_WATCHERS, MIN_EXPIRES, Watcher
from tests.harness.network import Network, Phone
from tests.harness.peer import Peer

TYPE = "application/dialog-info+xml"


class Setup:
    """A phone that lets everybody watch, and one who does."""

    def __init__(self) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", packages=("dialog",))
        self.phone.react = self._react
        self.peer = Peer(self.network, "10.0.0.9")
        self.body = b"<one/>"
        self.status = 200
        self.watchers: list[Watcher] = []
        self.cseq = 0
        self.asked = 0

    def _react(self, event: Event) -> None:
        now = self.network.now
        match event:
            case WatcherArrived(watcher):
                self.watchers.append(watcher)
                if self.status == 200:
                    watcher.accept(now)
                else:
                    watcher.refuse(self.status, now)
            case NotifyWanted(watcher):
                self.asked += 1
                watcher.notify(TYPE, lambda: self.body, now)

    def subscribe(self, expires: int | None = 600, **options: Any) -> int:
        """A SUBSCRIBE; what it was answered with."""
        self.cseq += 1
        headers = [("Event", options.pop("event", "dialog"))]
        if expires is not None:
            headers.append(("Expires", str(expires)))
        if options.pop("contact", True):
            headers.append(("Contact", f"<{self.peer.uri}>"))
        headers += options.pop("headers", ())
        self.peer.send(
            "SUBSCRIBE",
            "sip:phone@10.0.0.1",
            self.phone.address,
            cseq=options.pop("cseq", self.cseq),
            headers=headers,
            **options,
        )
        self.network.run(0.1)
        return self.peer.responses("SUBSCRIBE")[-1]

    def again(self, expires: int = 600, **options: Any) -> int:
        """A SUBSCRIBE inside the dialog."""
        to = self.peer.response(200).headers.get("To") or ""
        return self.subscribe(expires, to=to, **options)

    @property
    def newest(self) -> Request:
        return self.peer.request("NOTIFY")

    def states(self) -> list[str]:
        """Of every NOTIFY, retransmissions not counted."""
        by_number = {r.cseq.number: r for r in self.peer.requests("NOTIFY")}
        return [r.headers.get("Subscription-State") or "" for r in by_number.values()]

    def confirm(self, status: int = 200) -> None:
        """Answer the newest NOTIFY."""
        self.peer.respond(self.newest, status)
        self.network.run(0.1)

    def tell(self, body: bytes) -> None:
        self.body = body
        self.phone.do(self.watchers[0].notify, TYPE, lambda: self.body)
        self.network.run(0.1)


def test_whoever_subscribes_is_told_the_state_at_once() -> None:
    setup = Setup()
    assert setup.subscribe(600) == 200
    answer, notify = setup.peer.response(200), setup.newest
    assert answer.expires == 600
    assert answer.contacts and answer.to.tag
    assert notify.headers.get("Event") == "dialog"
    assert notify.headers.get("Subscription-State") == "active;expires=600"
    assert (notify.content_type, notify.body) == (TYPE, b"<one/>")
    assert notify.from_.tag == answer.to.tag
    assert str(notify.uri) == setup.peer.uri


def test_the_id_of_an_event_comes_back() -> None:
    setup = Setup()
    setup.subscribe(event="dialog;id=7")
    assert setup.newest.headers.get("Event") == "dialog;id=7"


def test_another_package_is_489_and_says_which_there_are() -> None:
    setup = Setup()
    assert setup.subscribe(event="presence") == 489
    assert setup.peer.response(489).headers.get("Allow-Events") == "dialog"
    assert setup.watchers == []


def test_a_subscribe_without_an_event_is_489() -> None:
    setup = Setup()
    assert setup.subscribe(event="") == 489


def test_who_is_refused_is_not_told_anything() -> None:
    setup = Setup()
    setup.status = 403
    assert setup.subscribe() == 403
    assert setup.peer.requests("NOTIFY") == []
    assert setup.phone.agent.usages == 0


def test_a_subscribe_without_a_contact_can_not_be_answered_with_news() -> None:
    setup = Setup()
    assert setup.subscribe(contact=False) == 400


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/dialog-info+xml", 200),
        ("text/plain, application/dialog-info+xml;q=0.5", 200),
        ("*/*", 200),
        ("application/pidf+xml", 406),
    ],
)
def test_a_format_we_have_not_is_406(accept: str, status: int) -> None:
    setup = Setup()
    assert setup.subscribe(headers=[("Accept", accept)]) == status


def test_an_interval_too_short_is_423() -> None:
    setup = Setup()
    assert setup.subscribe(MIN_EXPIRES - 1) == 423
    assert setup.peer.response(423).headers.get("Min-Expires") == str(MIN_EXPIRES)
    assert setup.phone.agent.usages == 0


def test_nobody_is_granted_more_than_the_longest() -> None:
    setup = Setup()
    setup.subscribe(10**6)
    assert setup.peer.response(200).expires == 7200


def test_a_fetch_is_answered_with_the_state_and_the_end() -> None:
    setup = Setup()
    assert setup.subscribe(0) == 200
    assert setup.states() == ["terminated;reason=timeout"]
    assert setup.newest.body == b"<one/>"
    assert setup.phone.agent.usages == 0


def test_a_refresh_brings_the_state_again_and_more_time() -> None:
    setup = Setup()
    setup.subscribe(600)
    setup.confirm()
    setup.network.run(500)
    assert setup.again(600) == 200
    assert setup.asked == 2
    setup.confirm()
    setup.network.run(500)
    assert setup.states() == ["active;expires=600", "active;expires=600"]


def test_leaving_is_confirmed_by_a_last_notify() -> None:
    setup = Setup()
    setup.subscribe()
    setup.confirm()
    assert setup.again(0) == 200
    assert setup.states()[-1] == "terminated;reason=timeout"
    assert setup.phone.agent.usages == 0
    assert setup.phone.has(WatcherLeft)


def test_who_does_not_refresh_is_told_that_it_is_over() -> None:
    setup = Setup()
    setup.subscribe(60)
    setup.confirm()
    setup.network.run(61)
    assert setup.states()[-1] == "terminated;reason=timeout"
    assert setup.phone.agent.usages == 0


def test_a_change_is_told_with_the_next_number() -> None:
    setup = Setup()
    setup.subscribe()
    first = setup.newest.cseq.number
    setup.confirm()
    setup.tell(b"<two/>")
    assert setup.newest.body == b"<two/>"
    assert setup.newest.cseq.number == first + 1


def test_while_one_is_on_its_way_only_the_newest_waits() -> None:
    setup = Setup()
    setup.subscribe()
    for body in (b"<two/>", b"<three/>", b"<four/>"):
        setup.tell(body)
    assert len(setup.states()) == 1
    setup.confirm()
    assert setup.newest.body == b"<four/>"
    setup.confirm()
    assert len(setup.states()) == 2


@pytest.mark.parametrize("status", [481, 404, 489])
def test_who_does_not_know_of_it_is_told_no_more(status: int) -> None:
    setup = Setup()
    setup.subscribe()
    setup.confirm(status)
    assert setup.phone.agent.usages == 0
    setup.tell(b"<two/>")
    assert len(setup.states()) == 1


def test_who_does_not_answer_is_forgotten() -> None:
    setup = Setup()
    setup.subscribe()
    setup.network.run(40)
    assert setup.phone.agent.usages == 0


def test_the_end_has_a_reason_and_is_the_last_word() -> None:
    setup = Setup()
    setup.subscribe()
    setup.confirm()
    setup.phone.do(setup.watchers[0].end, "probation")
    setup.network.run(0.1)
    assert setup.states()[-1] == "terminated;reason=probation"
    setup.tell(b"<two/>")
    assert len(setup.states()) == 2


def test_a_refresh_may_name_another_place_to_tell() -> None:
    setup = Setup()
    setup.subscribe()
    setup.confirm()
    there = "<sip:moved@10.0.0.9:5060>"
    assert setup.again(600, contact=False, headers=[("Contact", there)]) == 200
    assert str(setup.newest.uri) == "sip:moved@10.0.0.9:5060"


def test_an_older_refresh_is_refused() -> None:
    setup = Setup()
    setup.cseq = 10
    setup.subscribe()
    assert setup.again(600, cseq=3) == 500


def test_a_refresh_for_another_package_is_unknown() -> None:
    setup = Setup()
    setup.subscribe()
    assert setup.again(600, event="presence") == 481


def test_the_number_of_watchers_is_bounded() -> None:
    setup = Setup()
    for number in range(MAX_WATCHERS):
        assert setup.subscribe(call_id=f"call-{number}") == 200
    assert setup.subscribe(call_id="one-too-many") == 503


def test_a_route_of_the_subscribe_is_the_way_of_the_notify() -> None:
    setup = Setup()
    setup.subscribe(headers=[("Record-Route", "<sip:10.0.0.9:5060;lr>")])
    assert [str(route.uri) for route in setup.newest.routes] == ["sip:10.0.0.9:5060;lr"]
    assert "10.0.0.9" in (setup.peer.response(200).headers.get("Record-Route") or "")


def test_nothing_is_left_behind() -> None:
    setup = Setup()
    setup.subscribe()
    setup.confirm()
    setup.again(0)
    setup.confirm()
    setup.network.run(70)
    agent = setup.phone.agent
    assert (agent.usages, agent.timers, agent.transactions) == (0, 0, 0)

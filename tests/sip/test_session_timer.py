"""Session timers, in both roles and both directions of refreshing (RFC 4028)."""

from __future__ import annotations

from typing import Any

import pytest

from platypus.sip.events import (
    Acknowledged,
    Answered,
    IncomingCall,
    RefreshDue,
    Reinvited,
    SessionEnded,
    Updated,
)
from platypus.sip.message import Request, Response
from platypus.sip.session import Session
from platypus.sip.session_timer import SessionExpires, session_expires
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Peer

TIMER = [("Supported", "timer")]
UPDATE = [("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")]


def expires(value: str) -> list[tuple[str, str]]:
    return [("Session-Expires", value)]


class Setup:
    """A phone and a scripted peer."""

    def __init__(self, **settings: Any) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1", **settings)
        self.peer = Peer(self.network, "10.0.0.2")

    def do(self, action: Any, *arguments: Any) -> None:
        self.phone.do(action, *arguments)
        self.network.run(0.1)

    def respond(self, method: str, status: int, **options: Any) -> None:
        self.peer.respond(self.peer.request(method), status, **options)
        self.network.run(0.1)

    def times(self, method: str) -> list[float]:
        """When the phone sent a request, repetitions left out."""
        found: dict[bytes, float] = {}
        for step in self.network.log:
            if step.source[0] == "10.0.0.1" and step.text == method:
                found.setdefault(step.data, step.time)
        return list(found.values())

    def ended(self) -> SessionEnded:
        return self.phone.next(SessionEnded)


class Out(Setup):
    """The phone calls."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.call = self.phone.call("sip:bob@10.0.0.2")
        self.network.run(0.1)

    @property
    def invite(self) -> Request:
        return self.peer.request("INVITE")

    def answer(self, headers: Any = ()) -> float:
        """Returns when."""
        answered = self.network.now
        self.respond("INVITE", 200, headers=headers, body=ANSWER)
        self.peer.clear()
        return answered + 0.01


class In(Setup):
    """The phone is called."""

    def ring(self, headers: Any) -> Session:
        self.caller = Caller(self.peer, ("10.0.0.1", 5060))
        self.caller.invite(headers=headers)
        self.network.run(0.1)
        return self.phone.next(IncomingCall).session

    def confirm(self, headers: Any) -> Response:
        self.answered = self.network.now + 0.1
        self.call = self.ring(headers)
        self.do(self.call.answer, ANSWER)
        self.caller.answered()
        self.caller.ack()
        self.network.run(0.1)
        self.phone.next(Acknowledged)
        response = self.peer.response(200)
        self.peer.clear()
        return response

    def refresh(self, method: str, headers: Any, body: bytes = b"") -> None:
        contact = [("Contact", "<sip:peer@10.0.0.2:5060>")] if method == "UPDATE" else []
        self.caller.request(method, headers=[*contact, *headers], body=body)
        self.network.run(0.1)


class TestCaller:
    def test_asks_for_half_an_hour(self) -> None:
        invite = Out().invite
        assert "timer" in invite.supported
        assert session_expires(invite) == SessionExpires(1800)
        assert "Min-SE" not in invite.headers  # 90 is what is meant without

    def test_says_the_least_it_takes(self) -> None:
        invite = Out(min_se=3000).invite
        assert invite.headers.get("Min-SE") == "3000"
        assert session_expires(invite) == SessionExpires(3000)

    def test_asks_for_none_where_none_is_wanted(self) -> None:
        setup = Out(session_expires=0)
        assert "timer" not in setup.invite.supported
        assert "Session-Expires" not in setup.invite.headers
        setup.answer(expires("90;refresher=uac"))
        assert setup.phone.agent.timers == 1  # the lingering INVITE

    def test_a_peer_without_timers_is_left_alone(self) -> None:
        setup = Out()
        setup.answer()
        setup.network.run(10_000)
        assert not setup.call.ended
        assert setup.peer.inbox == []

    def test_a_422_raises_what_is_asked_for(self) -> None:
        setup = Out()
        setup.respond("INVITE", 422, headers=[("Min-SE", "3600")])
        assert session_expires(setup.invite) == SessionExpires(3600)
        assert setup.invite.headers.get("Min-SE") == "3600"
        assert setup.invite.cseq.number == 2
        setup.answer()
        assert setup.phone.has(Answered)

    @pytest.mark.parametrize("headers", [[], [("Min-SE", "90")], [("Min-SE", "x")]])
    def test_a_422_that_asks_for_nothing_more_is_a_refusal(self, headers: Any) -> None:
        setup = Out()
        setup.respond("INVITE", 422, headers=headers)
        assert setup.ended().code == 422

    def test_a_422_that_wants_ever_more_is_not_followed_for_ever(self) -> None:
        setup = Out()
        for minimum in range(2000, 2010):
            if not setup.call.ended:
                setup.respond("INVITE", 422, headers=[("Min-SE", str(minimum))])
        assert setup.ended().code == 422
        assert setup.invite.cseq.number == 4

    def test_refreshes_by_update_at_half_the_interval(self) -> None:
        setup = Out()
        answered = setup.answer([*expires("600;refresher=uac"), *UPDATE])
        setup.network.run(300)
        assert setup.times("UPDATE") == [pytest.approx(answered + 300)]
        update = setup.peer.request("UPDATE")
        assert session_expires(update) == SessionExpires(600, "uac")
        assert (update.body, update.contacts != ()) == (b"", True)
        setup.respond("UPDATE", 200, headers=expires("600;refresher=uac"))
        setup.network.run(300)
        assert len(setup.times("UPDATE")) == 2

    def test_asks_for_a_re_invite_where_the_peer_takes_no_update(self) -> None:
        setup = Out()
        setup.answer([*expires("600;refresher=uac"), ("Allow", "INVITE, ACK, BYE")])
        setup.network.run(300)
        assert setup.phone.next(RefreshDue).session is setup.call
        setup.do(setup.call.reinvite, OFFER)
        invite = setup.peer.request("INVITE")
        assert session_expires(invite) == SessionExpires(600, "uac")
        setup.respond("INVITE", 200, headers=expires("600;refresher=uac"), body=ANSWER)
        setup.network.run(500)
        assert not setup.call.ended

    def test_ends_what_it_could_not_refresh(self) -> None:
        setup = Out()
        answered = setup.answer([*expires("600;refresher=uac"), ("Allow", "INVITE, ACK, BYE")])
        setup.network.run(600)
        assert setup.times("BYE") == [pytest.approx(answered + 600 - 32)]

    def test_an_update_that_is_refused_is_tried_again(self) -> None:
        setup = Out()
        setup.answer([*expires("600;refresher=uac"), *UPDATE])
        setup.network.run(300)
        setup.respond("UPDATE", 503)
        setup.network.run(150)
        assert len(setup.times("UPDATE")) == 2

    def test_an_update_that_is_not_understood_makes_way_for_a_re_invite(self) -> None:
        setup = Out()
        setup.answer([*expires("600;refresher=uac"), *UPDATE])
        setup.network.run(300)
        setup.respond("UPDATE", 501)
        setup.network.run(150)
        assert setup.phone.has(RefreshDue)

    def test_a_422_to_a_refresh_raises_it(self) -> None:
        setup = Out()
        setup.answer([*expires("600;refresher=uac"), *UPDATE])
        setup.network.run(300)
        setup.respond("UPDATE", 422, headers=[("Min-SE", "1200")])
        assert session_expires(setup.peer.request("UPDATE")) == SessionExpires(1200, "uac")

    def test_a_422_to_a_re_invite_raises_it(self) -> None:
        setup = Out()
        setup.answer([*expires("600;refresher=uac"), *UPDATE])
        setup.do(setup.call.reinvite, OFFER)
        setup.respond("INVITE", 422, headers=[("Min-SE", "1200")])
        assert session_expires(setup.peer.request("INVITE")) == SessionExpires(1200, "uac")

    def test_a_dead_peer_ends_the_call(self) -> None:
        setup = Out()
        setup.answer([*expires("600;refresher=uac"), *UPDATE])
        setup.network.run(300 + 33)
        assert setup.ended().code == 408
        assert setup.peer.requests("BYE")

    def test_ends_by_bye_what_the_peer_does_not_refresh(self) -> None:
        setup = Out()
        answered = setup.answer(expires("90;refresher=uas"))
        setup.network.run(90)
        assert setup.times("BYE") == [pytest.approx(answered + 90 - 30)]
        assert setup.peer.request("BYE").headers.get("Reason", "").startswith("SIP;cause=408")
        ended = setup.ended()
        assert (ended.code, ended.by) == (200, "local")
        assert "no longer" in ended.reason

    @pytest.mark.parametrize("value", ["0", "x", ";refresher=uac", "-5"])
    def test_an_interval_that_is_none_is_no_timer(self, value: str) -> None:
        setup = Out()
        setup.answer(expires(value))
        setup.network.run(5000)
        assert not setup.call.ended

    def test_an_absurdly_short_one_makes_no_storm(self) -> None:
        setup = Out()
        setup.answer([*expires("1;refresher=uac"), *UPDATE])
        setup.network.run(2)
        assert len(setup.times("UPDATE")) <= 1


class TestCallee:
    @pytest.mark.parametrize(
        ("headers", "agreed", "required"),
        [
            ([], None, False),
            (TIMER, SessionExpires(1800, "uac"), True),
            ([*TIMER, *expires("600")], SessionExpires(600, "uac"), True),
            ([("Require", "timer"), *expires("600")], SessionExpires(600, "uac"), True),
            ([*TIMER, *expires("600;refresher=uac")], SessionExpires(600, "uac"), True),
            ([*TIMER, *expires("600;refresher=uas")], SessionExpires(600, "uas"), False),
            ([*TIMER, *expires("7200;refresher=uas")], SessionExpires(1800, "uas"), False),
            ([*TIMER, *expires("7200"), ("Min-SE", "3600")], SessionExpires(3600, "uac"), True),
            (expires("600"), SessionExpires(600, "uas"), False),
            (expires("60"), SessionExpires(60, "uas"), False),
        ],
    )
    def test_agrees_by_the_table_of_section_9(
        self, headers: Any, agreed: SessionExpires | None, required: bool
    ) -> None:
        response = In().confirm(headers)
        assert session_expires(response) == agreed
        assert ("timer" in response.require) is required

    def test_takes_no_part_where_none_is_wanted(self) -> None:
        response = In(session_expires=0).confirm([*TIMER, *expires("600")])
        assert session_expires(response) is None

    @pytest.mark.parametrize(("minimum", "asked"), [(90, "89"), (300, "299"), (5, "4")])
    def test_too_short_an_interval_gets_422(self, minimum: int, asked: str) -> None:
        setup = In(min_se=minimum)
        setup.caller = Caller(setup.peer, ("10.0.0.1", 5060))
        setup.caller.invite(headers=[*TIMER, *expires(asked)])
        setup.network.run(0.1)
        assert setup.peer.response(422).headers.get("Min-SE") == str(minimum)
        assert not setup.phone.has(IncomingCall)

    def test_one_who_can_not_be_told_is_not_refused(self) -> None:
        assert In(min_se=300).ring(expires("60"))

    def test_ends_by_bye_what_the_caller_does_not_refresh(self) -> None:
        setup = In()
        setup.confirm([*TIMER, *expires("300")])
        setup.network.run(300)
        assert setup.times("BYE") == [pytest.approx(setup.answered + 300 - 32, abs=0.2)]

    @pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
    def test_a_refresh_of_the_callers_gives_it_more_time(self, method: str) -> None:
        setup = In()
        setup.confirm([*TIMER, *expires("300")])
        setup.network.run(200)
        body = OFFER if method == "INVITE" else b""
        setup.refresh(method, [*TIMER, *expires("300;refresher=uac")], body)
        if method == "INVITE":
            setup.do(setup.phone.next(Reinvited).session.accept_reinvite, ANSWER)
            setup.caller.ack()
        else:
            setup.phone.next(Updated)
        assert session_expires(setup.peer.response(200)) == SessionExpires(300, "uac")
        setup.network.run(200)
        assert not setup.call.ended
        setup.network.run(100)
        assert setup.call.ended

    def test_refreshes_where_the_caller_wants_it_so(self) -> None:
        setup = In()
        setup.confirm([*TIMER, *UPDATE, *expires("300;refresher=uas")])
        setup.network.run(150)
        assert session_expires(setup.peer.request("UPDATE")) == SessionExpires(300, "uac")

    @pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
    def test_a_refresh_with_too_short_an_interval_gets_422(self, method: str) -> None:
        setup = In()
        setup.confirm([*TIMER, *expires("300")])
        setup.refresh(method, [*TIMER, *expires("30")], OFFER)
        assert 422 in setup.peer.responses(method)
        assert not setup.phone.has(Reinvited)
        assert not setup.call.ended

    def test_a_refresh_without_the_header_ends_the_timer(self) -> None:
        setup = In()
        setup.confirm([*TIMER, *expires("300")])
        setup.refresh("UPDATE", [])
        setup.network.run(5000)
        assert not setup.call.ended


def test_two_phones_keep_a_call_for_a_day_and_leave_nothing_behind() -> None:
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
    call = alice.call("sip:bob@10.0.0.2")
    network.run(0.1)
    bob.do(bob.next(IncomingCall).session.answer, ANSWER)
    network.run(24 * 3600)
    assert not call.ended
    assert network.ladder().count("1 > 2 UPDATE") == 95
    alice.do(call.hangup)
    network.settle()
    for phone in (alice, bob):
        assert (phone.agent.timers, phone.agent.transactions) == (0, 0)


def test_a_phone_that_vanished_is_noticed_within_the_interval() -> None:
    network = Network()
    alice, bob = network.phone("10.0.0.1"), network.phone("10.0.0.2")
    alice.call("sip:bob@10.0.0.2")
    network.run(0.1)
    bob.do(bob.next(IncomingCall).session.answer, ANSWER)
    network.run(1)
    del network.endpoints[alice.address]
    network.run(1800)
    assert bob.next(SessionEnded).by == "local"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1800", SessionExpires(1800)),
        ("1800 ; Refresher=UAS", SessionExpires(1800, "uas")),
        ("90;refresher=nobody;x=y", SessionExpires(90)),
        ('90;refresher="uac', SessionExpires(90)),
        ("soon", None),
    ],
)
def test_the_header_is_read_as_sloppily_as_it_comes(
    text: str, expected: SessionExpires | None
) -> None:
    assert session_expires(Request("INVITE", "sip:a@b", expires(text))) == expected

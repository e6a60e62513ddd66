"""Two users back to back through a bridge, over an in-memory network in virtual time.

alice 10.0.0.1 --- bridge 10.0.0.9 --- bob 10.0.0.2, his mobile 10.0.0.3
"""

from __future__ import annotations

import pytest

from platypus.pbx.bridge import Bridge
from platypus.pbx.registrar import Binding
from platypus.sip import events as sip
from platypus.sip.headers import NameAddr
from platypus.sip.session import Session
from platypus.sip.settings import UserAgentSettings
from tests.harness.network import ANSWER, OFFER, Impairment, Network, Phone

HOLD, HELD = b"v=0 hold\r\n", b"v=0 held\r\n"
BOB, MOBILE = "10.0.0.2", "10.0.0.3"


class Exchange:
    """A bridge between alice and the phones of bob, all of which are user agents of ours."""

    def __init__(self, *hosts: str, impairment: Impairment | None = None) -> None:
        self.network = Network(impairment)
        self.alice = self.network.phone("10.0.0.1")
        self.middle = self.network.phone("10.0.0.9")
        self.phones = {host: self.network.phone(host) for host in hosts or (BOB,)}
        self.bridges: list[Bridge] = []
        self.done: list[Bridge] = []
        self.middle.react = self._react

    @property
    def bob(self) -> Phone:
        return self.phones[BOB]

    def call(self, body: bytes | None = OFFER, **options: object) -> Session:
        session = self.alice.call("sip:bob@10.0.0.9", body, **options)
        self.run()
        return session

    def rung(self, host: str = BOB) -> Session:
        """The session of the call that reached a phone."""
        return self.phones[host].next(sip.IncomingCall).session

    def connected(self) -> tuple[Session, Session]:
        caller = self.call()
        callee = self.rung()
        self.bob.do(callee.answer, ANSWER)
        self.run()
        self.alice.next(sip.Answered)
        return caller, callee

    def run(self, seconds: float = 1.0) -> None:
        self.network.run(seconds)

    def _react(self, event: sip.Event) -> None:
        match event:
            case sip.IncomingCall(session):
                bridge = Bridge(
                    session, self.middle.agent, lambda: self.network.now, self.done.append
                )
                self.bridges.append(bridge)
                bindings = [
                    Binding(NameAddr.parse(f"<sip:bob@{host}>"), "id", 1, 1e9)
                    for host in self.phones
                ]
                bridge.start(bindings, "sip:alice@10.0.0.9", "Alice")
            case _:
                for bridge in self.bridges:
                    if getattr(event, "session", None) in bridge.sessions:
                        bridge.receive(event)


def ended(phone: Phone) -> sip.SessionEnded:
    return phone.next(sip.SessionEnded)


def test_the_called_gets_the_callers_offer_in_the_callers_name() -> None:
    exchange = Exchange()
    exchange.call(headers=[("X-Ticket", "7"), ("Subject", "private")])
    callee = exchange.rung()
    assert callee.remote_body == OFFER
    assert callee.remote_uri == "sip:alice@10.0.0.9"
    assert callee.remote.display_name == "Alice"
    assert callee.headers is not None
    assert callee.headers.get("X-Ticket") == "7"
    assert "Subject" not in callee.headers


def test_ringing_and_the_answer_come_back() -> None:
    exchange = Exchange()
    exchange.call()
    callee = exchange.rung()
    exchange.bob.do(callee.ring)
    exchange.run()
    assert exchange.alice.next(sip.Progressed).response.status == 180
    exchange.bob.do(callee.answer, ANSWER)
    exchange.run()
    answered = exchange.alice.next(sip.Answered)
    assert (answered.body, answered.body_is) == (ANSWER, "answer")


def test_early_media_come_back() -> None:
    exchange = Exchange()
    exchange.call()
    callee = exchange.rung()
    exchange.bob.do(callee.progress, 183, ANSWER)
    exchange.run()
    progressed = exchange.alice.next(sip.Progressed)
    assert (progressed.response.status, progressed.body) == (183, ANSWER)


@pytest.mark.parametrize("code", [404, 486, 488, 503, 603])
def test_a_refusal_comes_back_with_its_code(code: int) -> None:
    exchange = Exchange()
    exchange.call()
    exchange.bob.do(exchange.rung().reject, code)
    exchange.run()
    assert ended(exchange.alice).code == code
    assert exchange.done == exchange.bridges


def test_a_phone_that_can_not_take_the_offer_is_quoted_or_spoken_for() -> None:
    for said, told in ((("Warning", '399 bob "no SRTP"'), "no SRTP"), ((), "does not translate")):
        exchange = Exchange()
        exchange.call()
        exchange.bob.do(exchange.rung().reject, 488, headers=[said] if said else [])
        exchange.run()
        assert told in ended(exchange.alice).reason


def test_a_caller_who_gives_up_cancels_at_the_called() -> None:
    exchange = Exchange()
    caller = exchange.call()
    callee = exchange.rung()
    exchange.bob.do(callee.ring)
    exchange.run()
    exchange.alice.do(caller.hangup)
    exchange.run()
    event = ended(exchange.bob)
    assert (event.by, event.elsewhere) == ("remote", False)
    assert exchange.done == exchange.bridges


def test_either_side_hangs_up_the_other() -> None:
    for side in ("alice", "bob"):
        exchange = Exchange()
        caller, callee = exchange.connected()
        if side == "alice":
            exchange.alice.do(caller.hangup)
        else:
            exchange.bob.do(callee.hangup)
        exchange.run()
        assert {ended(exchange.alice).by, ended(exchange.bob).by} == {"local", "remote"}
        assert exchange.done == exchange.bridges


def test_a_change_goes_through_and_its_answer_comes_back() -> None:
    exchange = Exchange()
    caller, callee = exchange.connected()
    exchange.alice.do(caller.reinvite, HOLD)
    exchange.run()
    assert exchange.bob.next(sip.Reinvited).body == HOLD
    exchange.bob.do(callee.accept_reinvite, HELD)
    exchange.run()
    assert exchange.alice.next(sip.ReinviteAnswered).body == HELD


def test_a_change_by_the_called_goes_through_as_well() -> None:
    exchange = Exchange()
    caller, callee = exchange.connected()
    exchange.bob.do(callee.reinvite, HOLD)
    exchange.run()
    exchange.alice.next(sip.Reinvited)
    exchange.alice.do(caller.accept_reinvite, HELD)
    exchange.run()
    assert exchange.bob.next(sip.ReinviteAnswered).body == HELD


def test_a_refused_change_comes_back_and_the_call_stays() -> None:
    exchange = Exchange()
    caller, callee = exchange.connected()
    exchange.alice.do(caller.reinvite, HOLD)
    exchange.run()
    exchange.bob.next(sip.Reinvited)
    exchange.bob.do(callee.refuse_reinvite, 488)
    exchange.run()
    assert exchange.alice.next(sip.ReinviteRefused).code == 488
    assert not caller.ended and not callee.ended


def test_both_changing_at_once_are_both_told_what_came_of_it() -> None:
    exchange = Exchange()
    caller, callee = exchange.connected()

    def agree(phone: Phone, session: Session) -> None:
        def react(event: sip.Event) -> None:
            if isinstance(event, sip.Reinvited):
                session.accept_reinvite(HELD, exchange.network.now)

        phone.react = react

    agree(exchange.alice, caller)
    agree(exchange.bob, callee)
    exchange.alice.do(caller.reinvite, HOLD)
    exchange.bob.do(callee.reinvite, HOLD)
    exchange.run(60)
    assert exchange.alice.next(sip.ReinviteAnswered).body == HELD
    # Bob asked second, and may have met Alice's change too often to be let through.
    assert exchange.bob.has(sip.ReinviteAnswered) or exchange.bob.has(sip.ReinviteRefused)
    assert not caller.ended and not callee.ended


def test_an_invite_without_an_offer_gets_the_calleds_and_answers_in_the_ack() -> None:
    exchange = Exchange()
    caller = exchange.call(None)
    callee = exchange.rung()
    assert callee.remote_body is None
    exchange.bob.do(callee.answer, OFFER)
    exchange.run()
    answered = exchange.alice.next(sip.Answered)
    assert (answered.body, answered.body_is) == (OFFER, "offer")
    exchange.alice.do(caller.acknowledge, ANSWER)
    exchange.run()
    assert exchange.bob.next(sip.Acknowledged).body == ANSWER


def test_a_change_without_an_offer_gets_one_and_answers_in_the_ack() -> None:
    exchange = Exchange()
    caller, callee = exchange.connected()
    exchange.bob.next(sip.Acknowledged)
    exchange.alice.do(caller.reinvite, None)
    exchange.run()
    assert exchange.bob.next(sip.Reinvited).body is None
    exchange.bob.do(callee.accept_reinvite, OFFER)
    exchange.run()
    answered = exchange.alice.next(sip.ReinviteAnswered)
    assert (answered.body, answered.body_is) == (OFFER, "offer")
    exchange.alice.do(caller.acknowledge, ANSWER)
    exchange.run()
    assert exchange.bob.next(sip.Acknowledged).body == ANSWER


def test_all_phones_of_a_user_ring_and_the_first_answer_wins() -> None:
    exchange = Exchange(BOB, MOBILE)
    exchange.call()
    desk, mobile = exchange.rung(BOB), exchange.rung(MOBILE)
    exchange.phones[BOB].do(desk.ring)
    exchange.phones[MOBILE].do(mobile.ring)
    exchange.run()
    exchange.phones[MOBILE].do(mobile.answer, ANSWER)
    exchange.run()
    assert exchange.alice.next(sip.Answered).body == ANSWER
    event = ended(exchange.phones[BOB])
    assert (event.by, event.elsewhere) == ("remote", True)
    assert not mobile.ended


def test_two_answers_at_once_leave_one_call() -> None:
    exchange = Exchange(BOB, MOBILE)
    exchange.call()
    desk, mobile = exchange.rung(BOB), exchange.rung(MOBILE)
    exchange.phones[BOB].do(desk.answer, ANSWER)
    exchange.phones[MOBILE].do(mobile.answer, ANSWER)
    exchange.run(5)
    exchange.alice.next(sip.Answered)
    assert not exchange.alice.has(sip.Answered)
    assert [desk.ended, mobile.ended].count(True) == 1


def test_one_refusal_does_not_end_what_another_phone_may_answer() -> None:
    exchange = Exchange(BOB, MOBILE)
    exchange.call()
    exchange.phones[BOB].do(exchange.rung(BOB).reject, 486)
    exchange.run()
    mobile = exchange.rung(MOBILE)
    exchange.phones[MOBILE].do(mobile.answer, ANSWER)
    exchange.run()
    exchange.alice.next(sip.Answered)


@pytest.mark.parametrize(
    ("codes", "told"),
    [((480, 486), 486), ((503, 486), 486), ((486, 603), 603), ((500, 503), 500)],
)
def test_the_best_of_all_refusals_is_told(codes: tuple[int, int], told: int) -> None:
    exchange = Exchange(BOB, MOBILE)
    exchange.call()
    for host, code in zip((BOB, MOBILE), codes, strict=True):
        exchange.phones[host].do(exchange.rung(host).reject, code)
        exchange.run()
    assert ended(exchange.alice).code == told


def test_early_media_of_several_phones_are_not_mixed_up() -> None:
    exchange = Exchange(BOB, MOBILE)
    exchange.call()
    exchange.phones[BOB].do(exchange.rung(BOB).progress, 183, ANSWER)
    exchange.run()
    progressed = exchange.alice.next(sip.Progressed)
    assert (progressed.response.status, progressed.body) == (180, None)


def test_a_phone_that_can_not_be_reached_is_as_if_it_had_refused() -> None:
    exchange = Exchange()
    exchange.network.unreachable.add((BOB, 5060))
    exchange.call()
    exchange.run()
    assert ended(exchange.alice).code in (480, 503)


def test_a_call_survives_a_network_that_loses_every_fourth_message() -> None:
    exchange = Exchange(impairment=Impairment(loss=0.25, duplication=0.1, jitter=0.05))
    caller = exchange.call()
    exchange.run(20)
    callee = exchange.rung()
    exchange.bob.do(callee.answer, ANSWER)
    exchange.run(20)
    assert exchange.alice.next(sip.Answered).body == ANSWER
    exchange.alice.do(caller.hangup)
    exchange.run(40)
    assert ended(exchange.bob).by == "remote"


def test_nothing_is_left_behind_when_all_is_over() -> None:
    exchange = Exchange(BOB, MOBILE)
    caller = exchange.call()
    exchange.phones[MOBILE].do(exchange.rung(MOBILE).answer, ANSWER)
    exchange.run()
    exchange.alice.do(caller.hangup)
    exchange.network.settle()
    assert exchange.middle.agent.sessions == ()
    assert exchange.middle.agent.transactions == 0
    assert exchange.middle.agent.timers == 0


def test_digits_by_info_go_through_both_ways() -> None:
    exchange = Exchange()
    caller, callee = exchange.connected()
    body = b"Signal=5\r\n"
    for phone, session, other in (
        (exchange.alice, caller, exchange.bob),
        (exchange.bob, callee, exchange.alice),
    ):
        phone.do(session.infos.send, "application/dtmf-relay", body)
        exchange.run()
        assert other.next(sip.InfoReceived).body == body


def test_a_phone_that_sends_its_calls_elsewhere_sends_the_caller() -> None:
    exchange = Exchange()
    exchange.middle.agent = type(exchange.middle.agent)(
        random=exchange.network.random.randbytes, settings=UserAgentSettings(max_redirects=0)
    )
    exchange.call()
    by = ("Diversion", "<sip:bob@10.0.0.9>;reason=user-busy")
    exchange.bob.do(exchange.rung().redirect, ["sip:carol@10.0.0.7"], headers=[by])
    exchange.run()
    assert exchange.alice.next(sip.Redirected).targets == ("sip:carol@10.0.0.7",)
    sent = [step.data for step in exchange.network.log if step.target[0] == "10.0.0.7"]
    assert b"Diversion: <sip:bob@10.0.0.9>;reason=user-busy" in sent[0]


def test_a_phone_that_names_nowhere_to_go_is_unavailable() -> None:
    exchange = Exchange()
    exchange.call()
    exchange.bob.do(exchange.rung().reject, 302)
    exchange.run()
    assert ended(exchange.alice).code == 480


def test_how_to_ring_and_who_sent_it_reach_the_phone_but_no_asserted_name() -> None:
    exchange = Exchange()
    passed = [("Alert-Info", "<urn:x>;info=alert-autoanswer"), ("Diversion", "<sip:x@y>")]
    exchange.call(headers=[*passed, ("P-Asserted-Identity", "<sip:boss@pbx>")])
    headers = exchange.rung().headers
    assert headers is not None
    assert [(name, headers.get(name)) for name, _ in passed] == passed
    assert "P-Asserted-Identity" not in headers

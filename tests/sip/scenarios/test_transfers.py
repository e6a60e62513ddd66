"""Transfers among three user agents, as the ladder diagrams of RFC 5589 have them."""

from __future__ import annotations

import pytest

from platypus.errors import StateError
from platypus.sip.events import IncomingCall, ReferReceived, SessionEnded
from platypus.sip.message import Request, parse_message
from platypus.sip.referred import Referred
from platypus.sip.session import Session
from platypus.sip.uri import Uri
from tests.harness.network import Impairment, Step
from tests.sip.scenarios.three import ANSWER, Three

AGREED = [
    "1 > 2 REFER",
    "2 > 1 202 REFER",
    "2 > 1 NOTIFY",
    "2 > 3 INVITE",
    "1 > 2 200 NOTIFY",
    "3 > 2 100 INVITE",
]


def request(three: Three, text: str) -> Request:
    """The newest request of a method on the wire."""
    data = [step.data for step in three.network.log if step.text == text][-1]
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


def body_and_state(three: Three) -> tuple[bytes, str | None]:
    notify = request(three, "NOTIFY")
    return notify.body, notify.headers.get("Subscription-State")


class TestBlind:
    def test_successful(self) -> None:
        """RFC 5589, 6.1: the transferor waits for the news, then ends its call."""
        three = Three()
        three.refer()
        carols = three.carol_answers()
        assert three.ladder() == [
            *AGREED,
            "3 > 2 200 INVITE",
            "2 > 3 ACK",
            "2 > 1 NOTIFY",
            "1 > 2 200 NOTIFY",
        ]
        assert three.told() == [(100, False), (200, True)]
        three.alice.do(three.call.hangup)
        three.network.run(0.1)
        assert three.ladder()[-2:] == ["1 > 2 BYE", "2 > 1 200 BYE"]
        assert carols.state == "confirmed"
        three.assert_clean()

    def test_the_refer_says_who_and_by_whom(self) -> None:
        three = Three()
        three.refer()
        refer = request(three, "REFER")
        assert refer.headers.get("Refer-To") == "<sip:carol@10.0.0.3>"
        assert refer.headers.get("Referred-By") == "<sip:alice@10.0.0.1>"
        assert refer.contacts
        assert "Refer-Sub" not in refer.headers
        three.assert_clean()

    def test_the_new_call_says_by_whom(self) -> None:
        """RFC 3892, 2.2."""
        three = Three()
        three.refer()
        three.until(lambda: three.carol.has(IncomingCall))
        invite = three.carol.next(IncomingCall).request
        assert invite.headers.get("Referred-By") == "<sip:alice@10.0.0.1>"
        three.assert_clean()

    def test_the_notifies_say_how_far_the_new_call_has_come(self) -> None:
        """RFC 3515, 2.4.5: the first at once, the last one ends the subscription."""
        three = Three()
        three.refer()
        body, state = body_and_state(three)
        assert body == b"SIP/2.0 100 Trying\r\n"
        assert state is not None and state.startswith("active;expires=")
        ringing = three.carol.next(IncomingCall).session
        three.carol.do(ringing.ring)
        three.network.run(0.1)
        assert body_and_state(three)[0] == b"SIP/2.0 180 Ringing\r\n"
        three.carol.do(ringing.answer, ANSWER)
        three.network.run(0.1)
        assert body_and_state(three) == (b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource")
        assert three.told() == [(100, False), (180, False), (200, True)]
        three.assert_clean()

    def test_the_target_is_busy(self) -> None:
        """RFC 5589, 6.2: the transferor takes its call back."""
        three = Three()
        three.refer()
        ringing = three.carol.next(IncomingCall).session
        three.carol.do(ringing.reject, 486)
        three.network.run(0.1)
        assert three.told() == [(100, False), (486, True)]
        assert three.call.state == "confirmed" and three.bobs.state == "confirmed"
        three.assert_clean()

    def test_the_target_does_not_answer_at_all(self) -> None:
        three = Three()
        three.refer(target=Uri.parse("sip:nobody@10.0.0.99"))
        three.network.run(40)
        assert three.told() == [(100, False), (408, True)]
        assert three.call.state == "confirmed"
        three.assert_clean()

    def test_the_transferee_declines(self) -> None:
        three = Three()
        three.transferee.decide = three.transferee.refuse
        three.refer()
        assert three.ladder() == ["1 > 2 REFER", "2 > 1 603 REFER"]
        assert three.told() == [(603, True)]
        assert three.call.state == "confirmed"
        three.assert_clean()

    def test_the_transferor_hangs_up_without_waiting(self) -> None:
        """RFC 5589, 6.1: unattended; the news find nobody, and the new call goes on."""
        three = Three()
        three.refer()
        three.alice.do(three.call.hangup)
        three.network.run(0.1)
        carols = three.carol_answers()
        assert three.ladder()[-1] == "1 > 2 481 NOTIFY"
        assert carols.state == "confirmed"
        assert (100, False) in three.told()
        three.assert_clean()

    def test_the_transferee_hangs_up_at_once_and_still_says_how_it_went(self) -> None:
        """RFC 5057, 4.1: the subscription outlives the call it shares the dialog with."""
        three = Three()
        three.refer()
        three.bob.do(three.bobs.hangup)
        three.network.run(0.1)
        assert three.alice.next(SessionEnded).by == "remote"
        three.carol_answers()
        assert three.told() == [(100, False), (200, True)]
        three.assert_clean()

    def test_by_the_callee(self) -> None:
        three = Three()
        three.bob.do(three.bobs.refer, "<sip:carol@10.0.0.3>")
        three.network.run(0.1)
        referred = three.alice.next(ReferReceived).referred
        assert str(referred.referral.target) == "sip:carol@10.0.0.3"
        three.alice.do(referred.refuse, 603)
        three.assert_clean()

    def test_a_second_one_waits_for_the_first(self) -> None:
        three = Three()
        three.refer()
        with pytest.raises(StateError, match="under way"):
            three.refer()
        three.carol_answers()
        three.assert_clean()

    def test_another_one_after_a_failure_has_an_id_of_its_own(self) -> None:
        """RFC 3515, 2.4.6."""
        three = Three()
        three.refer()
        assert request(three, "NOTIFY").headers.get("Event") == "refer"
        three.carol.do(three.carol.next(IncomingCall).session.reject, 486)
        three.network.run(0.1)
        three.told()
        three.refer()
        cseq = request(three, "REFER").cseq.number
        assert request(three, "NOTIFY").headers.get("Event") == f"refer;id={cseq}"
        three.carol_answers()
        assert three.told() == [(100, False), (200, True)]
        three.assert_clean()


class TestWithoutSubscription:
    def test_nothing_is_told_but_the_agreement(self) -> None:
        """RFC 4488, 4."""
        three = Three()
        three.refer(subscribe=False)
        three.carol_answers()
        assert "2 > 1 NOTIFY" not in three.ladder()
        refer = request(three, "REFER")
        assert refer.headers.get("Refer-Sub") == "false"
        assert "norefersub" in refer.supported
        assert three.told() == [(202, True)]
        three.assert_clean()

    def test_a_peer_that_subscribes_us_all_the_same_is_listened_to(self) -> None:
        three = Three()

        def ignore_refer_sub(referred: Referred) -> None:
            referred.subscribed = True
            three.transferee.accept(referred)

        three.transferee.decide = ignore_refer_sub
        three.refer(subscribe=False)
        three.carol_answers()
        assert three.told() == [(100, False), (200, True)]
        three.assert_clean()


class TestAttended:
    def consult(self) -> tuple[Three, Session, Session]:
        """Alice talks to Bob and to Carol."""
        three = Three()
        consultation, carols = three.connect(three.alice, three.carol, "sip:carol@10.0.0.3")
        three.start = len(three.network.log)
        return three, consultation, carols

    def test_successful(self) -> None:
        """RFC 5589, 7.1: Bob's call takes the place of Alice's at Carol's."""
        three, consultation, carols = self.consult()
        three.refer(replaces=three.dialog_replaced(consultation))
        incoming = three.carol.next(IncomingCall)
        assert incoming.replaces is carols
        three.carol.do(incoming.session.answer, ANSWER)
        three.carol.do(carols.hangup)
        three.network.run(0.1)
        assert three.ladder() == [
            *AGREED,
            "3 > 2 200 INVITE",
            "3 > 1 BYE",
            "2 > 3 ACK",
            "2 > 1 NOTIFY",
            "1 > 3 200 BYE",
            "1 > 2 200 NOTIFY",
        ]
        assert three.told() == [(100, False), (200, True)]
        three.assert_clean()

    def test_the_dialog_is_escaped_in_the_refer_to(self) -> None:
        """RFC 3891, 6.1; RFC 3261, 19.1.1."""
        three, consultation, _ = self.consult()
        three.refer(replaces=three.dialog_replaced(consultation))
        value = request(three, "REFER").headers.get("Refer-To")
        assert value is not None and consultation.dialog is not None
        assert value.startswith("<sip:carol@10.0.0.3?Replaces=")
        assert f"%3Bto-tag%3D{consultation.dialog.remote.tag}" in value
        assert f"%3Bfrom-tag%3D{consultation.dialog.local.tag}" in value
        invite = three.carol.next(IncomingCall).request
        assert invite.headers.get("Replaces") == str(three.dialog_replaced(consultation))
        assert str(invite.uri) == "sip:carol@10.0.0.3"
        three.assert_clean()

    def test_the_target_has_hung_up_meanwhile(self) -> None:
        """RFC 5589, 7.4: the news is the refusal, and Alice still has Bob."""
        three, consultation, carols = self.consult()
        replaces = three.dialog_replaced(consultation)
        three.carol.do(carols.hangup)
        three.network.run(0.1)
        three.refer(replaces=replaces)
        assert three.told() == [(100, False), (603, True)]
        assert three.call.state == "confirmed"
        three.assert_clean()

    def test_a_dialog_that_never_was(self) -> None:
        three, consultation, _ = self.consult()
        replaces = three.dialog_replaced(consultation)
        three.refer(replaces=type(replaces)("nothing", replaces.to_tag, replaces.from_tag))
        assert three.told() == [(100, False), (481, True)]
        assert consultation.state == "confirmed"
        three.assert_clean()


class TestLoss:
    """The same on a network that loses, repeats and reorders."""

    @pytest.mark.parametrize("seed", range(6))
    def test_a_blind_transfer_comes_through(self, seed: int) -> None:
        rough = Impairment(loss=0.25, duplication=0.2, delay=0.05, jitter=0.2)
        three = Three(rough, seed=seed)
        three.refer()
        carols = three.carol_answers()
        three.until(lambda: carols.state == "confirmed")
        told: list[tuple[int, bool]] = []

        def done() -> bool:
            told.extend(three.told())
            return bool(told) and told[-1][1]

        three.until(done)
        assert told[-1] == (200, True)
        assert [status for status, _ in told] == sorted(status for status, _ in told)
        three.assert_clean()

    def test_news_that_overtake_the_agreement_count(self) -> None:
        """RFC 3515, 2.4.4: a NOTIFY may come before the 202."""
        three = Three()
        lost: list[Step] = []

        def lose_the_first_202(step: Step) -> bool:
            if step.text == "202 REFER" and not lost:
                lost.append(step)
                return False
            return True

        three.network.filters.append(lose_the_first_202)
        three.refer()
        assert three.told() == [(100, False)]
        three.carol_answers()
        three.network.run(1)
        assert three.told() == [(200, True)]
        three.assert_clean()

    def test_a_refer_that_nobody_answers_is_given_up(self) -> None:
        three = Three()
        three.network.filters.append(lambda step: step.text != "REFER")
        three.refer()
        three.network.run(40)
        assert three.told() == [(408, True)]
        assert three.call.state == "confirmed"
        three.network.filters.clear()
        three.assert_clean()

    def test_without_any_news_the_transfer_is_given_up(self) -> None:
        """RFC 6665, 4.1.2.4: timer N."""
        three = Three()
        three.network.filters.append(lambda step: step.text != "NOTIFY")
        three.refer()
        three.network.run(30)
        assert three.told() == []
        three.network.run(3)
        assert three.told() == [(408, True)]
        three.network.filters.clear()
        three.assert_clean()

    def test_a_subscription_that_runs_out_ends_the_transfer(self) -> None:
        three = Three()
        three.refer()
        assert three.told() == [(100, False)]
        three.network.filters.append(lambda step: step.text != "NOTIFY")
        three.network.run(605)
        assert three.told() == [(408, True)]
        three.network.filters.clear()
        three.assert_clean()

    def test_a_transferee_whose_news_nobody_takes_goes_on_with_its_call(self) -> None:
        three = Three()
        three.refer()
        three.network.filters.append(lambda step: step.text != "NOTIFY")
        carols = three.carol_answers()
        three.network.run(40)
        assert carols.state == "confirmed"
        three.network.filters.clear()
        three.assert_clean()

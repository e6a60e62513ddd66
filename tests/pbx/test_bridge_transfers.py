"""Transfers through a bridge: REFER there, its news back, and Replaces from leg to leg.

alice 10.0.0.1 --- bridge 10.0.0.9 --- bob 10.0.0.2
"""

from __future__ import annotations

import pytest

from platypus.sip import events as sip
from platypus.sip.refer_to import refer_to
from platypus.sip.referred import Referred
from platypus.sip.replaces import Replaces
from platypus.sip.session import Session
from platypus.sip.uri import Uri
from tests.harness.network import ANSWER, Phone
from tests.pbx.test_bridge import Exchange

CAROL = Uri.parse("sip:carol@10.0.0.9")


class Transfer(Exchange):
    """A bridged call, in which Alice asks Bob to call Carol."""

    def __init__(self, **options: bool) -> None:
        super().__init__()
        self.call_, self.bobs = self.connected()
        self.refer(self.alice, self.call_, **options)

    def refer(self, phone: Phone, session: Session, **options: bool) -> None:
        phone.do(session.refer, refer_to(CAROL), referred_by="<sip:alice@10.0.0.9>", **options)
        self.run(0.2)

    def asked(self) -> Referred:
        return self.bob.next(sip.ReferReceived).referred

    def told(self) -> list[tuple[int, bool]]:
        events = [e for e in self.alice.events if isinstance(e, sip.ReferProgressed)]
        return [(event.status, event.done) for event in events]

    def assert_clean(self) -> None:
        self.network.settle()
        assert [len(bridge._transfers) for bridge in self.bridges] == [0]
        assert self.done == self.bridges


def test_a_refer_goes_through_with_who_and_by_whom() -> None:
    exchange = Transfer()
    referral = exchange.asked().referral
    assert str(referral.target) == "sip:carol@10.0.0.9"
    assert referral.referred_by == "<sip:alice@10.0.0.9>"


def test_a_refer_of_the_called_goes_to_the_caller() -> None:
    exchange = Exchange()
    _, bobs = exchange.connected()
    exchange.bob.do(bobs.refer, refer_to(CAROL))
    exchange.run()
    referral = exchange.alice.next(sip.ReferReceived).referred.referral
    assert str(referral.target) == "sip:carol@10.0.0.9"


def test_the_replaced_dialog_goes_through_as_it_is() -> None:
    """It names a leg of the bridge's, which will be asked for it."""
    exchange = Exchange()
    call, _ = exchange.connected()
    replaces = Replaces("other@10.0.0.1", "to", "from")
    exchange.alice.do(call.refer, refer_to(CAROL, replaces=replaces))
    exchange.run()
    referral = exchange.bob.next(sip.ReferReceived).referred.referral
    assert dict(referral.headers)["Replaces"] == str(replaces)


def test_the_news_come_back() -> None:
    exchange = Transfer()
    referred = exchange.asked()
    for status, reason in ((180, "Ringing"), (200, "OK")):
        exchange.bob.do(referred.accept)
        exchange.run()
        exchange.bob.do(referred.report, status, reason)
        exchange.run()
    assert exchange.told() == [(100, False), (180, False), (200, True)]
    exchange.alice.do(exchange.call_.hangup)
    exchange.assert_clean()


@pytest.mark.parametrize("status", [403, 603])
def test_a_refusal_is_the_refusal_of_the_refer(status: int) -> None:
    exchange = Transfer()
    exchange.bob.do(exchange.asked().refuse, status)
    exchange.run()
    assert exchange.told() == [(status, True)]
    assert "9 > 1 NOTIFY" not in exchange.network.ladder()
    exchange.alice.do(exchange.call_.hangup)
    exchange.assert_clean()


def test_without_a_subscription_there_is_none_on_either_leg() -> None:
    exchange = Transfer(subscribe=False)
    exchange.bob.do(exchange.asked().accept)
    exchange.run()
    assert exchange.told() == [(202, True)]
    assert "NOTIFY" not in " ".join(exchange.network.ladder())
    exchange.alice.do(exchange.call_.hangup)
    exchange.assert_clean()


def test_whoever_hangs_up_on_a_transfer_may_still_say_how_it_went() -> None:
    exchange = Transfer()
    referred = exchange.asked()
    exchange.bob.do(referred.accept)
    exchange.run()
    exchange.bob.do(exchange.bobs.hangup)
    exchange.run()
    assert exchange.done == []
    exchange.bob.do(referred.report, 200, "OK")
    exchange.run()
    assert exchange.told() == [(100, False), (200, True)]
    exchange.assert_clean()


def test_after_the_transferor_has_hung_up_nothing_is_kept() -> None:
    exchange = Transfer()
    exchange.bob.do(exchange.asked().accept)
    exchange.run()
    exchange.alice.do(exchange.call_.hangup)
    exchange.run()
    exchange.assert_clean()


def test_either_side_may_ask_while_the_other_does() -> None:
    exchange = Transfer()
    exchange.bob.do(exchange.bobs.refer, refer_to(CAROL))
    exchange.run()
    exchange.alice.do(exchange.alice.next(sip.ReferReceived).referred.refuse, 603)
    exchange.bob.do(exchange.asked().refuse, 486)
    exchange.run()
    assert exchange.told() == [(486, True)]
    assert exchange.bob.next(sip.ReferProgressed).status == 603
    exchange.bob.do(exchange.bobs.hangup)
    exchange.assert_clean()


def test_a_call_is_asked_for_by_its_own_name_at_the_other_leg() -> None:
    """What names the callers' leg at the bridge is Bob's own dialog at Bob's."""
    exchange = Exchange()
    call, bobs = exchange.connected()
    (bridge,) = exchange.bridges
    other = bridge.other(bridge.caller)
    assert other.dialog is not None and call.dialog is not None
    invite = exchange.middle.call(
        "sip:bob@10.0.0.2", headers=[("Replaces", str(Replaces.of(other.dialog)))]
    )
    exchange.run()
    incoming = exchange.bob.next(sip.IncomingCall)
    assert incoming.replaces is bobs
    exchange.bob.do(incoming.session.answer, ANSWER)
    exchange.run()
    assert invite.state == "confirmed"

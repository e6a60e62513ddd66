"""Why a request was sent (RFC 3326)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.sip.events import Acknowledged, IncomingCall, SessionEnded
from platypus.sip.message import Request
from platypus.sip.reason import Reason, completed_elsewhere, reason_of
from tests.harness.network import ANSWER, Network
from tests.harness.peer import Caller, Peer


def bye(*reasons: str) -> Request:
    return Request("BYE", "sip:a@b", [("Reason", reason) for reason in reasons])


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["SIP;cause=480;text=\"Don't disturb, please; thanks\""],
         Reason(480, "Don't disturb, please; thanks")),
        (["Q.850;cause=16;text=\"Terminated\", SIP;cause=487"], Reason(487)),
        (["Q.850 ;cause=16", "sip ;cause=200 ;text=\"Call completed elsewhere\""],
         Reason(200, "Call completed elsewhere")),
        (["SIP"], None),
        (["SIP;cause=x"], None),
        (['SIP;text="not closed', ], None),
        ([], None),
    ],
)  # fmt: skip
def test_the_sip_reason_is_read(reasons: list[str], expected: Reason | None) -> None:
    assert reason_of(bye(*reasons)) == expected


@given(st.text(st.characters(exclude_categories=["C"])))
def test_whatever_is_written_is_read_again(text: str) -> None:
    reason = Reason(603, text)
    assert reason_of(bye(str(reason))) == reason


@pytest.mark.parametrize(
    ("reasons", "elsewhere"),
    [
        (["SIP;cause=200"], True),
        (["Q.850;cause=26"], True),
        (['q.850;cause=26;text="Answered elsewhere"', "SIP;cause=487"], False),
        (["Q.850;cause=16", "SIP;cause=200"], True),
        (["Q.850;cause=16"], False),
        (["Q.850;cause=x"], False),
    ],
)
def test_another_phone_may_have_the_call(reasons: list[str], elsewhere: bool) -> None:
    assert completed_elsewhere(bye(*reasons)) is elsewhere


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_no_text_raises(text: str) -> None:
    completed_elsewhere(bye(text))


@pytest.mark.parametrize(("answered", "code"), [(False, 487), (True, 200)])
def test_a_bye_may_say_that_another_phone_has_the_call(answered: bool, code: int) -> None:
    network = Network()
    phone, peer = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
    caller = Caller(peer, ("10.0.0.1", 5060))
    caller.invite()
    network.run(0.1)
    call = phone.next(IncomingCall).session
    phone.do(call.ring)
    network.run(0.1)
    ringing = peer.response(180)
    caller.to, caller.target = ringing.headers.get("To") or "", str(ringing.contacts[0].uri)
    if answered:
        phone.do(call.answer, ANSWER)
        network.run(0.1)
        caller.ack()
        network.run(0.1)
        phone.next(Acknowledged)
    caller.request("BYE", headers=[("Reason", 'SIP;cause=200;text="Call completed elsewhere"')])
    network.run(0.1)
    ended = phone.next(SessionEnded)
    assert (ended.code, ended.by, ended.elsewhere) == (code, "remote", True)


def test_the_words_of_a_bye_are_shown() -> None:
    network = Network()
    phone, peer = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
    caller = Caller(peer, ("10.0.0.1", 5060))
    caller.invite()
    network.run(0.1)
    phone.do(phone.next(IncomingCall).session.answer, ANSWER)
    network.run(0.1)
    caller.answered()
    caller.ack()
    caller.request("BYE", headers=[("Reason", 'SIP;cause=480;text="The queue has closed"')])
    network.run(0.1)
    ended = phone.next(SessionEnded)
    assert (ended.reason, ended.elsewhere) == ("The queue has closed", False)

"""A REFER received: what is taken, what is refused, and what goes back (RFC 3515)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.events import ReferProgressed, ReferReceived
from platypus.sip.message import Headers, Request
from platypus.sip.refer_to import MAX_TEXT, Referral, read_refer
from platypus.sip.referred import EXPIRES, Referred
from platypus.sip.uri import Uri
from tests.harness.peer import Caller
from tests.sip.test_inbound import URI, Setup


def referral(*values: str) -> Referral:
    fields = [("Refer-To", value) for value in values]
    return read_refer(Request("REFER", Uri.parse(URI), Headers(fields)))


def status(*values: str) -> int:
    with pytest.raises(ProtocolError) as caught:
        referral(*values)
    return caught.value.status


class TestReferTo:
    @pytest.mark.parametrize(
        ("value", "target"),
        [
            ("sip:carol@example.com", "sip:carol@example.com"),
            ("<sip:carol@example.com;transport=tcp>", "sip:carol@example.com;transport=tcp"),
            ('"Carol" <sips:carol@example.com>', "sips:carol@example.com"),
            ("<sip:carol@example.com;method=INVITE>", "sip:carol@example.com"),
            ("<sip:carol@example.com?Subject=hi>", "sip:carol@example.com"),
        ],
    )
    def test_names_whom_to_call(self, value: str, target: str) -> None:
        assert str(referral(value).target) == target

    @pytest.mark.parametrize("value", ["tel:+4930123", "http://example.com", "mailto:a@b", "sos"])
    def test_nothing_but_a_sip_address_is_called(self, value: str) -> None:
        assert status(f"<{value}>") in (400, 416)

    @pytest.mark.parametrize("method", ["BYE", "CANCEL", "REFER", "SUBSCRIBE", "message"])
    def test_no_other_request_is_sent(self, method: str) -> None:
        assert status(f"<sip:carol@example.com;method={method}>") == 403

    @pytest.mark.parametrize("values", [(), ("sip:a@b", "sip:c@d"), ("",), ("<sip:a@b",)])
    def test_there_is_one_or_it_is_refused(self, values: tuple[str, ...]) -> None:
        assert status(*values) == 400

    def test_a_long_one_is_refused(self) -> None:
        assert status(f"<sip:{'a' * MAX_TEXT}@example.com>") == 400

    def test_a_body_is_not_taken_over(self) -> None:
        assert status("<sip:carol@example.com?body=v%3D0>") == 403

    def test_what_would_change_who_calls_and_how_is_left_out(self) -> None:
        """RFC 3261, 19.1.5."""
        headers = "From=sip%3Aboss@b&Via=x&Route=%3Csip%3Aevil%3E&Call-ID=1&Contact=c&To=t&X-A=1"
        assert referral(f"<sip:carol@b?{headers}>").headers == (("X-A", "1"),)

    def test_nothing_can_be_required_but_replaces(self) -> None:
        assert referral("<sip:c@b?Require=replaces>").headers == (("Require", "replaces"),)
        assert referral("<sip:c@b?Require=100rel>").headers == ()

    def test_a_replaces_that_is_none_is_refused(self) -> None:
        assert status("<sip:carol@example.com?Replaces=nothing>") == 400

    def test_a_header_name_that_is_none_is_left_out(self) -> None:
        assert referral("<sip:carol@b?X-%3A%20=1>").headers == ()

    @given(st.text(max_size=100))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            found = referral(text.replace("\r", "").replace("\n", ""))
        except ProtocolError as error:
            assert 400 <= error.status < 700
        else:
            assert found.target.is_sip
            Headers(found.headers)


class Asking(Setup):
    """The peer, in a confirmed call with the phone, sends REFERs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.caller: Caller = self.confirm()

    def refer(self, value: str = "<sip:carol@10.0.0.3>", **options: Any) -> list[int]:
        self.peer.clear()
        headers = [("Refer-To", value), *options.pop("headers", ())]
        self.caller.request("REFER", headers=headers, **options)
        self.network.run(0.1)
        return self.peer.responses("REFER")

    def asked(self) -> Referred:
        return self.phone.next(ReferReceived).referred

    def states(self) -> list[str]:
        """The Subscription-State of every NOTIFY, each answered."""
        found = []
        for notify in self.peer.requests("NOTIFY"):
            self.peer.respond(notify, 200)
            found.append(notify.headers.get("Subscription-State") or "")
        self.peer.clear()
        self.network.run(0.1)
        return found


class TestInACall:
    def test_the_user_decides(self) -> None:
        asking = Asking()
        assert asking.refer(headers=[("Referred-By", "<sip:peer@example.com>")]) == []
        found = asking.asked()
        assert str(found.referral.target) == "sip:carol@10.0.0.3"
        assert found.referral.referred_by == "<sip:peer@example.com>"
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        assert asking.peer.responses("REFER") == [202]
        assert asking.peer.response(202).contacts
        assert asking.peer.request("NOTIFY").contacts
        assert asking.states() == [f"active;expires={EXPIRES}"]

    def test_a_dangerous_one_never_reaches_the_user(self) -> None:
        asking = Asking()
        assert asking.refer("<sip:carol@10.0.0.3;method=BYE>") == [403]
        assert asking.refer("<tel:110>") == [416]
        assert not asking.phone.has(ReferReceived)

    def test_one_at_a_time(self) -> None:
        asking = Asking()
        asking.refer()
        asking.phone.do(asking.asked().accept)
        asking.network.run(0.1)
        assert asking.refer() == [491]

    def test_one_that_nobody_decided_blocks_no_other(self) -> None:
        asking = Asking()
        asking.refer()
        asking.asked()
        asking.network.run(40)
        asking.refer()
        asking.phone.do(asking.asked().refuse, 603)
        asking.network.run(0.1)
        assert asking.peer.responses("REFER") == [603]

    def test_a_second_decision_changes_nothing(self) -> None:
        asking = Asking()
        asking.refer()
        found = asking.asked()
        asking.phone.do(found.refuse, 603)
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        assert asking.peer.responses("REFER") == [603]
        assert asking.states() == []

    def test_before_the_answer_nobody_may_ask(self) -> None:
        setup = Setup()
        caller = Caller(setup.peer, ("10.0.0.1", 5060))
        caller.invite()
        setup.network.run(0.1)
        setup.phone.do(setup.phone.agent.sessions[0].ring)
        setup.network.run(0.1)
        caller.to = setup.peer.response(180).headers.get("To") or ""
        caller.request("REFER", headers=[("Refer-To", "<sip:carol@10.0.0.3>")])
        setup.network.run(0.1)
        assert setup.peer.responses("REFER") == [403]

    def test_news_go_one_at_a_time_and_the_newest_first(self) -> None:
        asking = Asking()
        asking.refer()
        found = asking.asked()
        asking.phone.do(found.accept)
        asking.phone.do(found.report, 180, "Ringing")
        asking.phone.do(found.report, 183, "Session Progress")
        asking.network.run(0.1)
        (first,) = asking.peer.requests("NOTIFY")
        assert first.body == b"SIP/2.0 100 Trying\r\n"
        asking.peer.clear()
        asking.peer.respond(first, 200)
        asking.network.run(0.1)
        assert asking.peer.request("NOTIFY").body == b"SIP/2.0 183 Session Progress\r\n"

    def test_the_same_news_again_are_none(self) -> None:
        asking = Asking()
        asking.refer()
        found = asking.asked()
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        asking.states()
        for _ in range(3):
            asking.phone.do(found.report, 180, "Ringing")
            asking.network.run(0.1)
        assert len(asking.states()) == 1
        assert asking.states() == []

    def test_after_the_last_word_there_is_no_other(self) -> None:
        asking = Asking()
        asking.refer()
        found = asking.asked()
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        asking.states()
        asking.phone.do(found.report, 486, "Busy Here")
        asking.phone.do(found.report, 200, "OK")
        asking.network.run(0.1)
        assert asking.states() == ["terminated;reason=noresource"]
        asking.network.run(EXPIRES)
        assert asking.states() == []

    def test_whoever_does_not_listen_is_told_no_more(self) -> None:
        asking = Asking()
        asking.refer()
        found = asking.asked()
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        asking.peer.respond(asking.peer.request("NOTIFY"), 481)
        asking.network.run(0.1)
        asking.peer.clear()
        asking.phone.do(found.report, 200, "OK")
        asking.network.run(0.1)
        assert asking.peer.requests("NOTIFY") == []

    def test_a_subscription_runs_out(self) -> None:
        asking = Asking()
        asking.refer()
        asking.phone.do(asking.asked().accept)
        asking.network.run(0.1)
        asking.states()
        asking.network.run(EXPIRES)  # and what has passed already
        assert asking.states() == ["terminated;reason=timeout"]

    def test_a_reason_can_not_break_out_of_the_body(self) -> None:
        asking = Asking()
        asking.refer()
        found = asking.asked()
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        asking.states()
        asking.phone.do(found.report, 486, "Busy\r\nContact: evil")
        asking.network.run(0.1)
        assert asking.peer.request("NOTIFY").body.count(b"\r\n") == 1


class TestOutsideACall:
    def test_a_stranger_is_refused(self) -> None:
        asking = Asking()
        headers = [("Refer-To", "<sip:carol@10.0.0.3>")]
        assert asking.send("REFER", call_id="new", headers=headers) == [403]
        assert not asking.phone.has(ReferReceived)

    @pytest.mark.parametrize("value", ["call-1", "call-1;local-tag=peer;remote-tag=x", "x;;=", ""])
    def test_a_wrong_target_dialog_is_a_strangers(self, value: str) -> None:
        asking = Asking()
        headers = [("Refer-To", "<sip:carol@10.0.0.3>"), ("Target-Dialog", value)]
        assert asking.send("REFER", call_id="new", headers=headers) == [403]

    def test_the_peer_of_a_call_is_known_by_its_dialog(self) -> None:
        """RFC 4538, 3."""
        asking = Asking()
        tag = asking.caller.to.partition("tag=")[2]
        headers = [
            ("Refer-To", "<sip:carol@10.0.0.3>"),
            ("Contact", "<sip:peer@10.0.0.2>"),
            ("Target-Dialog", f"call-1;local-tag=peer;remote-tag={tag}"),
        ]
        asking.send("REFER", call_id="new", headers=headers)
        found = asking.asked()
        asking.phone.do(found.accept)
        asking.network.run(0.1)
        assert asking.peer.responses("REFER") == [202]
        notify = asking.peer.request("NOTIFY")
        assert notify.call_id == "new"
        assert notify.from_.tag == asking.peer.response(202).to.tag


class TestNotify:
    """What comes in as a NOTIFY of a transfer that is none."""

    @pytest.mark.parametrize("event", ["refer", "refer;id=1", "refer;id=x;;=", ""])
    def test_without_a_refer_of_ours_there_is_none(self, event: str) -> None:
        asking = Asking()
        asking.peer.clear()
        asking.caller.request("NOTIFY", headers=[("Event", event)])
        asking.network.run(0.1)
        assert asking.peer.responses("NOTIFY")[0] in (481, 489)

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"", []),
            (b"garbage", []),
            (b"\xff\x00", []),
            (b"SIP/2.0 999 What", []),
            (b"SIP/2.0 180", [180]),
            (b"\r\nSIP/2.0 180 Ringing\r\nTo: x\r\n", [180]),
        ],
    )
    def test_a_body_that_says_nothing_is_answered_and_ignored(
        self, body: bytes, told: list[int]
    ) -> None:
        asking = Asking()
        (session,) = asking.phone.agent.sessions
        asking.phone.do(session.refer, "<sip:carol@10.0.0.3>")
        asking.network.run(0.1)
        asking.peer.respond(asking.peer.request("REFER"), 202)
        asking.peer.clear()
        headers = [("Event", "refer"), ("Subscription-State", "active;expires=60")]
        headers.append(("Content-Type", "message/sipfrag;version=2.0"))
        asking.caller.request("NOTIFY", headers=headers, body=body)
        asking.network.run(0.1)
        assert asking.peer.responses("NOTIFY") == [200]
        events = [e for e in asking.phone.events if isinstance(e, ReferProgressed)]
        assert [event.status for event in events] == told

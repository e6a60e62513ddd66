"""Replaces (RFC 3891): reading and writing it, and which call an INVITE with it may replace."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.events import IncomingCall
from platypus.sip.refer_to import refer_to
from platypus.sip.replaces import Replaces
from platypus.sip.stack import MAX_ENDED
from platypus.sip.uri import Uri
from tests.harness.network import ANSWER
from tests.harness.peer import Caller, Peer
from tests.sip.test_inbound import PHONE, URI, Setup

TOKENS = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,20}", fullmatch=True)
CALL_IDS = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~()<>:\\/\[\]?{}]{1,20}", fullmatch=True)


class TestValue:
    def test_reads_the_examples_of_the_rfc(self) -> None:
        """RFC 3891, 6.1."""
        text = "425928@bobster.example.org;to-tag=7743;from-tag=6472"
        assert Replaces.parse(text) == Replaces("425928@bobster.example.org", "7743", "6472")
        text = "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only"
        assert Replaces.parse(text).early_only
        text = "87134@192.0.2.23;from-tag=r33th4x0r;to-tag=ff87ff;x=1"
        assert Replaces.parse(text) == Replaces("87134@192.0.2.23", "ff87ff", "r33th4x0r")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ";to-tag=1;from-tag=2",
            "call",
            "call;to-tag=1",
            "call;from-tag=1",
            "call;to-tag;from-tag=1",
            "call;to-tag=;from-tag=1",
            "call;to-tag=1;from-tag=a b",
            "call id;to-tag=1;from-tag=2",
            "one,two;to-tag=1;from-tag=2",
        ],
    )
    def test_what_names_no_dialog_is_refused(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            Replaces.parse(text)

    @given(CALL_IDS, TOKENS, TOKENS, st.booleans())
    def test_survives_the_way_through_a_refer_to(
        self, call_id: str, to_tag: str, from_tag: str, early_only: bool
    ) -> None:
        replaces = Replaces(call_id, to_tag, from_tag, early_only)
        value = refer_to(Uri.parse("sip:carol@example.com"), replaces=replaces)
        found = Uri.parse(value.strip("<>")).headers
        assert Replaces.parse(found["Replaces"]) == replaces

    @given(st.text(max_size=60))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        with contextlib.suppress(ProtocolError):
            assert Replaces.parse(str(Replaces.parse(text))) == Replaces.parse(text)


class Replacing(Setup):
    """A phone in a call with one peer, and another peer that wants its place."""

    def __init__(self) -> None:
        super().__init__()
        self.other = Peer(self.network, "10.0.0.3")
        self._calls = 0

    def invite(self, *replaces: str, **options: object) -> list[int]:
        """An INVITE of the other peer's; its final responses."""
        self._calls += 1
        headers = [("Replaces", value) for value in replaces]
        headers += options.pop("headers", [])  # type: ignore[arg-type]
        self.other.clear()
        self.other.send(
            "INVITE",
            URI,
            PHONE,
            call_id=f"other-{self._calls}",
            headers=headers,
            body=b"v=0\r\n",
            **options,  # type: ignore[arg-type]
        )
        self.network.run(0.1)
        return [status for status in self.other.responses("INVITE") if status >= 200]

    def confirmed(self) -> str:
        """The Replaces of a confirmed call."""
        caller = self.confirm()
        return f"{caller.call_id};to-tag={caller.to.partition('tag=')[2]};from-tag=peer"

    def ringing(self) -> str:
        """The Replaces of a call that rings here."""
        self.peer.send("INVITE", URI, PHONE, body=b"v=0\r\n")
        self.network.run(0.1)
        session = self.phone.next(IncomingCall).session
        self.phone.do(session.ring)
        return f"call-1;to-tag={session.local_tag};from-tag=peer"

    def calling(self) -> str:
        """The Replaces of a call of ours that rings at the peer."""
        session = self.phone.call(self.peer.uri)
        self.network.run(0.1)
        self.peer.respond(self.peer.request("INVITE"), 180)
        self.network.run(0.1)
        return f"{session.call_id};to-tag={session.local_tag};from-tag=peer"

    def replaced(self) -> object:
        return self.phone.next(IncomingCall).replaces


class TestMatching:
    """RFC 3891, section 3, paragraph by paragraph."""

    def test_a_confirmed_call_is_named_to_the_user(self) -> None:
        setup = Replacing()
        value = setup.confirmed()
        assert setup.invite(value) == []
        incoming = setup.phone.next(IncomingCall)
        assert incoming.replaces is not None
        assert incoming.replaces is not incoming.session
        assert incoming.replaces.call_id == "call-1"

    def test_a_call_without_replaces_replaces_nothing(self) -> None:
        setup = Replacing()
        setup.confirmed()
        setup.invite()
        assert setup.replaced() is None

    def test_a_call_of_ours_that_rings_may_be_replaced(self) -> None:
        setup = Replacing()
        value = setup.calling()
        assert setup.invite(f"{value};early-only") == []
        assert setup.replaced() is not None

    def test_a_call_that_rings_here_may_not(self) -> None:
        setup = Replacing()
        assert setup.invite(setup.ringing()) == [481]

    def test_an_answered_call_is_not_replaced_where_only_a_ringing_one_is_meant(self) -> None:
        setup = Replacing()
        assert setup.invite(f"{setup.confirmed()};early-only") == [486]

    def test_a_call_that_is_over_can_not_be_replaced(self) -> None:
        setup = Replacing()
        value = setup.confirmed()
        (session,) = setup.phone.agent.sessions
        setup.phone.do(session.hangup)
        setup.network.run(0.1)
        assert setup.invite(value) == [603]

    def test_nor_over_a_connection_where_transactions_are_over_at_once(self) -> None:
        setup = Replacing()
        caller = Caller(setup.peer, PHONE)
        caller.invite(transport="tcp")
        setup.network.run(0.1)
        setup.phone.do(setup.phone.next(IncomingCall).session.answer, ANSWER)
        setup.network.run(0.1)
        caller.answered()
        caller.ack()
        setup.network.run(120)
        caller.request("BYE", transport="tcp")
        setup.network.run(20)
        value = f"{caller.call_id};to-tag={caller.to.partition('tag=')[2]};from-tag=peer"
        assert setup.phone.agent.transactions == 0
        assert setup.invite(value, transport="tcp") == [603]

    @pytest.mark.parametrize("part", ["call-1", "to-tag=", "from-tag=peer"])
    def test_every_part_of_the_name_counts(self, part: str) -> None:
        setup = Replacing()
        value = setup.confirmed().replace(part, f"{part}x")
        assert setup.invite(value) == [481]
        assert not setup.phone.has(IncomingCall)

    def test_tags_are_as_the_receiver_sees_them(self) -> None:
        setup = Replacing()
        call_id, to_tag, from_tag = setup.confirmed().split(";")
        mirrored = [to_tag.replace("to-", "from-"), from_tag.replace("from-", "to-")]
        assert setup.invite(";".join([call_id, *mirrored])) == [481]

    def test_two_of_them_are_refused(self) -> None:
        setup = Replacing()
        value = setup.confirmed()
        assert setup.invite(value, value) == [400]

    def test_with_join_it_is_refused(self) -> None:
        setup = Replacing()
        value = setup.confirmed()
        assert setup.invite(value, headers=[("Join", value)]) == [400]

    def test_nonsense_is_refused(self) -> None:
        setup = Replacing()
        assert setup.invite("nonsense") == [400]

    def test_it_may_be_required(self) -> None:
        setup = Replacing()
        assert setup.invite(setup.confirmed(), headers=[("Require", "replaces")]) == []

    def test_a_peer_without_a_tag_is_named_by_a_zero(self) -> None:
        setup = Replacing()
        setup.peer.send("INVITE", URI, PHONE, from_="<sip:old@example.com>", body=b"v=0\r\n")
        setup.network.run(0.1)
        session = setup.phone.next(IncomingCall).session
        setup.phone.do(session.answer, ANSWER)
        setup.invite(f"call-1;to-tag={session.local_tag};from-tag=0")
        assert setup.replaced() is session

    def test_what_is_remembered_of_calls_that_ended_is_bounded(self) -> None:
        setup = Replacing()
        for number in range(MAX_ENDED + 20):
            setup.peer.send("INVITE", URI, PHONE, call_id=f"call-{number}", body=b"v=0\r\n")
            setup.network.run(0.1)
            setup.phone.do(setup.phone.next(IncomingCall).session.reject, 486)
        assert len(setup.phone.agent._stack.ended) == MAX_ENDED

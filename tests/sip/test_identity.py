"""Who the other side is by the word of the network, and whose word counts (RFC 3325)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.sip.diversion import diversions_in
from platypus.sip.events import Identified, IncomingCall
from platypus.sip.identity import identity_in
from platypus.sip.intercom import answer_after
from platypus.sip.message import Request, parse_message
from platypus.sip.session import Session
from platypus.sip.settings import AccountSettings
from tests.harness.network import ANSWER, OFFER, Network, Phone
from tests.harness.peer import Caller, Fields, Peer

PHONE = ("10.0.0.1", 5060)
ALICE = "sip:alice@10.0.0.2"
BOB = ("P-Asserted-Identity", '"Bob" <sip:bob@10.0.0.2>')


def request(*fields: str, status: str = "INVITE sip:a@b SIP/2.0") -> Request:
    lines = [status, "Via: SIP/2.0/UDP h;branch=z9hG4bK1", "From: <sip:x@y>;tag=1", "To: <sip:a@b>"]
    lines += ["Call-ID: c", "CSeq: 1 INVITE", *fields]
    message = parse_message("\r\n".join([*lines, "", ""]).encode())
    return message  # type: ignore[return-value]


def named(*fields: str, **options: str) -> str:
    identity = identity_in(request(*fields, **options))
    return "nobody" if identity is None else str(identity)


class TestTheNameInAMessage:
    def test_is_the_asserted_identity(self) -> None:
        assert named('P-Asserted-Identity: "Bob" <sip:bob@pbx>') == '"Bob" <sip:bob@pbx>'

    def test_is_nobody_where_nothing_is_said(self) -> None:
        assert named("Subject: hello") == "nobody"

    def test_of_several_is_the_one_with_a_name(self) -> None:
        both = 'P-Asserted-Identity: <tel:+4930>, "Bob" <sip:bob@pbx>'
        assert named(both) == '"Bob" <sip:bob@pbx>'

    def test_may_be_a_telephone_number(self) -> None:
        assert named("P-Asserted-Identity: <tel:+4930123>") == "<tel:+4930123>"

    def test_is_the_remote_party_where_nothing_is_asserted(self) -> None:
        field = 'Remote-Party-ID: "Bob" <sip:bob@pbx>;party=calling;privacy=off;screen=yes'
        assert named(field) == '"Bob" <sip:bob@pbx>'

    def test_is_the_asserted_one_where_both_are_there(self) -> None:
        assert named("Remote-Party-ID: <sip:old@x>", "P-Asserted-Identity: <sip:new@x>").endswith(
            "<sip:new@x>"
        )

    @pytest.mark.parametrize("privacy", ["full", "name", "uri"])
    def test_a_remote_party_that_wants_privacy_is_nobody(self, privacy: str) -> None:
        assert named(f"Remote-Party-ID: <sip:bob@pbx>;privacy={privacy}") == "nobody"

    @pytest.mark.parametrize("privacy", ["id", "user; id", "header"])
    def test_a_caller_that_wants_privacy_is_nobody(self, privacy: str) -> None:
        field = "P-Asserted-Identity: <sip:bob@pbx>"
        assert named(field, f"Privacy: {privacy}") == "nobody"

    def test_a_wish_for_none_is_no_privacy(self) -> None:
        assert named("P-Asserted-Identity: <sip:bob@pbx>", "Privacy: none") == "<sip:bob@pbx>"

    def test_our_own_name_in_a_response_is_not_the_others(self) -> None:
        us = "Remote-Party-ID: <sip:me@pbx>;party=calling"
        them = "Remote-Party-ID: <sip:bob@pbx>;party=called"
        assert named(us, them, status="SIP/2.0 200 OK") == "<sip:bob@pbx>"

    def test_what_cannot_be_read_is_passed_over(self) -> None:
        bad = 'P-Asserted-Identity: "unclosed <sip:bob'
        assert named(bad) == "nobody"
        assert named(bad, "P-Asserted-Identity: <sip:bob@pbx>") == "<sip:bob@pbx>"

    def test_of_hundreds_only_a_few_are_read(self) -> None:
        fields = ["P-Asserted-Identity: <sip:x>"] * 200
        assert named(*fields, 'P-Asserted-Identity: "Late" <sip:late@x>') != '"Late" <sip:late@x>'


class Called:
    """A phone registered at 10.0.0.2, which calls it, as does a stranger at 10.0.0.3."""

    def __init__(self, *, registered: bool = True) -> None:
        self.network = Network()
        self.phone: Phone = self.network.phone("10.0.0.1")
        self.server = Peer(self.network, "10.0.0.2")
        self.stranger = Peer(self.network, "10.0.0.3")
        if registered:
            self.phone.register(AccountSettings(aor=ALICE))
            self.network.run(0.1)
            register = self.server.request("REGISTER")
            contact = ("Contact", f"<{register.contacts[0].uri}>;expires=300")
            self.server.respond(register, 200, headers=[contact])
            self.network.run(0.1)
            self.phone.events.clear()

    def call(self, peer: Peer, *headers: tuple[str, str]) -> tuple[Caller, Session]:
        caller = Caller(peer, PHONE, target="sip:alice@10.0.0.1")
        caller.invite(headers=headers)
        self.network.run(0.1)
        return caller, self.phone.next(IncomingCall).session

    def answer(self, caller: Caller, session: Session) -> None:
        self.phone.do(session.answer, ANSWER)
        self.network.run(0.1)
        caller.answered()
        caller.ack()
        self.network.run(0.1)

    def update(self, caller: Caller, method: str, headers: Fields) -> None:
        body = OFFER if method == "INVITE" else b""
        caller.request(method, headers=headers, body=body)
        self.network.run(0.1)


class TestACallReceived:
    def test_has_the_name_its_server_gives(self) -> None:
        setup = Called()
        _, session = setup.call(setup.server, BOB)
        assert str(session.identity) == BOB[1]
        assert not setup.phone.has(Identified)  # it is told with the call itself

    def test_from_a_stranger_has_no_name_but_what_it_says_itself(self) -> None:
        setup = Called()
        _, session = setup.call(setup.stranger, BOB)
        assert session.identity is None

    def test_of_another_port_at_the_servers_host_is_a_strangers(self) -> None:
        setup = Called()
        _, session = setup.call(Peer(setup.network, "10.0.0.2", 7000), BOB)
        assert session.identity is None

    def test_without_any_account_trusts_nobody(self) -> None:
        setup = Called(registered=False)
        _, session = setup.call(setup.server, BOB)
        assert session.identity is None

    def test_for_an_account_not_registered_trusts_the_server_it_names(self) -> None:
        setup = Called(registered=False)
        _, session = setup.call(setup.server, BOB)
        session.belongs_to(AccountSettings(aor=ALICE))
        assert str(session.identity) == BOB[1]

    def test_for_an_account_of_another_server_trusts_not(self) -> None:
        setup = Called(registered=False)
        _, session = setup.call(setup.stranger, BOB)
        session.belongs_to(AccountSettings(aor=ALICE))
        assert session.identity is None

    @pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
    def test_may_be_connected_to_somebody_else_later(self, method: str) -> None:
        setup = Called()
        caller, session = setup.call(setup.server, BOB)
        setup.answer(caller, session)
        setup.update(caller, method, [("P-Asserted-Identity", '"Carol" <sip:carol@10.0.0.2>')])
        assert str(setup.phone.next(Identified).identity) == '"Carol" <sip:carol@10.0.0.2>'

    def test_from_a_stranger_does_not_get_a_name_later(self) -> None:
        setup = Called()
        caller, session = setup.call(setup.stranger)
        setup.answer(caller, session)
        setup.update(caller, "UPDATE", [BOB])
        assert not setup.phone.has(Identified)

    def test_to_a_phone_without_a_server_may_be_named_anew_by_the_caller(self) -> None:
        setup = Called(registered=False)
        caller, session = setup.call(setup.stranger)
        setup.answer(caller, session)
        setup.update(caller, "UPDATE", [BOB])
        assert str(setup.phone.next(Identified).identity) == BOB[1]

    def test_says_nothing_twice(self) -> None:
        setup = Called()
        caller, session = setup.call(setup.server, BOB)
        setup.answer(caller, session)
        setup.update(caller, "UPDATE", [BOB])
        assert not setup.phone.has(Identified)


class TestACallMade:
    def setup_call(self, *headers: tuple[str, str], status: int = 200) -> Called:
        setup = Called(registered=False)
        setup.phone.call("sip:bob@10.0.0.2")
        setup.network.run(0.1)
        invite = setup.server.request("INVITE")
        body = ANSWER if status == 200 else b""
        setup.server.respond(invite, status, headers=headers, body=body)
        setup.network.run(0.1)
        return setup

    @pytest.mark.parametrize("status", [180, 183, 200])
    def test_learns_who_is_there_from_the_response(self, status: int) -> None:
        setup = self.setup_call(BOB, status=status)
        assert str(setup.phone.next(Identified).identity) == BOB[1]

    def test_is_told_once_where_ringing_and_answer_say_the_same(self) -> None:
        setup = self.setup_call(BOB, status=180)
        setup.server.respond(setup.server.request("INVITE"), 200, headers=[BOB], body=ANSWER)
        setup.network.run(0.1)
        setup.phone.next(Identified)
        assert not setup.phone.has(Identified)

    def test_learns_nothing_from_a_refusal(self) -> None:
        assert not self.setup_call(BOB, status=486).phone.has(Identified)

    def test_learns_it_from_the_answer_to_a_change_of_ours(self) -> None:
        setup = self.setup_call()
        session = setup.phone.agent.sessions[0]
        setup.phone.do(session.reinvite, OFFER)
        setup.network.run(0.1)
        setup.server.respond(setup.server.request("INVITE"), 200, headers=[BOB], body=ANSWER)
        setup.network.run(0.1)
        assert str(setup.phone.next(Identified).identity) == BOB[1]


NAMES = ["P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info", "Call-Info"]
PIECES = ["<", ">", '"', ";", ",", "sip:", "tel:", "?Reason=SIP", "cause=", "%", "index=1", "mp=1"]


@given(
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(PIECES) | st.text("ab1 @:=\\", max_size=3), max_size=12).map("".join),
)
def test_whatever_a_header_says_it_breaks_nothing(name: str, text: str) -> None:
    message = request(f"{name}: {text}")
    identity_in(message)
    diversions_in(message)
    answer_after(message)

"""Who sent a call on, read from two headers, and written into our 302 (RFC 5806, RFC 7044)."""

from __future__ import annotations

import pytest

from platypus.sip.diversion import (
    Diversion,
    carried_on,
    diversion_count,
    diversions_in,
    forwarding_fields,
    same_party,
    went_through,
)
from platypus.sip.uri import Uri
from tests.harness.network import Network
from tests.harness.peer import Peer
from tests.sip.test_identity import request

BOB = Uri.parse("sip:bob@pbx")
CAROL = Uri.parse("sip:carol@pbx")


def found(*fields: str) -> list[tuple[str, str]]:
    return [(str(each.uri), each.reason) for each in diversions_in(request(*fields))]


class TestDiversion:
    def test_names_who_and_why(self) -> None:
        (diversion,) = diversions_in(
            request('Diversion: "Bob" <sip:bob@pbx>;reason=no-answer;counter=2;privacy=off')
        )
        assert diversion == Diversion(BOB, "Bob", "no-answer", 2)

    def test_may_be_for_nobodys_eyes(self) -> None:
        field = "<sip:bob@pbx>;reason=deflection;counter=1;privacy=full"
        (diversion,) = diversions_in(request(f"Diversion: {field}"))
        assert diversion.private
        assert str(diversion) == field

    def test_of_several_has_the_last_first(self) -> None:
        fields = ("Diversion: <sip:carol@pbx>;reason=user-busy", "Diversion: <sip:bob@pbx>")
        assert found(*fields) == [("sip:carol@pbx", "user-busy"), ("sip:bob@pbx", "unknown")]

    def test_that_cannot_be_read_is_passed_over(self) -> None:
        assert found('Diversion: "x <sip:', "Diversion: <sip:bob@pbx>")[0][0] == "sip:bob@pbx"

    @pytest.mark.parametrize("counter", ["x", "-1", "99999999"])
    def test_a_counter_that_is_none_counts_as_one_or_little(self, counter: str) -> None:
        message = request(f"Diversion: <sip:bob@pbx>;counter={counter}")
        assert 1 <= diversion_count(message) <= 1000

    def test_the_counters_add_up(self) -> None:
        fields = ("Diversion: <sip:a@b>;counter=3", "Diversion: <sip:c@d>")
        assert diversion_count(request(*fields)) == 4

    def test_of_hundreds_only_some_are_read(self) -> None:
        assert len(diversions_in(request(*["Diversion: <sip:a@b>"] * 200))) == 20

    def test_a_call_that_nobody_sent_on_has_none(self) -> None:
        assert found() == []


class TestHistoryInfo:
    def test_says_who_was_mapped_to_somebody_else(self) -> None:
        history = (
            "History-Info: <sip:bob@pbx>;index=1,"
            " <sip:carol@pbx;cause=302>;index=1.1;mp=1, <sip:carol@10.0.0.9>;index=1.1.1;rc=1.1"
        )
        assert found(history) == [("sip:bob@pbx", "unconditional")]

    def test_without_mp_goes_by_the_cause(self) -> None:
        history = "History-Info: <sip:bob@pbx>;index=1, <sip:carol@pbx;cause=486>;index=1.1"
        assert found(history) == [("sip:bob@pbx", "user-busy")]

    def test_takes_the_reason_of_the_entry_that_failed(self) -> None:
        history = (
            "History-Info: <sip:bob@pbx?Reason=SIP%3Bcause%3D408>;index=1,"
            " <sip:carol@pbx>;index=2;mp=1"
        )
        assert found(history) == [("sip:bob@pbx", "no-answer")]

    def test_a_way_through_servers_is_no_diversion(self) -> None:
        history = "History-Info: <sip:bob@pbx>;index=1, <sip:bob@10.0.0.9>;index=1.1;rc=1"
        assert found(history) == []

    def test_an_index_that_is_not_there_is_no_diversion(self) -> None:
        assert found("History-Info: <sip:bob@pbx>;index=1;mp=7") == []

    def test_is_not_looked_at_where_there_is_a_diversion(self) -> None:
        history = "History-Info: <sip:x@pbx>;index=1, <sip:y@pbx;cause=302>;index=1.1;mp=1"
        assert found(history, "Diversion: <sip:bob@pbx>") == [("sip:bob@pbx", "unknown")]


class TestOurForwarding:
    def test_puts_itself_before_those_that_sent_it_on_before(self) -> None:
        fields = forwarding_fields(
            request("Diversion: <sip:carol@pbx>;reason=user-busy"),
            Diversion(BOB, reason="unconditional"),
        )
        assert fields == [
            ("Diversion", "<sip:bob@pbx>;reason=unconditional;counter=1"),
            ("Diversion", "<sip:carol@pbx>;reason=user-busy"),
        ]

    def test_gives_the_history_back_to_who_understands_it(self) -> None:
        history = "History-Info: <sip:bob@pbx>;index=1"
        by = Diversion(BOB)
        names = [name for name, _ in forwarding_fields(request(history), by)]
        assert "History-Info" not in names
        asked = request(history, "Supported: histinfo")
        assert ("History-Info", "<sip:bob@pbx>;index=1") in forwarding_fields(asked, by)

    def test_knows_where_a_call_has_been(self) -> None:
        message = request("Diversion: <sip:bob@pbx:5060>")
        assert went_through(message, BOB)
        assert not went_through(message, CAROL)

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("sip:bob@pbx", "sip:bob@PBX:5060", True),
            ("sip:bob@pbx", "sip:bob@pbx;transport=tcp", True),
            ("sip:bob@pbx:5060", "sip:bob@pbx:5070", False),
            ("sip:bob@pbx", "sip:carol@pbx", False),
            ("sip:bob@pbx", "sip:bob@other", False),
        ],
    )
    def test_knows_the_same_party_by_another_way(self, one: str, other: str, same: bool) -> None:
        assert same_party(Uri.parse(one), Uri.parse(other)) is same


class TestFollowingARedirection:
    def redirected(self, *headers: tuple[str, str]) -> list[str]:
        network = Network()
        alice, bob = network.phone("10.0.0.1"), Peer(network, "10.0.0.2")
        carol = Peer(network, "10.0.0.3")
        alice.call("sip:bob@10.0.0.2", headers=[("Diversion", "<sip:first@x>")])
        network.run(0.1)
        bob.respond(bob.request("INVITE"), 302, contact=carol.uri, headers=headers)
        network.run(0.1)
        return carol.request("INVITE").headers.get_all("Diversion")

    def test_tells_the_next_who_sent_us(self) -> None:
        ours = ("Diversion", "<sip:bob@10.0.0.2>;reason=user-busy")
        before = ("Diversion", "<sip:first@x>")
        assert self.redirected(ours, before) == [ours[1], before[1]]

    def test_keeps_what_was_known_where_nothing_is_said(self) -> None:
        assert self.redirected() == ["<sip:first@x>"]

    def test_passes_on_nothing_that_cannot_be_read(self) -> None:
        message = request('Diversion: "open <sip:x', "Diversion: <sip:bob@pbx>")
        assert carried_on(message) == ["<sip:bob@pbx>"]

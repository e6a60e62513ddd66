"""Dialog state (RFC 4235): documents, and what a series of them adds up to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platypus.errors import ProtocolError
from platypus.sip.packages.dialog_info import (
    MAX_DIALOGS,
    STATES,
    DialogEntry,
    DialogInfo,
    DialogTable,
    Update,
    busiest,
    parse_dialog_info,
)

EXAMPLE = b"""<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="full"
             entity="sip:alice@example.com">
  <dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774"
          remote-tag="456887766" direction="recipient">
    <state event="rejected" code="486">early</state>
    <duration>274</duration>
    <local><target uri="sip:alice@pc33.example.com"/></local>
    <remote>
      <identity display="Bob">sip:bob@example.org</identity>
      <target uri="sip:bobster@phone21.example.org"/>
    </remote>
  </dialog>
</dialog-info>"""


def entry(name: str, state: str = "confirmed", **more: Any) -> DialogEntry:
    return DialogEntry(id=name, state=state, **more)  # type: ignore[arg-type]


def full(version: int, *dialogs: DialogEntry) -> DialogInfo:
    return DialogInfo("sip:bob@pbx", version, True, dialogs)


def partial(version: int, *dialogs: DialogEntry) -> DialogInfo:
    return DialogInfo("sip:bob@pbx", version, False, dialogs)


class TestDocument:
    def test_an_example_like_the_rfcs(self) -> None:
        info = parse_dialog_info(EXAMPLE)
        assert (info.entity, info.version, info.is_full) == ("sip:alice@example.com", 1, True)
        assert info.dialogs == (
            entry(
                "as7d900as8",
                "early",
                call_id="a84b4c76e66710",
                local_tag="1928301774",
                remote_tag="456887766",
                direction="recipient",
                remote_identity="sip:bob@example.org",
                remote_target="sip:bobster@phone21.example.org",
            ),
        )

    def test_a_document_without_dialogs_says_that_nothing_goes_on(self) -> None:
        info = parse_dialog_info(b'<dialog-info version="0" state="full" entity="sip:a@b"/>')
        assert info.dialogs == ()

    def test_a_state_nobody_knows_is_some_dialog(self) -> None:
        body = b'<dialog-info version="0" state="full"><dialog id="1"><state>odd</state></dialog>'
        info = parse_dialog_info(body + b"</dialog-info>")
        assert info.dialogs[0].state == "trying"

    @pytest.mark.parametrize(
        "attributes",
        [b'state="full"', b'version="1"', b'version="-1" state="full"', b'version="1" state="no"'],
    )
    def test_version_and_kind_are_needed(self, attributes: bytes) -> None:
        with pytest.raises(ProtocolError):
            parse_dialog_info(b"<dialog-info " + attributes + b"/>")

    def test_more_dialogs_than_anybody_has_are_refused(self) -> None:
        info = full(1, *(entry(str(n)) for n in range(MAX_DIALOGS + 1)))
        with pytest.raises(ProtocolError):
            parse_dialog_info(info.serialize())

    @given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(STATES))
    def test_whatever_is_written_can_be_read(self, call_id: str, uri: str, state: str) -> None:
        info = full(3, entry("1", state, call_id=call_id, remote_identity=uri, remote_target=uri))
        found = parse_dialog_info(info.serialize())
        assert (found.version, found.dialogs[0].state) == (3, state)

    def test_what_is_written_reads_the_same(self) -> None:
        info = parse_dialog_info(EXAMPLE)
        assert parse_dialog_info(info.serialize()) == info


class TestTable:
    def test_a_full_document_replaces_everything(self) -> None:
        table = DialogTable()
        table.apply(full(1, entry("a"), entry("b")))
        assert table.apply(full(9, entry("c"))) is Update.TAKEN
        assert list(table.dialogs) == ["c"]

    def test_a_partial_one_changes_what_it_names(self) -> None:
        table = DialogTable()
        table.apply(full(1, entry("a", "early"), entry("b", "early")))
        assert table.apply(partial(2, entry("a", "confirmed"))) is Update.TAKEN
        assert {d.id: d.state for d in table.dialogs.values()} == {"a": "confirmed", "b": "early"}

    def test_a_dialog_that_ended_is_gone(self) -> None:
        table = DialogTable()
        table.apply(full(1, entry("a"), entry("b")))
        table.apply(partial(2, entry("a", "terminated")))
        assert list(table.dialogs) == ["b"]

    def test_a_version_that_was_skipped_is_a_loss(self) -> None:
        table = DialogTable()
        table.apply(full(1, entry("a")))
        assert table.apply(partial(3, entry("b"))) is Update.MISSED
        assert list(table.dialogs) == ["a"]
        assert table.apply(partial(4, entry("b"))) is Update.MISSED
        assert table.apply(full(5, entry("b"))) is Update.TAKEN

    def test_what_comes_late_is_passed_over(self) -> None:
        table = DialogTable()
        table.apply(full(5, entry("a")))
        assert table.apply(full(4)) is Update.OLD
        assert table.apply(partial(5, entry("b"))) is Update.OLD
        assert list(table.dialogs) == ["a"]

    def test_the_first_has_to_be_full(self) -> None:
        assert DialogTable().apply(partial(0, entry("a"))) is Update.MISSED

    def test_its_size_is_bounded(self) -> None:
        table = DialogTable()
        table.apply(full(0))
        for version in range(1, MAX_DIALOGS + 50):
            table.apply(partial(version, entry(str(version))))
        assert len(table.dialogs) == MAX_DIALOGS


class TestLamp:
    def test_shows_the_busiest_dialog(self) -> None:
        assert busiest([entry("a", "early"), entry("b"), entry("c", "trying")]) == "confirmed"
        assert busiest([entry("a", "trying"), entry("b", "early")]) == "early"

    def test_is_dark_without_a_dialog(self) -> None:
        assert busiest([]) == "terminated"

    def test_only_what_rings_there_can_be_picked_up(self) -> None:
        known = {"call_id": "c", "local_tag": "l", "remote_tag": "r", "remote_target": "sip:x@y"}
        assert entry("a", "early", direction="recipient", **known).can_be_picked_up
        assert entry("a", "early", **known).can_be_picked_up
        assert not entry("a", "early", direction="initiator", **known).can_be_picked_up
        assert not entry("a", "confirmed", direction="recipient", **known).can_be_picked_up
        for missing in known:
            assert not entry("a", "early", **{**known, missing: ""}).can_be_picked_up

from __future__ import annotations

from pathlib import Path

import pytest

from platypus.history import MOST, CallRecord, History, Kind, kind_of


@pytest.mark.parametrize(
    ("direction", "answered", "by", "elsewhere", "code", "kind"),
    [
        ("outgoing", True, "remote", False, 200, "outgoing"),
        ("outgoing", False, "local", False, 487, "outgoing"),
        ("outgoing", False, "remote", False, 486, "failed"),
        ("incoming", True, "remote", False, 200, "incoming"),
        ("incoming", False, "remote", False, 487, "missed"),
        ("incoming", False, "remote", True, 487, "elsewhere"),
        ("incoming", False, "local", False, 486, "refused"),
        ("incoming", False, "local", False, 480, "missed"),
    ],
)
def test_what_became_of_a_call(
    direction: str, answered: bool, by: str, elsewhere: bool, code: int, kind: Kind
) -> None:
    found = kind_of(direction, answered=answered, by=by, elsewhere=elsewhere, code=code)
    assert found == kind


def test_calls_outlive_the_program_newest_first(tmp_path: Path) -> None:
    history = History(tmp_path / "history.json")
    history.add(CallRecord("outgoing", "sip:1@pbx", began=1.0, duration_s=3.5))
    history.add(CallRecord("missed", "sip:2@pbx", "Zoë", began=2.0))
    again = History(tmp_path / "history.json")
    assert [call.uri for call in again.calls] == ["sip:2@pbx", "sip:1@pbx"]
    assert again.calls[0].name == "Zoë"
    assert again.last_dialled() == "sip:1@pbx"


def test_missed_calls_count_until_they_are_seen(tmp_path: Path) -> None:
    history = History(tmp_path / "history.json")
    history.add(CallRecord("missed", "sip:1@pbx"))
    history.add(CallRecord("elsewhere", "sip:1@pbx"))
    assert history.unseen == 1
    history.mark_seen()
    assert History(tmp_path / "history.json").unseen == 0


def test_the_history_is_bounded_and_can_be_emptied(tmp_path: Path) -> None:
    history = History(None)
    for number in range(MOST + 5):
        history.add(CallRecord("incoming", f"sip:{number}@pbx"))
    assert len(history.calls) == MOST
    history.remove(history.calls[0])
    assert len(history.calls) == MOST - 1
    history.clear()
    assert history.calls == ()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"calls":[1]}', '{"calls":[{"kind":"x","uri":""}]}']
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history.json"
    path.write_text(text)
    history = History(path)
    assert history.calls == ()
    history.add(CallRecord("incoming", "sip:1@pbx"))
    assert (tmp_path / "history.json.damaged").read_text() == text
    assert len(History(path).calls) == 1


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text('{"calls":[{"kind":"incoming","uri":"sip:1@pbx","colour":"red"}]}')
    assert History(path).calls == (CallRecord("incoming", "sip:1@pbx"),)

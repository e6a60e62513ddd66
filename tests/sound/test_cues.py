"""Which tone is heard, by how the calls stand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from platypus.events import By, CallState, HoldState
from platypus.sound.cues import Cue, cue_for, cue_for_end


@dataclass(frozen=True, slots=True)
class View:
    direction: str
    state: CallState
    hold_state: HoldState = "none"


TRYING = View("outgoing", CallState.TRYING)
RINGS_THERE = View("outgoing", CallState.RINGING)
EARLY = View("outgoing", CallState.EARLY)
TALKING = View("outgoing", CallState.CONFIRMED)
ON_HOLD = View("incoming", CallState.CONFIRMED, "local")
THEY_HOLD = View("incoming", CallState.CONFIRMED, "remote")
COMES_IN = View("incoming", CallState.RINGING)


@pytest.mark.parametrize(
    ("calls", "cue"),
    [
        ([], None),
        ([TRYING], None),
        ([RINGS_THERE], Cue.RINGBACK),
        ([EARLY], None),
        ([TALKING], None),
        ([COMES_IN], Cue.BELL),
        ([View("incoming", CallState.TRYING)], Cue.BELL),
        ([TALKING, COMES_IN], Cue.WAITING),
        ([COMES_IN, TALKING], Cue.WAITING),
        ([THEY_HOLD, COMES_IN], Cue.WAITING),
        ([TRYING, COMES_IN], Cue.WAITING),
        ([ON_HOLD, COMES_IN], Cue.BELL),
        ([ON_HOLD, RINGS_THERE], Cue.RINGBACK),
        ([RINGS_THERE, TALKING], None),
    ],
)
def test_what_is_heard_while_calls_stand_like_this(calls: list[View], cue: Cue | None) -> None:
    assert cue_for(calls) is cue


@pytest.mark.parametrize(
    ("code", "by", "cue"),
    [
        (486, "remote", Cue.BUSY),
        (600, "remote", Cue.BUSY),
        (404, "remote", Cue.INFORMATION),
        (484, "remote", Cue.INFORMATION),
        (503, "remote", Cue.CONGESTION),
        (408, "remote", Cue.CONGESTION),
        (487, "remote", None),
        (486, "local", None),
        (None, "remote", None),
        (200, "remote", None),
    ],
)
def test_how_a_call_that_was_not_answered_ends(code: int | None, by: By, cue: Cue | None) -> None:
    assert cue_for_end(code, by) is cue


def test_only_the_bell_is_not_in_the_ear() -> None:
    assert [cue for cue in Cue if not cue.in_the_ear] == [Cue.BELL]

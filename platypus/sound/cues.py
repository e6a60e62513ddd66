"""What a telephone lets hear beside the conversation, and when: a table of the calls' states.

    calls                                        heard                  where
    ------------------------------------------   --------------------   -------------
    one comes in, nobody is talked to            the bell               where it rings
    one comes in beside another                  call waiting           in the ear
    one of ours rings, no early media            ringback               in the ear
    one of ours was refused: 486, 600            busy, a while          in the ear
        404, 410, 484, 604: no such number       information tone       in the ear
        any other refusal                        congestion             in the ear

Pure: is given states and answers with a cue. Early media from the far end, if there are any,
are heard instead of ours (RFC 3960, 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from platypus.events import By, CallState, HoldState

BUSY = frozenset({486, 600})
NO_SUCH_NUMBER = frozenset({404, 410, 484, 604})
CANCELLED = 487


class Cue(StrEnum):
    """By the name of the tone."""

    BELL = "bell"
    WAITING = "waiting"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    INFORMATION = "information"

    @property
    def in_the_ear(self) -> bool:
        return self is not Cue.BELL


class CallView(Protocol):
    """A call, as far as it matters here."""

    @property
    def direction(self) -> str: ...
    @property
    def state(self) -> CallState: ...
    @property
    def hold_state(self) -> HoldState: ...


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one call stands."""

    comes_in: bool
    talked_to: bool
    ringback: bool


def cue_for(calls: Iterable[CallView]) -> Cue | None:
    """What is to be heard as long as the calls stand as they do."""
    places = [_place(call) for call in calls]
    if any(place.comes_in for place in places):
        return Cue.WAITING if any(place.talked_to for place in places) else Cue.BELL
    return Cue.RINGBACK if places and places[-1].ringback else None


def cue_for_end(code: int | None, by: By) -> Cue | None:
    """What tells that a call of ours, never answered, has ended like this."""
    if by == "local" or code is None or code < 400 or code == CANCELLED:
        return None
    if code in BUSY:
        return Cue.BUSY
    return Cue.INFORMATION if code in NO_SUCH_NUMBER else Cue.CONGESTION


def _place(call: CallView) -> _Place:
    waits = call.state in (CallState.TRYING, CallState.RINGING, CallState.EARLY)
    incoming = call.direction == "incoming"
    confirmed = call.state is CallState.CONFIRMED
    return _Place(
        comes_in=incoming and waits,
        talked_to=(confirmed and call.hold_state in ("none", "remote")) or (waits and not incoming),
        ringback=not incoming and call.state is CallState.RINGING,
    )

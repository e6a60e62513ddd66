"""Calls mixed here, so that everybody hears everybody else (N-1), and we hear them all.

    conference = phone.conference(first, second)   # those on hold are taken back
    conference.add(third)
    first.split()                                  # goes on by itself

Nothing of it is signalled: to each far end it is the call it was. A call that ends leaves by
itself, and where one is left it is no conference any more. Mixing is the media loop's
business (`_media/conference`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.errors import StateError
from platypus.events import CallState

if TYPE_CHECKING:
    from platypus.call import Call
    from platypus.calling import Calling

LEAST_RATE = 16_000  # so that a party which becomes wide-band later is not cut to narrow band


class Conference:
    """Made by `Engine.conference`."""

    def __init__(self, conferences: Conferences, calling: Calling) -> None:
        self._conferences = conferences
        self.mixer = calling.media.mixer(LEAST_RATE)

    def __repr__(self) -> str:
        return f"<Conference of {', '.join(call.id for call in self.calls) or 'nobody'}>"

    @property
    def calls(self) -> tuple[Call, ...]:
        """Who is in it now, in the order they came; empty when it is over."""
        return self._conferences.parties(self)

    def add(self, *calls: Call) -> None:
        """Let more calls in. Raises StateError for one that is not answered."""
        self._conferences.join(self, calls)

    def close(self) -> None:
        """Everybody goes on alone. Idempotent."""
        for call in self.calls:
            self._conferences.leave(call)


class Conferences:
    """Which call of an engine is in which conference."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling
        self._of: dict[Call, Conference] = {}

    def of(self, call: Call) -> Conference | None:
        return self._of.get(call)

    def parties(self, conference: Conference) -> tuple[Call, ...]:
        return tuple(call for call, each in self._of.items() if each is conference)

    def confer(self, calls: tuple[Call, ...]) -> Conference:
        """In the conference that one of them is in already, or in a new one."""
        if len(set(calls)) < 2:
            raise StateError("a conference needs at least two calls")
        _check(calls)
        there = next((self._of[call] for call in calls if call in self._of), None)
        conference = there or Conference(self, self._calling)
        self.join(conference, calls)
        return conference

    def join(self, conference: Conference, calls: tuple[Call, ...]) -> None:
        _check(calls)
        for call in calls:
            if self._of.get(call) is conference:
                continue
            self.leave(call)
            call.media.stream.join(conference.mixer)
            self._of[call] = conference
        for call in calls:  # now that they belong together: a call taken up holds no peer of it
            if call.hold_state in ("local", "both"):
                call.resume()

    def leave(self, call: Call) -> None:
        """Out of its conference, if it is in one. Also when it has ended."""
        conference = self._of.pop(call, None)
        if conference is None:
            return
        call.media.stream.leave()
        rest = self.parties(conference)
        if len(rest) == 1:
            self.leave(rest[0])

    def together(self, first: Call, second: Call) -> bool:
        conference = self._of.get(first)
        return conference is not None and self._of.get(second) is conference


def _check(calls: tuple[Call, ...]) -> None:
    for call in calls:
        if call.state is not CallState.CONFIRMED:
            raise StateError(f"call {call.id} is {call.state}: only answered calls can be joined")

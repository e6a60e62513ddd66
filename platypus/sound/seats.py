"""The calls on the sound devices: these serve one at a time, the one that was taken up last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from platypus.media.endpoints import Sink, Source


class Seat(Protocol):
    """A call, as far as its sound goes. It keeps a source or sink that it was given itself."""

    def seat_source(self, source: Source | None) -> None: ...
    def seat_sink(self, sink: Sink | None) -> None: ...


class Seats:
    """In the order they were taken, the one that is served last. Empty is false."""

    def __init__(self) -> None:
        self._seats: list[Seat] = []
        self._given: dict[Seat, tuple[Source | None, Sink | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._seats)

    def __contains__(self, seat: Seat) -> bool:
        return seat in self._seats

    def take(self, seat: Seat) -> None:
        """From now on this is the one to serve."""
        if seat in self._seats:
            self._seats.remove(seat)
        self._seats.append(seat)

    def leave(self, seat: Seat) -> None:
        self._seats.remove(seat)
        self._given.pop(seat, None)

    def clear(self) -> None:
        self._seats.clear()
        self._given.clear()

    def serve(self, source: Source | None, sink: Sink | None) -> None:
        """Give the devices' ends to whom they are due; one that stays is not given anew."""
        for seat in self._seats:
            last = seat is self._seats[-1]
            self._give(seat, (source, sink) if last else (None, None))

    def _give(self, seat: Seat, ends: tuple[Source | None, Sink | None]) -> None:
        before = self._given.get(seat, (None, None))
        self._given[seat] = ends
        if ends[0] is not before[0]:
            seat.seat_source(ends[0])
        if ends[1] is not before[1]:
            seat.seat_sink(ends[1])

"""Slots: legs are spread over the 20 ms, each slot with its own absolute deadline."""

class Schedule:
    def add(self, now_ns: int, card: bool = False, work_max_ns: int = 500_000) -> int:
        """A new leg: the slot it is in from now on."""

    def spread(self) -> None:
        """Before any leg: as without real-time priority."""

    def remove(self, index: int, card: bool = False) -> None: ...
    def worked(self, index: int, work_ns: int) -> None:
        """How long a turn of this slot took."""

    def is_near(self, now_ns: int) -> bool:
        """Whether a thread that is awake takes the next turn without sleeping before it."""

    def next_turn(self, now_ns: int) -> tuple[int, int, bool, int] | None:
        """(slot, deadline in ns, between two frames, frames skipped before it)."""

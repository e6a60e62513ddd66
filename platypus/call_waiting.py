"""One conversation at a time: whoever takes up a call puts the others on hold.

Only where the engine is asked to (`hold_others`): a person at a desk wants it, a
program that has several calls at once does not. A call that waits just rings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from platypus.events import CallState

if TYPE_CHECKING:
    from platypus.call import Call


def hold_others(calls: Iterable[Call], taken_up: Call) -> None:
    """Hold every answered call but the one that is taken up, and those held already."""
    for call in tuple(calls):
        held = call.hold_state in ("local", "both")
        if call is not taken_up and call.state is CallState.CONFIRMED and not held:
            call.hold()

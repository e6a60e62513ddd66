"""Whether a registrar still knows us, between two refreshes (RFC 3261, 10.2.4).

A server that is restarted breaks its connections, but over UDP everything looks as before: its
port answers, a keep-alive is welcome (RFC 5626, 4.4.2 proves that it lives, not that it
remembers), and nobody reaches us. So it is asked, by a refresh ahead of its time.

    shows that it knows us     its 200 to a REGISTER; an OPTIONS to our Contact, as PBXs ask
    for PATIENCE nothing does  asked
    doubt                      asked soon: it was silent, or answered 481 to what it should know
    an ICMP error              asked at once

Who calls a number that does not exist gets a 404 from the best of servers: that is no doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

# Three keep-alives: what phones behind routers are mostly set to register by. Spread, so that
# an office that came back together does not stay in step.
PATIENCE = 90.0
SPREAD = 0.8
# What was confirmed so lately is not doubted for a silence or a 481, which may be a peer's.
FRESH = 10.0


class Vouching:
    """Watches one registration; `ask(now)` has it refreshed."""

    __slots__ = ("_ask", "_shown", "_stack", "_timer")

    def __init__(self, stack: Stack, ask: Callable[[float], None]) -> None:
        self._stack = stack
        self._ask = ask
        self._shown = 0.0  # when the server showed last that it knows us
        self._timer: Timer | None = None

    def confirmed(self, flow: Flow, now: float) -> None:
        """It has granted a binding of `flow`."""
        self.stop()
        self._shown = now
        if flow.transport == "udp":
            self._wait(now)

    def heard(self, now: float) -> None:
        """It has asked for us where only the binding leads."""
        self._shown = now

    def doubt(self, now: float) -> None:
        """Something speaks against it."""
        if self._timer is not None and now - self._shown >= FRESH:
            self._ask(now)

    def stop(self) -> None:
        """There is no binding, or it is being asked for."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _wait(self, since: float) -> None:
        due = since + self._stack.uniform(SPREAD * PATIENCE, PATIENCE)
        self._timer = self._stack.timers.start(due, self._look)

    def _look(self, now: float) -> None:
        if now - self._shown < SPREAD * PATIENCE:
            self._wait(self._shown)
        else:
            self._timer = None
            self._ask(now)

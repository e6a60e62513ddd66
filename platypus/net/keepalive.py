"""Keep the way back through a NAT open (RFC 5626, sections 3.5.1 and 4.4).

Every flow of interest gets a double CRLF now and then. Over UDP nothing comes
back: this only keeps the router's table alive, and failure is noticed by the
registration. The STUN keep-alive with detection of a dead flow is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from platypus.sip.flow import Flow

PING = b"\r\n\r\n"
# RFC 5626, 4.4.2: between 24 and 29 s, as some routers forget a UDP mapping after 30 s.
LONGEST, SHORTEST = 29.0, 24.0


class Timer(Protocol):
    def cancel(self) -> None: ...


class KeepAlive:
    """Pings each flow that was added, one timer for all of them; none while there is no flow."""

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timer],
        send: Callable[[Flow, bytes], None],
        random: Callable[[int], bytes],
    ) -> None:
        self._call_later = call_later
        self._send = send
        self._random = random
        self._flows: dict[object, Flow] = {}
        self._timer: Timer | None = None

    def add(self, owner: object, flow: Flow) -> None:
        """Ping `flow` for `owner` until removed; a later flow of the same owner replaces it."""
        self._flows[owner] = flow
        if self._timer is None:
            self._arm()

    def remove(self, owner: object) -> None:
        self._flows.pop(owner, None)
        if not self._flows:
            self.close()

    def close(self) -> None:
        self._flows.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        spread = self._random(1)[0] / 255 * (LONGEST - SHORTEST)
        self._timer = self._call_later(SHORTEST + spread, self._ping)

    def _ping(self) -> None:
        self._arm()
        for flow in set(self._flows.values()):
            self._send(flow, PING)

"""A request too large for a datagram goes by TCP where it can (RFC 3261, 18.1.1).

Fragments of a large datagram are lost behind many a router, and nobody is told.
Where the far end takes no TCP the datagram is sent all the same, and TCP is not
tried there again for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from platypus.sip.flow import Hop

if TYPE_CHECKING:
    from platypus.sip.flow import Address, Flow
    from platypus.sip.message import Request
    from platypus.sip.stack import Stack
    from platypus.sip.timers import Timer

MAX_DATAGRAM = 1300  # 18.1.1, where the MTU of the path is not known
# A router that swallows the attempt must not hold a call up as long as a name server may.
PATIENCE = 4.0
REMEMBERED = 600.0  # seconds
MAX_REMEMBERED = 64  # a phone has a handful of next hops


class LargeUser(Protocol):
    """Whoever has a request that is too large."""

    def by_stream(self, request: Request, flow: Flow, now: float) -> None:
        """There is a connection: send it there."""

    def by_datagram(self, request: Request, flow: Flow, now: float) -> None:
        """There is none: send it as it was meant."""


class Refusals:
    """The addresses that took no TCP."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[Address, float] = {}

    def note(self, address: Address, now: float) -> None:
        """It has just been refused there."""
        if len(self._until) >= MAX_REMEMBERED:
            self._until.clear()
        self._until[address] = now + REMEMBERED

    def has(self, address: Address, now: float) -> bool:
        """Whether it was refused there lately."""
        return self._until.get(address, now) > now


class Oversized:
    """One request that waits for a connection to where its datagram would have gone."""

    __slots__ = ("_flow", "_guard", "_key", "_request", "_stack", "_user")

    def __init__(self, stack: Stack, request: Request, flow: Flow, user: LargeUser) -> None:
        self._stack = stack
        self._request = request
        self._flow = flow
        self._user = user
        self._key = 0
        self._guard: Timer | None = None

    def start(self, now: float) -> None:
        """Ask for a connection."""
        host, port = self._flow.remote
        self._key = self._stack.connect(Hop("tcp", host, port), self)
        self._guard = self._stack.timers.start(now + PATIENCE, self._took_too_long)

    def stop(self) -> None:
        """Nobody wants it sent any more."""
        self._stack.take_waiter(self._key)
        if self._guard is not None:
            self._guard.stop()

    def resolved(self, hops: list[Hop], now: float) -> None:
        """Not asked for."""

    def connected(self, flow: Flow, now: float) -> None:
        """The driver has a connection."""
        self.stop()
        self._user.by_stream(self._request, flow, now)

    def failed(self, reason: str, now: float) -> None:
        """The driver has none."""
        self.stop()
        self._stack.tcp_refusals.note(self._flow.remote, now)
        self._user.by_datagram(self._request, self._flow, now)

    def _took_too_long(self, now: float) -> None:
        self.failed("no connection in time", now)

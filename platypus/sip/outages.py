"""Hops that failed lately are tried last (RFC 3263, 4.3; RFC 3261, 21.5.4).

Silence costs a request 32 s. Whoever was silent, refused, or answered 503 comes after the
others for a while, or as long as it asked for by Retry-After; a response of any other kind
takes it back. Where nothing else is left it is tried all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platypus.sip.flow import Flow
from platypus.sip.grammar import parse_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platypus.sip.flow import Hop
    from platypus.sip.message import Response

    Place = tuple[str, str, int]  # transport, host, port

REMEMBERED = 120.0  # seconds, where it does not say itself
LONGEST = 3600.0
MAX_REMEMBERED = 64  # a phone has a handful of next hops


class Outages:
    """The places that failed, and until when they come last."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[Place, float] = {}

    def note(self, where: Hop | Flow, now: float, seconds: float = REMEMBERED) -> None:
        """It has just failed."""
        if len(self._until) >= MAX_REMEMBERED:
            self._until.clear()
        self._until[_place(where)] = now + seconds

    def note_refusal(self, where: Flow, response: Response, now: float) -> None:
        """It answered 503."""
        self.note(where, now, min(retry_after(response) or REMEMBERED, LONGEST))

    def over(self, where: Flow) -> None:
        """It answered."""
        if self._until:
            self._until.pop(_place(where), None)

    def forget(self) -> None:
        """Another network: what failed may have been the old one."""
        self._until.clear()

    def order(self, hops: Iterable[Hop], now: float) -> list[Hop]:
        """Those that are not known to fail first; else the order stays."""
        return sorted(hops, key=lambda hop: self._until.get(_place(hop), now) > now)


def retry_after(response: Response) -> int | None:
    """The seconds of a Retry-After (20.33), without its comment and parameters."""
    text = (response.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0]
    return parse_number(text.strip(), 2**32 - 1)


def _place(where: Hop | Flow) -> Place:
    if isinstance(where, Flow):
        return (where.transport, *where.remote)
    return (where.transport, where.host, where.port)

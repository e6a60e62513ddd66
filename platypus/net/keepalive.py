"""Keep the way back through a NAT open, and notice when it is gone (RFC 5626, 3.5 and 4.4).

    TCP, TLS   a double CRLF; `connection` misses the answer of a far end that gave one before
    UDP        a STUN binding request; a far end that knows no STUN gets a double CRLF from then
               on, which only keeps the router's table alive

A far end that answered by STUN and does so no more is gone; one that sees us at another
address is behind a router that has forgotten us. Both are told as a failed flow (4.4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from platypus.net.addresses import format_address
from platypus.sip.flow import Address, Flow

PING = b"\r\n\r\n"
# RFC 5626, 4.4.2: between 24 and 29 s, as some routers forget a UDP mapping after 30 s.
LONGEST, SHORTEST = 29.0, 24.0
# 4.4.1: a registrar that names a time hears from us between 80 and 100 % of it, within reason.
LEAST = 5.0
# Silence is one after 11.5 s: asked at 0, 0.5, 1.5 and 3.5 s, given up 8 s later.
REQUESTS = 4


class Timer(Protocol):
    def cancel(self) -> None: ...


Asked = Callable[[Address | None, str], None]


@dataclass(slots=True)
class _Way:
    """What is known of one flow."""

    flow: Flow
    every: int | None
    stun: bool  # whether to ask by STUN
    seen: Address | None = None  # where the far end saw us


class KeepAlive:
    """Pings the flow of each owner, one timer for all of them; none while there is no flow.

    `ask(flow, done, requests)` asks the far end by STUN; `failed(flow, reason, seen)` is told
    what came of it, with the new address where there is one.
    """

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timer],
        send: Callable[[Flow, bytes], None],
        random: Callable[[int], bytes],
        *,
        ask: Callable[[Flow, Asked, int], None] | None = None,
        failed: Callable[[Flow, str, Address | None], None] | None = None,
    ) -> None:
        self._call_later = call_later
        self._send = send
        self._random = random
        self._ask = ask
        self._failed = failed
        self._ways: dict[object, _Way] = {}
        self._timer: Timer | None = None

    @property
    def flows(self) -> set[Flow]:
        """Those that are kept alive."""
        return {way.flow for way in self._ways.values()}

    def add(self, owner: object, flow: Flow, every: int | None = None) -> None:
        """Ping `flow` for `owner` until removed; a later flow of the same owner replaces it.

        `every` are the seconds after which the far end wants to have heard from us.
        """
        known = self._ways.get(owner)
        if known is not None and known.flow == flow:
            known.every = every
        else:
            stun = flow.transport == "udp" and self._ask is not None
            self._ways[owner] = _Way(flow, every, stun)
        if self._timer is None:
            self._arm()

    def remove(self, owner: object) -> None:
        self._ways.pop(owner, None)
        if not self._ways:
            self.close()

    def close(self) -> None:
        self._ways.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        spread = self._random(1)[0] / 255
        wait = SHORTEST + spread * (LONGEST - SHORTEST)
        wishes = [way.every for way in self._ways.values() if way.every]
        if wishes:
            wait = min(wait, max(LEAST, min(wishes) * (0.8 + 0.2 * spread)))
        self._timer = self._call_later(wait, self._ping)

    def _ping(self) -> None:
        self._arm()
        pinged: set[Flow] = set()
        for owner, way in tuple(self._ways.items()):
            if way.flow in pinged:
                continue
            pinged.add(way.flow)
            if way.stun and self._ask is not None:
                self._ask(way.flow, partial(self._answered, owner, way), REQUESTS)
            if way.seen is None:
                self._send(way.flow, PING)

    def _answered(self, owner: object, way: _Way, seen: Address | None, why: str) -> None:
        if self._ways.get(owner) is not way or self._failed is None:
            return
        before, way.seen = way.seen, seen
        if seen is None and before is None:
            way.stun = False  # a PBX as most are
        elif seen is None:
            where = format_address(way.flow.remote)
            self._failed(way.flow, f"{where} does not answer any more ({why})", None)
        elif before is not None and before != seen:
            changed = f"from {format_address(before)} to {format_address(seen)}"
            self._failed(way.flow, f"the address we are seen at changed {changed}", seen)

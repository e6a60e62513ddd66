"""The signalling machine as whoever drives it sees it: time, flows and bytes in, effects out.

    driver     receive, resolved, connected, failed, handle_timeout  ->  machine
    machine    effects, next_timeout                                 ->  driver
    driver     lost, reachable, woke, seen_at, doubt                 ->  machine

Nothing here raises for what the network does. What a user asks of it is `user_agent`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from platypus.sip.flow import Address, Effect, Flow, Hop
from platypus.sip.inbound import Inbound
from platypus.sip.recovering import lose, reach, wake
from platypus.sip.replying import reroute
from platypus.sip.settings import UserAgentSettings
from platypus.sip.stack import Stack

if TYPE_CHECKING:
    from platypus.sip.events import Event


class Machine:
    """One user agent (RFC 3261), without sockets or clock."""

    def __init__(
        self, *, random: Callable[[int], bytes], settings: UserAgentSettings | None = None
    ) -> None:
        self.settings = settings or UserAgentSettings()
        self._stack = Stack(random=random, settings=self.settings)
        self._inbound = Inbound(self._stack)

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One message from the network; garbage is counted in `dropped`."""
        self._inbound.receive(data, flow, now)

    def resolved(self, key: int, hops: list[Hop], now: float) -> None:
        """The answer to a Resolve: where to try, in order."""
        waiter = self._stack.take_waiter(key)
        if waiter is not None:
            waiter.resolved(hops, now)

    def connected(self, key: int, flow: Flow, now: float) -> None:
        """The answer to a Connect."""
        waiter = self._stack.take_waiter(key)
        if waiter is not None:
            waiter.connected(flow, now)

    def failed(self, key_or_flow: int | Flow, reason: str, now: float) -> None:
        """A Resolve or Connect failed, or a flow broke; `reason` is a sentence."""
        if isinstance(key_or_flow, Flow):
            self._stack.flow_failed(key_or_flow, reason, now)
            if key_or_flow.transport != "udp":
                reroute(self._stack, key_or_flow, now)
            return
        waiter = self._stack.take_waiter(key_or_flow)
        if waiter is not None:
            waiter.failed(reason, now)

    @property
    def flows(self) -> set[Flow]:
        """Those that registrations and calls count on: whether they live is the driver's to see."""
        return self._stack.flows

    def lost(self, flow: Flow, reason: str, now: float, *, heard: bool = False) -> None:
        """`flow` is no more: our address is another one, or there is no network.

        Its registrations have failed until they are made anew; its calls are moved, and those
        that nobody has answered made again. With `heard` what is sent to the old address still
        comes, so that these may go on.
        """
        lose(self._stack, flow, reason, now, heard=heard)

    def doubt(self, flow: Flow, now: float) -> None:
        """Something speaks against it that the far end of `flow` still knows us."""
        self._stack.doubt(flow, now)

    def is_seen(self, flow: Flow) -> bool:
        """Whether it is known where the far end of `flow` sees us."""
        return self._stack.seen.is_known(flow)

    def seen_at(self, flow: Flow, address: Address) -> None:
        """By a STUN server's word: what the Contact of whatever goes by `flow` will be."""
        self._stack.seen.note(flow, address)

    def reachable(self, now: float) -> None:
        """There may be a network again: what waits to be tried again is tried now."""
        reach(self._stack, now)

    def woke(self, now: float) -> None:
        """Time went on without us: what is due is done, and every binding and call is checked."""
        wake(self._stack, now)

    def effects(self) -> list[Effect]:
        """What the driver has to do, in order; each is handed out once."""
        waiting = self._stack.effects
        effects = waiting.copy()
        waiting.clear()  # what lasts is not made anew, see `Stack._rest`
        return effects

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is wanted; None if no timer runs."""
        return self._stack.timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Fire the timers that are due."""
        self._stack.timers.handle_timeout(now)

    def next_event(self) -> Event | None:
        """The oldest event not told yet."""
        events = self._stack.events
        return events.popleft() if events else None

    @property
    def idle(self) -> bool:
        """Whether nothing that was sent or asked for still waits for an answer."""
        return self._stack.idle

    @property
    def dropped(self) -> int:
        """Messages that were no SIP, broke its grammar, or that nobody waited for."""
        return self._inbound.dropped

    @property
    def timers(self) -> int:
        """Timers running: none when nothing is going on."""
        return len(self._stack.timers)

    @property
    def transactions(self) -> int:
        """Transactions of both kinds, lingering ones included."""
        return len(self._stack.clients) + len(self._stack.servers)

    @property
    def usages(self) -> int:
        """Subscriptions alive, ours and others'."""
        return len(self._stack.usages)

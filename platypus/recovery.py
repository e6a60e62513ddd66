"""Notice by ourselves that the network or the time is not what it was, and have that repaired.

    netlink, or a look every few seconds  ->  which flows are lost, and is there a network again
    the clock was set, as after a sleep   ->  was it one?
    the clock's jump, seen at any of them ->  the machine slept: what is due is done, all is checked
    a keep-alive without an answer        ->  this flow is lost, or leads through another router

What follows is the machine's: registrations made anew, calls moved (`sip.registration`,
`sip.moving`). Nothing is decided here but that something happened.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from platypus.clock import SleepWatch
from platypus.net.addresses import format_address
from platypus.net.changes import NetworkChanges
from platypus.net.resumed import Resumed

if TYPE_CHECKING:
    from collections.abc import Callable

    from platypus.net.transport import Transport
    from platypus.public_address import PublicAddress
    from platypus.pump import Pump
    from platypus.sip.flow import Address, Flow
    from platypus.sip.user_agent import UserAgent

logger = logging.getLogger("platypus.net")

# How late a sleep may be noticed, and elsewhere than on Linux a change of address.
LOOK_EVERY = 5.0
# Where the system tells of changes: a lid that opens brings some, and waking up is what an idle
# phone's time goes to.
LOOK_SELDOM = 15.0
# A far end that got no answer to its keep-alives meanwhile, or a router between, has given a
# connection up by then; to find that out takes longer than to open another.
LONG_SLEEP = 30.0
MAX_PLACES = 32
# Where the default routes lead (RFC 5737, RFC 3849): nothing is ever sent there.
_ANYWHERE: tuple[Address, ...] = (("192.0.2.1", 9), ("2001:db8::1", 9))


class Recovery:
    """Looks after the flows of one engine while it runs."""

    def __init__(self, user_agent: UserAgent, pump: Pump) -> None:
        self._user_agent = user_agent
        self._pump = pump
        self._transport: Transport = pump.transport
        self._places: dict[Address, str | None] = dict.fromkeys(_ANYWHERE)
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changes: NetworkChanges | None = None
        self._resumed: Resumed | None = None  # from the first look on: the start is short
        self.public: PublicAddress | None = None
        self._sleep: SleepWatch | None = None

    def start(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        """The sockets are open."""
        self._loop = loop
        self._changes = NetworkChanges(loop, self._told)
        self._sleep = SleepWatch(clock, loop.time)
        self._places = {place: self._transport.source_for(place) for place in _ANYWHERE}
        self._arm()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._changes is not None:
            self._changes.close()
            self._changes = None
        if self._resumed is not None:
            self._resumed.close()

    def pause(self) -> None:
        """No timer of ours until `resume`: what sleeps in between is noticed then."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def resume(self) -> None:
        """Go on, unless closed meanwhile."""
        if self._changes is not None and self._timer is None:
            self._arm()

    def look(self) -> None:
        """Something changed: find out what of it is ours."""
        self._transport.forget_routes()
        if self.public is not None:
            self.public.forget()
        flows = self._user_agent.flows
        lost = {flow: why for flow in flows if (why := self._transport.why_lost(flow)) is not None}
        if self._sources_changed(flows) or lost:
            self._pump.forget_names()
            for flow, why in lost.items():
                self.flow_lost(flow, why)
            self._user_agent.reachable(self._pump.now())
            self._pump.run()

    def flow_lost(self, flow: Flow, why: str, seen: Address | None = None) -> None:
        """Nothing comes through it any more; `seen` is where its far end sees us now."""
        logger.info("lost the way to %s: %s", format_address(flow.remote), why)
        if seen is not None:
            self._transport.drop_opened(why)  # the router has forgotten these as well
        heard = seen is None and self._transport.is_heard_at(flow)
        self._user_agent.lost(flow, why, self._pump.now(), heard=heard)
        if seen is not None:
            self._user_agent.seen_at(flow, seen)
        self._transport.drop(flow, why)
        self._pump.run()

    def _sources_changed(self, flows: set[Flow]) -> bool:
        """Whether some place we have to do with is reached from another address than before."""
        known = self._places
        for flow in flows:
            known.setdefault(flow.remote, flow.local[0])
        now = {place: self._transport.source_for(place) for place in known}
        changed = now != known
        while len(now) > MAX_PLACES:
            now.pop(next(place for place in now if place not in _ANYWHERE))
        self._places = now
        return changed

    def _arm(self) -> None:
        assert self._loop is not None and self._sleep is not None  # noqa: S101 - started
        assert self._changes is not None  # noqa: S101 - started
        wait = LOOK_SELDOM if self._changes.watching else LOOK_EVERY
        self._sleep.expect(wait)
        self._timer = self._loop.call_later(wait, self._tick)

    def _tick(self) -> None:
        assert self._changes is not None and self._loop is not None  # noqa: S101 - started
        if self._resumed is None:
            self._resumed = Resumed(self._loop, self._slept)
        slept = self._slept()
        self._arm()
        if not slept and not self._changes.watching:
            self.look()

    def _told(self) -> None:
        """The system says that something changed; after a sleep much has."""
        if not self._slept():
            self.look()

    def _slept(self) -> bool:
        """Whether nothing ran for a while; then all is asked anew."""
        assert self._sleep is not None  # noqa: S101 - started
        slept = self._sleep.slept()
        if slept:
            logger.info("nothing ran for %.0f s: asking the servers and the calls anew", slept)
            if slept > LONG_SLEEP:
                self._transport.drop_opened(f"nothing ran for {slept:.0f} s")
            self.look()
            self._pump.wake()
        return bool(slept)

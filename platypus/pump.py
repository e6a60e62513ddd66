"""The one place where the signalling machine meets sockets and the clock.

    datagram -> receive() -+                        +-> Send    -> transport
    timer    -> _on_timer -+-> UserAgent -> run() --+-> Resolve -> resolver
    a call's method -------+                        +-> events  -> deliver()

`run` drains effects and events until there are none and re-arms one timer. What
it delivers may call it again: the outermost run does the work.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal

from platypus.clock import awake_and_asleep
from platypus.errors import NetworkError
from platypus.net.addresses import format_address
from platypus.net.transport import Transport
from platypus.sip.flow import Address, Close, Connect, Flow, Hop, Resolve, Send
from platypus.waiting import log_failure

if TYPE_CHECKING:
    from platypus.net.resolver import Resolver
    from platypus.net.tls import TlsSettings
    from platypus.sip.events import Event
    from platypus.sip.user_agent import UserAgent

logger = logging.getLogger("platypus.sip")
NEVER = float("inf")


class Pump:
    """Drives `user_agent` over `transport`.

    `deliver(event)` gets each event; `done()` is called when nothing is left to do.
    """

    def __init__(
        self,
        user_agent: UserAgent,
        deliver: Callable[[Event], None],
        done: Callable[[], None],
        *,
        tls: TlsSettings | None = None,
    ) -> None:
        self._user_agent = user_agent
        self._deliver = deliver
        self._done = done
        self.transport = Transport(self.receive, self.failed, self.rested, tls=tls)
        self.clock = awake_and_asleep()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._tasks: set[asyncio.Task[None]] = set()
        self._resolver: Resolver | None = None
        # Where a UDP flow is seen by somebody who was asked, where that is wanted.
        self.seen_from: Callable[[Flow], Coroutine[Any, Any, Address | None]] | None = None
        self.trace: Callable[[str, Flow, bytes], None] | None = None  # who reads every message
        self._running = self._reading = False
        self._afterwards: list[Callable[[], None]] = []

    async def open(
        self, host: str, port: int, *, transport: Literal["udp", "tcp", "tls"] = "udp"
    ) -> None:
        self._loop = asyncio.get_running_loop()
        await self.transport.open(host, port, transport=transport)

    def now(self) -> float:
        """The clock of the machine: seconds that only ever grow, asleep too."""
        return self.clock()

    def receive(self, data: bytes, flow: Flow) -> None:
        if self.trace is not None:
            self.trace("<", flow, data)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("< %s from %s", first_line(data), format_address(flow.remote))
        self._reading = True
        self._user_agent.receive(data, flow, self.now())
        self.run()

    def rested(self) -> None:
        """Nothing more has come meanwhile."""
        self._reading = False
        self._finish()

    def failed(self, flow: Flow, reason: str) -> None:
        logger.debug("failed: %s", reason)
        self._user_agent.failed(flow, reason, self.now())
        self.run()

    def run(self) -> None:
        """Carry out what the machine wants, tell what happened, and re-arm the timer."""
        if self._loop is None:
            return
        if self._running:
            return  # the outermost goes on until there is nothing left
        self._running = True
        try:
            self._drain()
        finally:  # a fault of ours in one event must not stop the clock for all calls
            self._running = False
            self._arm()
            if not self._reading:
                self._finish()
        self._done()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back when all that has come is dealt with; where nothing has, in the next turn."""
        if self._running or self._reading:
            self._afterwards.append(callback)
        else:
            asyncio.get_running_loop().call_soon(callback)

    def wake(self) -> None:
        """The machine slept, and the loop's timer with it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, NEVER
        self._user_agent.woke(self.now())
        self.run()

    def forget_names(self) -> None:
        """Another network has other name servers, which may say other things."""
        if self._resolver is not None:
            self._resolver.forget()

    def close(self) -> None:
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._resolver is not None:
            self._resolver.close()
        self.transport.close()

    def _finish(self) -> None:
        waiting = self._afterwards
        if waiting:
            self._afterwards = []
            for callback in waiting:
                callback()

    def _drain(self) -> None:
        """Until neither effects nor events are left: each may bring forth the other."""
        agent = self._user_agent
        while True:
            effects = agent.effects()
            for effect in effects:
                match effect:
                    case Send():  # by name: CPython makes a string for each positional pattern
                        self._send(effect.flow, effect.data)
                    case Resolve(key, uri):
                        self._resolve(key, uri)
                    case Connect(key, hop):
                        self._connect(key, hop)
                    case Close(flow):
                        self.transport.close_flow(flow)
            event = agent.next_event()
            if event is not None:
                self._deliver(event)
            elif not effects:
                return

    def _send(self, flow: Flow, data: bytes) -> None:
        if self.trace is not None:
            self.trace(">", flow, data)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("> %s to %s", first_line(data), format_address(flow.remote))
        self.transport.send(flow, data)

    def _connect(self, key: int, hop: Hop) -> None:
        try:
            flow = self.transport.connect(hop)
        except NetworkError as problem:
            self._user_agent.failed(key, str(problem), self.now())
            return
        ask = self.seen_from is not None and hop.transport == "udp"
        if flow is not None and not ask:
            self._user_agent.connected(key, flow, self.now())
        else:
            self._start(self._establish(key, hop))

    async def _establish(self, key: int, hop: Hop) -> None:
        try:
            flow = await self.transport.establish(hop)
        except NetworkError as problem:
            self._user_agent.failed(key, str(problem), self.now())
        else:
            if self.seen_from is not None and flow.transport == "udp":
                seen = await self.seen_from(flow)
                if seen is not None and not self._user_agent.is_seen(flow):
                    self._user_agent.seen_at(flow, seen)
            self._user_agent.connected(key, flow, self.now())
        self.run()

    def _resolve(self, key: int, uri: str) -> None:
        from platypus.net.resolver import resolve_numeric

        try:
            hops = resolve_numeric(uri)
        except NetworkError as problem:
            self._user_agent.failed(key, str(problem), self.now())
            return
        if hops is not None:
            self._user_agent.resolved(key, hops, self.now())
            return
        self._start(self._look_up(key, uri))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what takes a while without holding anything up."""
        assert self._loop is not None  # noqa: S101 - run() checked
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(log_failure)

    async def addresses(self, host: str) -> list[str]:
        """Of a host that is named elsewhere than in a URI. Raises NetworkError."""
        return await self._names().addresses(host)

    def _names(self) -> Resolver:
        from platypus.net.resolver import Resolver

        if self._resolver is None:
            self._resolver = Resolver(os.urandom, families=self.transport.families)
        return self._resolver

    async def _look_up(self, key: int, uri: str) -> None:
        try:
            hops = await self._names().resolve(uri)
        except NetworkError as problem:
            self._user_agent.failed(key, str(problem), self.now())
        else:
            self._user_agent.resolved(key, hops, self.now())
        self.run()

    def _arm(self) -> None:
        """One timer. One that is too early is left: it costs less than moving it each time."""
        when = self._user_agent.next_timeout()
        if when is None or self._loop is None or self._timer_at <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_later(when - self.now(), self._on_timer)

    def _on_timer(self) -> None:
        # asyncio may call a clock tick early, and its clock is another one; the machine must not
        # see a time before its own.
        now = max(self.now(), self._timer_at)
        self._timer, self._timer_at = None, NEVER
        self._user_agent.handle_timeout(now)
        self.run()


def first_line(data: bytes) -> str:
    """The start line of a message for the log, cut and made printable, no password in its URI."""
    line = data[: data.find(b"\r\n") + 1 or 200][:200].decode("utf-8", "replace").strip()
    at = line.find("@")
    colon = line.find(":", line.find(":") + 1)
    if 0 <= colon < at and not line.startswith("SIP/2.0"):
        line = f"{line[:colon]}:***{line[at:]}"
    return "".join(each if each.isprintable() else "?" for each in line)

"""An engine as its own parts know it: the loop, the clock, the pump, and what is told.

Started and closed here; which sockets, what is sent over them and what the
signalling says of it is `pump`'s and `dispatch`'s. People hold an `Engine`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from platypus.delivery import Delivery, EventStream
from platypus.errors import ConfigError, StateError
from platypus.events import ErrorOccurred, Event
from platypus.net.addresses import format_address
from platypus.public_address import PublicAddress
from platypus.pump import Pump
from platypus.recovery import Recovery
from platypus.sip import events as sip
from platypus.sip.user_agent import UserAgent
from platypus.waiting import Change

if TYPE_CHECKING:
    from platypus.net.tls import TlsSettings
    from platypus.sip.flow import Flow
    from platypus.sip.settings import UserAgentSettings

logger = logging.getLogger("platypus.engine")

# Somebody waits 2 s for a program to quit, and the media and a sound card take their part.
LEAVE_TIMEOUT = 1.7
NOT_RUNNING = "the engine is not running: use it inside `async with Engine() ...`"


class Core:
    """Runs on the asyncio loop that enters it; `async with` starts and closes it."""

    def __init__(
        self,
        settings: UserAgentSettings,
        *,
        listen: tuple[str, int],
        transport: Literal["udp", "tcp", "tls"],
        tls: TlsSettings | None,
    ) -> None:
        if transport not in ("udp", "tcp", "tls"):
            raise ConfigError(f"transport is udp, tcp or tls, not {transport!r}")
        self.user_agent = UserAgent(random=os.urandom, settings=settings)
        self.transport: Literal["udp", "tcp", "tls"] = transport
        self.quiet = Change()  # after whatever the signalling did
        self._bind = listen
        self._pump = Pump(self.user_agent, self._receive, self.quiet.notify, tls=tls)
        self.recovery = Recovery(self.user_agent, self._pump)
        self._delivery = Delivery()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' '.join(self.listen) or 'closed'}>"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Bind the sockets. Raises NetworkError, ConfigError, MediaError, AudioFileError."""
        if self._loop is not None or self._leaving:
            raise StateError("an engine is entered once; make another one")
        await self._prepare()
        await self._pump.open(*self._bind, transport=self.transport)
        self._loop = asyncio.get_running_loop()
        self.recovery.start(self._loop, self._pump.now)
        self._started()

    async def close(self, timeout: float = LEAVE_TIMEOUT) -> None:  # noqa: ASYNC109
        """Hang up and unregister, and wait at most `timeout` seconds for the answers."""
        if self._loop is None:
            self._leaving = True
            self._delivery.close()
            return
        if not self._leaving:
            self._leaving = True
            try:
                await self._leave(timeout)
            finally:
                self._shut()
                self.recovery.close()
                self._pump.close()
                self._loop = None
                self._delivery.close()

    @property
    def running(self) -> bool:
        """Whether its sockets are open."""
        return self._loop is not None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The asyncio loop that entered it. Raises StateError before and after."""
        if self._loop is None:
            raise StateError(NOT_RUNNING)
        return self._loop

    @property
    def leaving(self) -> bool:
        """No new calls: the engine is on its way out."""
        return self._leaving

    @property
    def listen(self) -> list[str]:
        """Where it can be reached: `["udp:127.0.0.1:5070"]`."""
        return self._pump.transport.listen

    @property
    def address(self) -> tuple[str, int]:
        """What the socket is bound to; the host may be 0.0.0.0."""
        return self._pump.transport.address

    def events(self) -> EventStream:
        """Everything that happens from now on, until the engine is closed."""
        return self._delivery.stream()

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """`callback(event)` at once, on this loop; call what is returned to end it."""
        return self._delivery.subscribe(callback)

    def trace(self, callback: Callable[[str, str, bytes], None] | None) -> None:
        """`callback(direction, peer, message)` for every SIP message; None ends it.

        The direction is `<` or `>`, the peer `udp:192.0.2.1:5060`. What it gets is as it is
        sent: whoever shows it takes out what is secret (`platypus.diagnose.redacted`).
        """
        if callback is None:
            self._pump.trace = None
            return

        def seen(direction: str, flow: Flow, data: bytes) -> None:
            peer = f"{flow.transport}:{format_address(flow.remote)}"
            try:
                callback(direction, peer, data)
            except Exception:
                logger.exception("a reader of the messages raised; the phone goes on")

        self._pump.trace = seen

    def when_quiet(self, callback: Callable[[], None]) -> None:
        """`callback()` soon, when all is told that comes together: for whoever passes it on."""
        self._pump.when_done(callback)

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        self._delivery.publish(event)

    def now(self) -> float:
        """The clock the signalling runs by. Raises StateError before and after."""
        if self._loop is None:
            raise StateError(NOT_RUNNING)
        return self._pump.now()

    def pump(self) -> None:
        """Carry out what the signalling wants, after something was asked of it."""
        self._pump.run()

    async def addresses(self, host: str) -> list[str]:
        """What the name servers say of a host. Raises NetworkError."""
        return await self._pump.addresses(host)

    def _ask(self, stun: tuple[str, int] | None) -> PublicAddress | None:
        """Have a STUN server asked where others see us."""
        if stun is None:
            return None
        tell = lambda why: self.publish(ErrorOccurred(why))  # noqa: E731
        public = PublicAddress(stun, self._pump.transport, tell)
        self._pump.seen_from = public.of_flow
        self.recovery.public = public
        return public

    def _receive(self, event: sip.Event) -> None:
        """What the signalling tells."""
        raise NotImplementedError

    async def _prepare(self) -> None:
        """Say what is wrong with the options before anything is opened."""

    def _started(self) -> None:
        """The sockets are open."""

    async def _leave(self, timeout: float) -> None:  # noqa: ASYNC109 - bounded
        """Say goodbye, at most `timeout` seconds long; never raises for the network."""

    def _shut(self) -> None:
        """Let go of everything but the sockets."""

"""One TCP or TLS connection: bytes in, whole messages out (RFC 3261, 18.3; RFC 5626, 3.5.1).

It answers pings and notices that the far end is gone: a ping nobody answers, where
pings were answered before; data the system can't get rid of. It keeps the times that
`stream` decides by, and is told there when it is opened and when it ended.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import Protocol

from platypus.errors import NetworkError, ProtocolError
from platypus.net.addresses import describe, format_address
from platypus.sip.flow import Address, Flow
from platypus.sip.framing import PING, PONG, StreamFramer

logger = logging.getLogger("platypus.net")

# RFC 5626, 4.4.1: without an answer to a ping within 10 s the flow has failed.
PONG_TIMEOUT = 10.0
# Signalling that is half a minute late is worth nothing: a call's transaction is over by then.
WRITE_TIMEOUT = 30.0
# Someone who connects has a reason; who says nothing whole for so long is not let stay.
FIRST_MESSAGE_TIMEOUT = 30.0
# Longer than a call rings (timer C of a proxy is 3 min) without a word on the connection.
IDLE_TIMEOUT = 900.0
# Four of the largest messages. More waits only where the far end has stopped reading.
MAX_UNSENT = 262_144

_TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)
# The system's own probes, for where nothing of ours is under way: after 60 s, 3 of them.
_PROBES = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class ConnectionUser(Protocol):
    """Whoever keeps the connections."""

    def opened(self, connection: Connection) -> None:
        """It can be used. Raises NetworkError if it must not be."""

    def received(self, connection: Connection, message: bytes) -> None:
        """One whole message."""

    def ended(self, connection: Connection, reason: str) -> None:
        """Nothing goes over it any more; `reason` is empty where we closed it ourselves."""

    def describe(self, error: ssl.SSLError) -> str:
        """Why TLS broke, in a few words."""


class Connection(asyncio.Protocol):
    """`flow` is set once it is open. `name` is whom the far end was proved to be."""

    def __init__(
        self,
        user: ConnectionUser,
        loop: asyncio.AbstractEventLoop,
        number: int,
        *,
        secure: bool = False,
        accepted: bool = False,
        name: str = "",
        advertised_port: int = 0,
    ) -> None:
        self.accepted = accepted
        self.name = name
        self.flow: Flow | None = None
        self.opened_at = self.received_at = self.used_at = loop.time()
        self.messages = 0  # whole ones that came
        self._user = user
        self._loop = loop
        self._number = number
        self._secure = secure
        self._advertised_port = advertised_port
        self._framer = StreamFramer(accepted=accepted)
        self._transport: asyncio.Transport | None = None
        self._pinged_at: float | None = None
        self._ponged = False  # whether the far end answers pings at all
        self._stuck_since: float | None = None
        self._reason: str | None = None  # why it ended
        self.refusal: NetworkError | None = None  # why it could not be used at all

    @property
    def certificate(self) -> bytes | None:
        """What the far end showed, as DER; None without TLS."""
        channel = self._transport and self._transport.get_extra_info("ssl_object")
        return channel.getpeercert(binary_form=True) if channel else None

    @property
    def remote(self) -> Address:
        return self.flow.remote if self.flow is not None else ("", 0)

    def send(self, data: bytes) -> None:
        """Write, or end the connection if the far end has stopped reading."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        self.used_at = self._loop.time()
        if data == PING and self._pinged_at is None:
            self._pinged_at = self.used_at
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self.abort(f"{format_address(self.remote)} does not read what is sent to it")

    def close(self, reason: str = "") -> None:
        """End it after what was written; whoever keeps it is told at once."""
        self._end(reason)
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str = "") -> None:
        """End it now."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def overdue(self, now: float) -> str | None:
        """Why it should be ended by now; None where it may stay."""
        where = format_address(self.remote)
        if self._ponged and self._pinged_at is not None and now - self._pinged_at > PONG_TIMEOUT:
            return f"{where} does not answer any more; the connection is dead"
        if self._stuck_since is not None and now - self._stuck_since > WRITE_TIMEOUT:
            return f"{where} does not read what is sent to it"
        silent = self.accepted and not self.messages
        if silent and now - self.opened_at > FIRST_MESSAGE_TIMEOUT:
            return f"{where} connected and sent no message"
        if now - max(self.received_at, self.used_at) > IDLE_TIMEOUT:
            return f"{where}: the connection was not used any more"
        return None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's word
        self._transport = transport
        watch(transport.get_extra_info("socket"))
        local, remote = (transport.get_extra_info(each) for each in ("sockname", "peername"))
        if not local or not remote:  # it was broken before we were told of it
            self.abort("the far end broke the connection")
            return
        ours = (local[0], self._advertised_port or local[1])
        kind = "tls" if self._secure else "tcp"
        self.flow = Flow(kind, ours, (remote[0], remote[1]), self._number)  # type: ignore[arg-type]
        try:
            self._user.opened(self)
        except NetworkError as problem:
            self.refusal = problem
            self.abort()

    def data_received(self, data: bytes) -> None:
        if self._reason is not None:
            return
        self.received_at = self._loop.time()
        self._pinged_at = None  # whatever it says, it lives
        self._framer.feed(data)
        try:
            for frame in self._framer:
                self._take(frame)
                if self._reason is not None:
                    return
        except ProtocolError as problem:
            where = format_address(self.remote)
            self.close(f"{where} sent what can't be followed: {problem}")

    def eof_received(self) -> bool:
        return False  # RFC 3261, 18: a half-closed connection is of no use; close it

    def pause_writing(self) -> None:
        self._stuck_since = self._loop.time()

    def resume_writing(self) -> None:
        self._stuck_since = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._describe(exc))
        self._transport = None

    def _take(self, frame: bytes) -> None:
        if frame == PING:
            self.send(PONG)
        elif frame == PONG:
            self._ponged = True
        else:
            self.messages += 1
            self._user.received(self, frame)

    def _end(self, reason: str) -> None:
        if self._reason is None:
            self._reason = reason
            self._user.ended(self, reason)

    def _describe(self, exc: Exception | None) -> str:
        where = format_address(self.remote)
        if exc is None:
            return f"{where} closed the connection"
        if isinstance(exc, ssl.SSLError):
            return f"{where}: {self._user.describe(exc)}"
        if isinstance(exc, OSError):
            return describe(exc, self.remote)
        return f"{where}: the connection was broken"


def watch(sock: socket.socket) -> None:
    """Have the system notice a far end that is gone."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES:
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    if _TCP_USER_TIMEOUT is not None:
        # What was sent and is not acknowledged ends the connection; Linux tries for 15 min.
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, int(WRITE_TIMEOUT * 1000))

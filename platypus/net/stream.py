"""Connections over TCP and TLS: opened, accepted, reused, ended (RFC 3261, 18; RFC 5923).

    connect(hop) -> one that is there, or under way, or a new one
    listen()     -> those that others open; answers and requests go back on them

Which connection a message goes by is said by its flow's number. One to the same place for
the same name is used again; one that was accepted only for the very address it came from.
A connection that ends is told as a failed flow. It resolves nothing and retries nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import ssl
import sys
from collections.abc import Callable

from platypus.errors import NetworkError, PlatypusError
from platypus.net.addresses import WILDCARDS, describe, family_of, format_address, why_not_bound
from platypus.net.connection import Connection
from platypus.net.tls import HANDSHAKE_TIMEOUT, Tls
from platypus.sip.flow import Address, Flow, Hop, Transport

logger = logging.getLogger("platypus.net")

# Three SYNs (after 0, 1 and 3 s) were lost by then; the next hop should have its turn.
CONNECT_TIMEOUT = 5.0
# A phone has a few. Who calls the whole world from one engine keeps these many open at a time.
MAX_OPENED = 256
# File descriptors are finite, and anybody may connect.
MAX_ACCEPTED = 512
BACKLOG = 128
# One timer for all connections. What it looks for lasts 10 s and more.
SWEEP_INTERVAL = 5.0

_Place = tuple[Transport, str, int, str]


class Streams:
    """Every connection of one engine.

    `receive(message, flow)` and `failed(flow, reason)` are called on the loop.
    """

    def __init__(
        self,
        receive: Callable[[bytes, Flow], None],
        failed: Callable[[Flow, str], None],
        tls: Tls,
    ) -> None:
        self._receive = receive
        self._failed = failed
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._connections: dict[int, Connection] = {}
        self._places: dict[_Place, Connection] = {}
        self._opening: dict[_Place, asyncio.Task[Flow]] = {}
        self._servers: list[asyncio.Server] = []
        # Where we listen, which is where others open connections to us.
        self._ports: dict[tuple[Transport, socket.AddressFamily], int] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    async def listen(self, sock: socket.socket, *, secure: bool = False) -> None:
        """Accept connections on a bound socket. Raises ConfigError, NetworkError."""
        context = self._tls.server_context() if secure else None
        if secure and context is None:
            raise NetworkError("to listen for TLS a certificate and its key are needed")
        port = sock.getsockname()[1]
        server = await self._loop.create_server(
            lambda: self._new(accepted=True, secure=secure, advertised_port=port),
            sock=sock,
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if context else None,
        )
        self._servers.append(server)
        self._ports["tls" if secure else "tcp", sock.family] = port

    def find(self, hop: Hop) -> Flow | None:
        """The flow of a connection that serves `hop` already."""
        connection = self._places.get(_place(hop))
        if connection is None and hop.name in ("", hop.host):
            # A phone behind a router is reached only by the connection it opened (RFC 5626, 5.3).
            connection = self._places.get((hop.transport, hop.host, hop.port, ""))
        return connection.flow if connection is not None else None

    async def connect(self, hop: Hop, source: str = "") -> Flow:
        """The flow of a connection to `hop`, opened from `source` if there is none yet.

        Raises NetworkError, with a sentence.
        """
        flow = self.find(hop)
        if flow is not None:
            return flow
        place = _place(hop)
        task = self._opening.get(place)
        if task is None:
            task = self._loop.create_task(self._open(hop, source))
            self._opening[place] = task
            task.add_done_callback(lambda _: self._opening.pop(place, None))
        # Shielded: who waits may give up, and others wait for the same connection.
        return await asyncio.shield(task)

    def send(self, flow: Flow, data: bytes) -> None:
        """Write to the connection of `flow`; a failure is told by `failed`."""
        connection = self._connections.get(flow.number)
        if connection is None or connection.flow is None:
            where = format_address(flow.remote)
            self._loop.call_soon(self._failed, flow, f"the connection with {where} is closed")
        else:
            connection.send(data)

    def is_ours_to_open(self, flow: Flow) -> bool:
        """Whether we opened the connection of `flow`, from wherever the system routes."""
        connection = self._connections.get(flow.number)
        return connection is not None and not connection.accepted

    def abort(self, flow: Flow, reason: str) -> None:
        """Nothing comes through this connection any more; whoever waits for it is told."""
        connection = self._connections.get(flow.number)
        if connection is not None:
            connection.abort(reason)

    def abort_opened(self, reason: str) -> None:
        """The same for all that we opened."""
        for connection in [each for each in self._connections.values() if not each.accepted]:
            connection.abort(reason)

    def close_flow(self, flow: Flow) -> None:
        """Nobody needs this connection any more."""
        connection = self._connections.get(flow.number)
        if connection is not None:
            connection.close()

    def sweep(self, now: float) -> None:
        """End what is dead, idle or never said a word."""
        for connection in list(self._connections.values()):
            reason = connection.overdue(now)
            if reason is not None:
                connection.abort(reason)

    def close(self) -> None:
        self._closed = True
        for server in self._servers:
            server.close()
        for task in list(self._opening.values()):
            task.cancel()
        for connection in list(self._connections.values()):
            # What is written is with the system by now. Nobody waits for TLS to say goodbye.
            connection.abort()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def opened(self, connection: Connection) -> None:
        """See `connection.ConnectionUser`."""
        flow = connection.flow
        assert flow is not None  # noqa: S101 - the connection has just set it
        if self._closed:
            raise NetworkError("we are closing")
        if connection.accepted:
            self._make_room()
        elif flow.transport == "tls":
            self._tls.check(connection.certificate, connection.name)
        self._connections[flow.number] = connection
        self._places[(flow.transport, *flow.remote, connection.name)] = connection
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_INTERVAL, self._on_sweep)
        logger.debug("%s connection with %s", flow.transport, format_address(flow.remote))

    def received(self, connection: Connection, message: bytes) -> None:
        """See `connection.ConnectionUser`."""
        if connection.flow is not None:
            self._receive(message, connection.flow)

    def ended(self, connection: Connection, reason: str) -> None:
        """See `connection.ConnectionUser`."""
        flow = connection.flow
        if flow is None or self._connections.pop(flow.number, None) is None:
            return
        place = (flow.transport, *flow.remote, connection.name)
        if self._places.get(place) is connection:
            del self._places[place]
        if reason:
            # In a turn of its own: whoever sends is in the middle of something.
            self._loop.call_soon(self._failed, flow, reason)

    def describe(self, error: ssl.SSLError) -> str:
        """See `connection.ConnectionUser`."""
        return self._tls.reason(error)

    def _new(
        self, *, secure: bool, accepted: bool = False, name: str = "", advertised_port: int = 0
    ) -> Connection:
        return Connection(
            self,
            self._loop,
            next(self._numbers),
            secure=secure,
            accepted=accepted,
            name=name,
            advertised_port=advertised_port,
        )

    async def _open(self, hop: Hop, source: str) -> Flow:
        opened = sum(not each.accepted for each in self._connections.values())
        if opened + len(self._opening) > MAX_OPENED:
            raise NetworkError(f"{MAX_OPENED} connections are open; no more are made")
        where = (hop.host, hop.port)
        sock = await self._dial(where, source)
        name = _place(hop)[3]
        secure = hop.transport == "tls"
        port = self._ports.get((hop.transport, family_of(hop.host)), 0)
        connection = self._new(secure=secure, name=name, advertised_port=port)
        try:
            await self._loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=self._tls.client_context() if secure else None,
                server_hostname=name if secure else None,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT if secure else None,
            )
        except PlatypusError as problem:  # a file of the TLS settings
            sock.close()
            raise NetworkError(str(problem)) from problem
        except OSError as error:
            sock.close()
            raise NetworkError(await self._tls.explain(error, where, name)) from error
        except ValueError as error:  # after OSError: a refused certificate is both
            sock.close()
            raise NetworkError(f"{name} is no name TLS can ask for") from error
        if connection.flow is None or connection.flow.number not in self._connections:
            raise connection.refusal or NetworkError(f"{format_address(where)} hung up at once")
        return connection.flow

    async def _dial(self, where: Address, source: str) -> socket.socket:
        """A connected TCP socket."""
        sock = socket.socket(family_of(where[0]), socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if source and source not in WILDCARDS:
                sock.bind((source, 0))
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._loop.sock_connect(sock, where)
        except TimeoutError:
            sock.close()
            raise NetworkError(
                f"{format_address(where)} does not answer; check the address and the network"
            ) from None
        except (OSError, OverflowError) as error:
            sock.close()
            reason = describe(error, where) if isinstance(error, OSError) else "no such port"
            raise NetworkError(reason) from error
        except asyncio.CancelledError:
            sock.close()
            raise
        return sock

    def _make_room(self) -> None:
        """Let another be accepted, in the place of the one that was silent longest."""
        accepted = [each for each in self._connections.values() if each.accepted]
        if len(accepted) < MAX_ACCEPTED:
            return
        # Whoever sent a message is worth more than any number of those who only connect.
        least = min(accepted, key=lambda each: (each.messages > 0, each.received_at))
        if least.messages:
            raise NetworkError(f"{MAX_ACCEPTED} connections are open; no more are accepted")
        least.abort("its place was needed for another")

    def _on_sweep(self) -> None:
        self._sweeping = None
        self.sweep(self._loop.time())
        if self._connections:
            self._sweeping = self._loop.call_later(SWEEP_INTERVAL, self._on_sweep)


def _place(hop: Hop) -> _Place:
    """What a connection is used again for; over TLS the name the certificate was good for too."""
    name = hop.name or hop.host
    return (hop.transport, hop.host, hop.port, name if hop.transport == "tls" else "")


def bind_stream(host: str, port: int) -> socket.socket:
    """A TCP socket to listen on; NetworkError says what is in the way."""
    sock = socket.socket(family_of(host), socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Connections of an earlier run linger for a minute; they are not in the way.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family_of(host) == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise NetworkError(why_not_bound(error, "TCP", (host, port))) from error
    return sock

"""The sockets SIP goes over (RFC 3261, section 18).

    Send, Connect, Close -> Transport -> Datagrams      UDP, a socket for each family
                                      -> Streams        TCP at the same port, and TLS

Bound to a wildcard address, the sockets of the other family are opened when they are needed
first. It does not resolve names (`resolver`) and retransmits nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Literal

from platypus.errors import NetworkError
from platypus.net.addresses import (
    WILDCARDS,
    family_of,
    format_address,
    is_own,
    local_address_for,
)
from platypus.net.datagram import RECEIVED, SENT, Datagrams, TransportCounters, bind_datagram
from platypus.net.stream import Streams, bind_stream
from platypus.net.stun_client import Done
from platypus.net.tls import Tls, TlsSettings
from platypus.sip.flow import Address, Flow, Hop

logger = logging.getLogger("platypus.net")

# With port 0 the system picks one that is free for UDP; for TCP it may be taken.
MAX_PICKS = 16
_EVERYWHERE = {socket.AF_INET: WILDCARDS[0], socket.AF_INET6: WILDCARDS[1]}


class Transport:
    """What one engine sends and receives by.

    `receive(message, flow)` and `failed(flow, reason)` are called on the loop, and `rested()` when
    what had come is handed up.
    """

    def __init__(
        self,
        receive: Callable[[bytes, Flow], None],
        failed: Callable[[Flow, str], None],
        rested: Callable[[], None],
        *,
        tls: TlsSettings | None = None,
    ) -> None:
        self.counters = TransportCounters()
        self._receive = receive
        self._failed = failed
        self._rested = rested
        self._tls = Tls(tls)
        self._streams: Streams | None = None
        self._datagrams: dict[socket.AddressFamily, Datagrams] = {}
        self._bound: Address = ("", 0)
        self._secure = False
        self._opening = asyncio.Lock()

    async def open(
        self, host: str, port: int, *, transport: Literal["udp", "tcp", "tls"] = "udp"
    ) -> None:
        """Bind to `host` (numeric, or 0.0.0.0 or ::) and `port` (0: any free one).

        Over UDP, and over TCP at the same port (RFC 3261, 18.2.1). TLS takes TCP's place where
        `transport` is tls and the settings have a certificate. Raises NetworkError, ConfigError.
        """
        self._secure = transport == "tls" and self._tls.server_context() is not None
        self._streams = Streams(self._take, self._failed, self._tls)
        try:
            hosts = (host, WILDCARDS[0]) if host == "::" else (host,)
            pairs = _bind_all(hosts, port)
            self._bound = await self._serve(host, *pairs[0])
            for other, pair in zip(hosts[1:], pairs[1:], strict=True):
                await self._serve(other, *pair)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> Address:
        """What the sockets are bound to; the host may be 0.0.0.0."""
        return self._bound

    @property
    def listen(self) -> list[str]:
        """As the control protocol's `ready` shows it: `udp:127.0.0.1:5070`, and so TCP too."""
        if not self._bound[1]:
            return []
        kinds = ["tls", "udp"] if self._secure else ["udp"]
        return [f"{kind}:{format_address(self._bound)}" for kind in kinds]

    @property
    def families(self) -> tuple[socket.AddressFamily, ...]:
        """Of the addresses that can be reached from here."""
        if self._bound[0] in WILDCARDS and socket.has_ipv6:
            return (socket.AF_INET, socket.AF_INET6)
        return (family_of(self._bound[0]),)

    def connect(self, hop: Hop) -> Flow | None:
        """The flow to `hop` where there is one at once; else None: `await establish(hop)`.

        Raises NetworkError where there can't be one.
        """
        if hop.transport == "udp":
            datagrams = self._datagrams.get(family_of(hop.host))
            return datagrams.connect((hop.host, hop.port)) if datagrams is not None else None
        return self._streams.find(hop) if self._streams is not None else None

    async def establish(self, hop: Hop) -> Flow:
        """The flow to `hop`, opened for it. Raises NetworkError."""
        family = family_of(hop.host)
        if family not in self.families or self._streams is None:
            raise NetworkError(
                f"{format_address((hop.host, hop.port))} can't be reached from "
                f"{format_address(self._bound)}: listen on 0.0.0.0 for both IPv4 and IPv6"
            )
        async with self._opening:
            if family not in self._datagrams:
                await self._bind_beside(family)
        if hop.transport == "udp":
            return self._datagrams[family].connect((hop.host, hop.port))
        return await self._streams.connect(hop, self._bound[0])

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one message, at once; a failure is told by `failed`."""
        if flow.transport != "udp":
            if self._streams is not None:
                self.counters.counts[SENT] += 1
                self._streams.send(flow, data)
            return
        datagrams = self._datagrams.get(family_of(flow.remote[0]))
        if datagrams is not None:
            datagrams.send(flow, data)

    def ask_stun(self, flow: Flow, done: Done, requests: int) -> None:
        """Ask the far end of a UDP flow where it sees us."""
        self.ask_stun_at(flow, flow.remote, done, requests=requests)

    def ask_stun_at(self, flow: Flow, server: Address, done: Done, **patience: Any) -> None:
        """Ask a server where it sees the socket of a UDP flow."""
        datagrams = self._datagrams.get(family_of(flow.remote[0]))
        if datagrams is None or datagrams.stun is None:
            done(None, "there is no socket")
        else:
            datagrams.stun.ask(server, done, **patience)

    def forget_routes(self) -> None:
        """The system may route otherwise now."""
        for datagrams in self._datagrams.values():
            datagrams.forget_routes()

    def source_for(self, place: Address) -> str | None:
        """The address a place would be reached from; None where it can't be."""
        try:
            source = local_address_for(*place)
        except NetworkError:
            return None
        return source if self._bound[0] in WILDCARDS or is_own(self._bound[0]) else None

    def why_lost(self, flow: Flow) -> str | None:
        """Why nothing comes through `flow` any more; None where the system says nothing of it."""
        ours = flow.local[0]
        try:
            source = local_address_for(*flow.remote)
        except NetworkError as problem:
            return str(problem)
        if source == ours:
            return None
        streams = self._streams
        free = flow.transport == "udp" or (streams and streams.is_ours_to_open(flow))
        if free and self._bound[0] in WILDCARDS:
            return f"our address changed from {ours} to {source}"
        return None if is_own(ours) else f"our address {ours} is gone; listen on 0.0.0.0 to move"

    def is_heard_at(self, flow: Flow) -> bool:
        """Whether what is sent to our end of a flow comes still, though another would be used."""
        ours = flow.local[0]
        return flow.transport == "udp" and self._bound[0] in WILDCARDS and is_own(ours)

    def drop(self, flow: Flow, reason: str) -> None:
        """A lost connection is of no use to anybody."""
        if flow.transport != "udp" and self._streams is not None:
            self._streams.abort(flow, reason)

    def drop_opened(self, reason: str) -> None:
        """No connection that we opened leads anywhere any more."""
        if self._streams is not None:
            self._streams.abort_opened(reason)

    def close_flow(self, flow: Flow) -> None:
        """Nobody needs this flow any more; UDP has one socket for everybody."""
        if flow.transport != "udp" and self._streams is not None:
            self._streams.close_flow(flow)

    def close(self) -> None:
        for datagrams in self._datagrams.values():
            datagrams.close()
        if self._streams is not None:
            self._streams.close()
        self._streams = None

    def _take(self, message: bytes, flow: Flow) -> None:
        self.counters.counts[RECEIVED] += 1
        try:
            self._receive(message, flow)
        finally:  # who waits for the end must not wait for the next message
            self._rested()

    async def _bind(self, host: str, port: int) -> Address:
        """A UDP socket, and one to listen on at the same port."""
        return await self._serve(host, *_bind_pair(host, port))

    async def _serve(self, host: str, datagram: socket.socket, stream: socket.socket) -> Address:
        assert self._streams is not None  # noqa: S101 - open() made it
        address = datagram.getsockname()[:2]
        datagrams = Datagrams(self._receive, self._failed, self._rested, self.counters)
        self._datagrams[family_of(host)] = datagrams
        await datagrams.open(datagram)
        await self._streams.listen(stream, secure=self._secure)
        return address[0], address[1]

    async def _bind_beside(self, family: socket.AddressFamily) -> None:
        """Sockets of the other family, at the same port if it is free."""
        try:
            await self._bind(_EVERYWHERE[family], self._bound[1])
        except NetworkError as problem:
            logger.debug("%s; taking another port", problem)
            await self._bind(_EVERYWHERE[family], 0)


def _bind_all(hosts: Sequence[str], port: int) -> list[tuple[socket.socket, socket.socket]]:
    """A pair for each of `hosts`, all with one port; NetworkError says what is in the way."""
    problem: NetworkError | None = None
    for _ in range(MAX_PICKS):
        pairs: list[tuple[socket.socket, socket.socket]] = []
        try:
            for host in hosts:
                pairs.append(_bind_pair(host, pairs[0][0].getsockname()[1] if pairs else port))
            return pairs
        except NetworkError as error:  # the port is free in one family and taken in the other
            problem = error
            for sock in itertools.chain.from_iterable(pairs):
                sock.close()
            if port or not pairs:
                raise
    raise problem or NetworkError("no port is free")


def _bind_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket with one port; NetworkError says what is in the way."""
    for _ in range(MAX_PICKS):
        datagram = bind_datagram(host, port)
        try:
            return datagram, bind_stream(host, datagram.getsockname()[1])
        except NetworkError:
            datagram.close()
            if port:
                raise
    raise NetworkError(f"no port on {host} is free for both UDP and TCP")

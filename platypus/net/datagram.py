"""SIP over UDP: one socket, its flows and their failures (RFC 3261, section 18; RFC 3581).

What comes in is handed up as bytes with the flow it came by; what goes out names its flow.
The machine above is told the local address by the flow, so that is chosen here, per
destination: the address the system would route from, asked of a connected socket and kept
for a while.

A host that answers with ICMP "port unreachable" is reported as a failed flow;
Linux tells which one through the socket's error queue, other systems only at
the next send.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import sys
from array import array
from collections.abc import Callable

from platypus.errors import NetworkError
from platypus.net.addresses import (
    WILDCARDS,
    describe,
    family_of,
    local_address_for,
    why_not_bound,
)
from platypus.net.stun import answer, is_stun
from platypus.net.stun_client import StunClient
from platypus.sip.flow import Address, Flow

logger = logging.getLogger("platypus.net")

# asyncio reserves 256 KiB for every datagram, which malloc fetches from the kernel anew each
# time. A datagram can't be longer than this.
RECEIVE_SIZE = 65_536
# What waits while the program is held up. Linux cuts it to 416 kB unless told otherwise, twice
# what a socket has by itself: half a second of 600 messages a second.
WAITING_SIZE = 1 << 20
# A laptop that changes networks must not advertise its old address for long; asking costs 15 us.
ROUTE_LIFETIME = 10.0
MAX_ROUTES = 256  # strangers can make us ask; they can't make the table grow
MAX_PORTS = 16  # of one host, remembered
# Whatever else the loop has to do waits as long as these take.
MOST_AT_ONCE = 16
# Shorter is no SIP message: keep-alives (RFC 5626, 3.5.1: CRLF CRLF) and probes of a zero byte.
SHORTEST_MESSAGE = 16

RECEIVED, SENT, DROPPED, UNSENT = range(4)  # what `TransportCounters` counts

_LINUX = sys.platform == "linux"
_IP_RECVERR, _IPV6_RECVERR, _MSG_ERRQUEUE = 11, 25, 0x2000  # not in the socket module
_READS_AT_ONCE = sys.platform != "win32"  # there asyncio has asked for the next one already
_SIO_UDP_CONNRESET = 0x9800000C


class TransportCounters:
    """What went through, for diagnosis; `dropped` are datagrams that can't be SIP.

    In an array: of numbers made anew with each datagram the last ones would for ever lie where a
    rush of calls has had its memory.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = array("Q", (0, 0, 0, 0))

    @property
    def received(self) -> int:
        return self.counts[RECEIVED]

    @property
    def sent(self) -> int:
        return self.counts[SENT]

    @property
    def dropped(self) -> int:
        return self.counts[DROPPED]

    @property
    def unsent(self) -> int:
        return self.counts[UNSENT]


class _Route:
    """How a host is reached: from which address of ours, and the flows to its ports.

    A flow is made once, since everything that lingers of a call holds one.
    """

    __slots__ = ("flows", "local", "until")

    def __init__(self, local: Address, until: float) -> None:
        self.local = local
        self.until = until
        self.flows: dict[int, Flow] = {}


class Datagrams(asyncio.DatagramProtocol):
    """One UDP socket, its flows and their failures.

    `receive(data, flow)` and `failed(flow, reason)` are called on the loop, and `rested()` after
    the last `receive` of what had come by then.
    """

    def __init__(
        self,
        receive: Callable[[bytes, Flow], None],
        failed: Callable[[Flow, str], None],
        rested: Callable[[], None],
        counters: TransportCounters,
    ) -> None:
        self.counters = counters
        self._receive = receive
        self._failed = failed
        self._rested = rested
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._socket: socket.socket | None = None
        self._bound: Address = ("", 0)
        self._wildcard = False
        self._routes: dict[str, _Route] = {}
        self.stun: StunClient | None = None  # once it is open

    async def open(self, sock: socket.socket) -> None:
        """Use a bound socket, see `bind_datagram`."""
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self.stun = StunClient(self._loop, self._send_stun, os.urandom)
        bound = sock.getsockname()
        self._bound = bound[0], bound[1]
        self._wildcard = bound[0] in WILDCARDS
        transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=sock)
        self._transport = transport
        if hasattr(transport, "max_size"):
            transport.max_size = RECEIVE_SIZE

    @property
    def address(self) -> Address:
        """What the socket is bound to; the host may be 0.0.0.0."""
        return self._bound

    def connect(self, address: Address) -> Flow:
        """The flow to an address; raises NetworkError where there can't be one."""
        return self._flow(*address)

    def forget_routes(self) -> None:
        """The system may route otherwise now."""
        self._routes.clear()

    @property
    def wildcard(self) -> bool:
        """Whether its own address is whatever the system routes from."""
        return self._wildcard

    def send(self, flow: Flow, data: bytes) -> None:
        """Send one datagram, at once; a failure is told by `failed`."""
        sock = self._socket
        if sock is None:
            return
        try:
            try:
                sock.sendto(data, flow.remote)
            except ConnectionRefusedError:
                # Linux hands the ICMP error of an earlier datagram, perhaps to somebody else, to
                # the next send, which is then not done.
                self._read_error_queue()
                sock.sendto(data, flow.remote)
            self.counters.counts[SENT] += 1
        except BlockingIOError:
            if self._transport is not None:
                self._transport.sendto(data, flow.remote)  # waits in asyncio's own buffer
        except OSError as error:
            self.counters.counts[UNSENT] += 1
            self._report(flow, describe(error, flow.remote))

    def close(self) -> None:
        if self.stun is not None:
            self.stun.close()
        if self._transport is not None:
            self._transport.close()
        self._transport = self._socket = None

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[object, ...]) -> None:
        """One datagram, and those that came with it or meanwhile, an ACK and its BYE."""
        try:
            self._take(data, addr)
            if _READS_AT_ONCE:
                for _ in range(MOST_AT_ONCE - 1):
                    if self._socket is None or not self._take_another(self._socket):
                        break
        finally:
            self._rested()

    def _take_another(self, sock: socket.socket) -> bool:
        """Without a turn of the loop between, which costs as much as a message's parsing."""
        try:
            data, addr = sock.recvfrom(RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self.error_received(error)
            return False
        self._take(data, addr)
        return True

    def _take(self, data: bytes, addr: tuple[str, int] | tuple[object, ...]) -> None:
        self.counters.counts[RECEIVED] += 1
        if is_stun(data):
            self._receive_stun(data, addr)
            return
        if len(data) < SHORTEST_MESSAGE:
            self.counters.counts[DROPPED] += 1
            return
        host, port = str(addr[0]), addr[1]
        assert isinstance(port, int)  # noqa: S101 - asyncio's, not the network's
        try:
            flow = self._flow(host, port)
        except NetworkError as problem:
            self.counters.counts[DROPPED] += 1
            logger.debug("dropped a datagram that can't be answered: %s", problem)
            return
        self._receive(data, flow)

    def _send_stun(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)

    def _receive_stun(self, data: bytes, addr: tuple[str, int] | tuple[object, ...]) -> None:
        """An answer to us, or a peer asks whether this flow lives (RFC 5626, 4.4.2 and 8)."""
        host, port = str(addr[0]).partition("%")[0], addr[1]
        assert isinstance(port, int)  # noqa: S101 - asyncio's, not the network's
        if self.stun is not None and self.stun.receive(data, (host, port)):
            return
        reply = answer(data, (host, port))
        if reply is None:
            self.counters.counts[DROPPED] += 1
        elif self._transport is not None:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        if not self._read_error_queue():
            logger.debug("socket error: %s", exc)

    def _flow(self, host: str, port: int) -> Flow:
        route = self._routes.get(host)
        if route is None or (self._wildcard and route.until < self._now()):
            route = self._find_route(host, port, route)
        flow = route.flows.get(port)
        if flow is None:
            if len(route.flows) >= MAX_PORTS:
                route.flows.clear()
            flow = route.flows[port] = Flow("udp", route.local, (host, port))
        return flow

    def _find_route(self, host: str, port: int, known: _Route | None) -> _Route:
        ours = local_address_for(host, port) if self._wildcard else self._bound[0]
        until = self._now() + ROUTE_LIFETIME
        if known is not None and known.local[0] == ours:
            known.until = until
            return known
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
        route = self._routes[host] = _Route((ours, self._bound[1]), until)
        return route

    def _now(self) -> float:
        assert self._loop is not None  # noqa: S101 - open() came first
        return self._loop.time()

    def _report(self, flow: Flow, reason: str) -> None:
        """Tell in a turn of its own: whoever sends is in the middle of something."""
        if self._loop is not None:
            self._loop.call_soon(self._failed, flow, reason)

    def _read_error_queue(self) -> bool:
        """Report every destination whose ICMP error waits; False where none could be read."""
        if not _LINUX or self._socket is None:
            return False
        found = False
        while True:
            try:
                _, control, _, where = self._socket.recvmsg(64, 256, _MSG_ERRQUEUE)
            except OSError:  # EAGAIN: the queue is empty
                return found
            found = True
            for _level, kind, value in control:
                if kind in (_IP_RECVERR, _IPV6_RECVERR) and where:
                    (number,) = struct.unpack_from("I", value)
                    self._refused(OSError(number, ""), (where[0], where[1]))

    def _refused(self, error: OSError, where: Address) -> None:
        """An ICMP error came, perhaps after the network it came by has gone."""
        with contextlib.suppress(NetworkError):
            self._report(self._flow(*where), describe(error, where))


def bind_datagram(host: str, port: int) -> socket.socket:
    """A UDP socket for signalling; NetworkError says what is in the way."""
    family = family_of(host)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # some systems refuse what Linux cuts
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_SIZE)
        if _LINUX:
            level = socket.IPPROTO_IPV6 if family == socket.AF_INET6 else socket.IPPROTO_IP
            sock.setsockopt(level, _IPV6_RECVERR if ":" in host else _IP_RECVERR, 1)
        if family == socket.AF_INET6:
            # One socket a family: a mapped address is none to put into a message.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise NetworkError(why_not_bound(error, "UDP", (host, port))) from error
    if sys.platform == "win32":
        sock.ioctl(_SIO_UDP_CONNRESET, False)
    return sock

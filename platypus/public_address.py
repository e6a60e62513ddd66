"""Where others see us, by the word of a STUN server, for where the PBX won't help (RFC 8489).

    signalling   asked by the SIP socket when a UDP flow is first used; stands in its Contact
    media        asked by a call's RTP and RTCP sockets before its offer or answer; stands in it

Nobody waits for longer than PATIENCE, and after a silence not at all for a while: a call
with our own address in it is better than none. A far end that has told us that it sees us as
we are (RFC 3581), or that is in our private network while the address learned is not, gets our own
address. A question goes by the family that the far end is reached by; a server that has no address
of it is not missed. Once the media run their sockets are the loop's, and what is asked goes by way
of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from platypus.net.addresses import family_of, format_address
from platypus.net.stun_client import StunClient

if TYPE_CHECKING:
    from platypus.net.transport import Transport
    from platypus.sip.flow import Address, Flow

logger = logging.getLogger("platypus.net")

PATIENCE = 1.5
FIRST_WAIT, REQUESTS = 0.2, 3  # sent at 0, 0.2 and 0.6 s
REMEMBERED = 60.0  # an answer for the SIP socket; a silence, so that not every call waits


class Stream(Protocol):
    """The sockets of a call whose media run."""

    @property
    def host(self) -> str: ...

    def listen(self, answered: Callable[[bytes, Address], object] | None) -> None: ...

    def transmit(self, packet: bytes, address: Address, *, rtcp: bool = False) -> None: ...


class PublicAddress:
    """Asks `server`, a host and a port; `tell` gets a sentence when it does not answer."""

    def __init__(self, server: Address, transport: Transport, tell: Callable[[str], None]) -> None:
        self._server = server
        self._transport = transport
        self._tell = tell
        self._known: dict[Address, tuple[Address, float]] = {}  # by our own address
        self._silent_until: dict[socket.AddressFamily, float] = {}
        self._told = False

    def forget(self) -> None:
        """Another network."""
        self._known.clear()
        self._silent_until.clear()

    async def of_flow(self, flow: Flow) -> Address | None:
        """Where the far end of a UDP flow most likely sees our SIP socket; None for as we are."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(flow.local)
        if known is None or known[1] < now:
            ask = partial(self._transport.ask_stun_at, flow)
            seen = await self._ask(ask, family_of(flow.remote[0]))
            if seen is None:
                return None
            known = self._known[flow.local] = seen, now + REMEMBERED
        return known[0] if known[0] != flow.local and differs(known[0][0], flow) else None

    async def of_media(
        self, rtp: socket.socket, rtcp: socket.socket
    ) -> tuple[Address, Address] | None:
        """Where the sockets of a call are seen; None where nobody says so."""
        found = await asyncio.gather(self._of_socket(rtp), self._of_socket(rtcp))
        if found[0] is None or found[1] is None:
            return None
        return found[0], found[1]

    async def of_stream(self, stream: Stream) -> tuple[Address, Address] | None:
        """The same of a stream that runs: a call goes on behind another router."""
        loop = asyncio.get_running_loop()
        family = family_of(stream.host)
        clients = [
            StunClient(loop, partial(stream.transmit, rtcp=rtcp), os.urandom)
            for rtcp in (False, True)
        ]
        stream.listen(lambda data, source: [each.receive(data, source) for each in clients])
        try:
            found = await asyncio.gather(*(self._ask(each.ask, family) for each in clients))
        finally:
            stream.listen(None)
            for each in clients:
                each.close()
        if found[0] is None or found[1] is None:
            return None
        return found[0], found[1]

    async def _of_socket(self, sock: socket.socket) -> Address | None:
        loop = asyncio.get_running_loop()
        client = StunClient(loop, partial(_send, sock), os.urandom)
        reading = loop.create_task(_read(sock, client))
        try:
            return await self._ask(client.ask, sock.family)
        finally:
            client.close()
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def _ask(self, ask: Callable[..., None], family: socket.AddressFamily) -> Address | None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until.get(family, 0.0):
            return None
        answer: asyncio.Future[Address | None] = loop.create_future()

        def done(seen: Address | None, why: str) -> None:
            if not answer.done():
                answer.set_result(seen)

        try:
            async with asyncio.timeout(PATIENCE):
                where = await self._resolve(family)
                ask(where, done, requests=REQUESTS, first_wait=FIRST_WAIT)
                seen = await answer
        except (TimeoutError, OSError, UnicodeError) as error:
            logger.debug("STUN: %s", error)
            seen = None
        if seen is None:
            self._silent_until[family] = loop.time() + REMEMBERED
            if family == socket.AF_INET or ":" in self._server[0]:
                self._complain()
        return seen

    async def _resolve(self, family: socket.AddressFamily) -> Address:
        loop = asyncio.get_running_loop()
        host, port = self._server
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
        return str(found[0][4][0]), int(found[0][4][1])

    def _complain(self) -> None:
        if not self._told:
            self._told = True
            where = format_address(self._server)
            self._tell(
                f"the STUN server {where} does not answer; check its name and port. "
                "Behind a router that the PBX does not help with, calls may have no sound"
            )


def differs(public: str, flow: Flow) -> bool:
    """Whether the far end of a flow is somewhere that our public address may matter."""
    far = ipaddress.ip_address(flow.remote[0])
    if far.is_loopback or far.is_link_local:
        return False
    return not (far.is_private and ipaddress.ip_address(public).is_global)


def _send(sock: socket.socket, data: bytes, address: Address) -> None:
    try:
        sock.sendto(data, address)
    except OSError as error:  # it is sent again
        logger.debug("STUN to %s: %s", format_address(address), error)


async def _read(sock: socket.socket, client: StunClient) -> None:
    """Hand the answers in, until cancelled. Media that comes this early is nobody's yet."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            data, source = await loop.sock_recvfrom(sock, 2048)
        except OSError:  # an ICMP error of an earlier datagram
            await asyncio.sleep(0.01)
            continue
        client.receive(data, (source[0], source[1]))

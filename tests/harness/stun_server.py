"""A STUN server that sees everybody where no router would put them, or nobody at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from platypus.net.stun import REQUEST, build_success, parse
from platypus.sip.flow import Address

PUBLIC, PUBLIC6 = "203.0.113.5", "2001:db8:1::5"
SHIFT = 10_000  # what this router adds to a port


class StunServer(asyncio.DatagramProtocol):
    """`asked` are the ports that questions came from."""

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent
        self.public = PUBLIC
        self.asked: list[int] = []
        self.was_asked = asyncio.Event()
        self.address: Address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = parse(data)
        assert request.kind == REQUEST
        self.asked.append(addr[1])
        self.was_asked.set()
        if not self.silent and self._transport is not None:
            public = PUBLIC6 if ":" in addr[0] else self.public
            self._transport.sendto(build_success(request, (public, seen(addr[1]))), addr)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def seen(port: int) -> int:
    """The port behind which this router hides another."""
    return (port + SHIFT) % 65_536 or 1


@contextlib.asynccontextmanager
async def stun_server(host: str, *, silent: bool = False) -> AsyncIterator[StunServer]:
    loop = asyncio.get_running_loop()
    _, server = await loop.create_datagram_endpoint(
        lambda: StunServer(silent=silent), local_addr=(host, 0)
    )
    yield server
    server.close()

"""Transports of this machine that talk to each other, and everything they handed up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Literal

from platypus.net.tls import TlsSettings
from platypus.net.transport import Transport
from platypus.sip.flow import Flow, Hop


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


def message(text: str = "hello", body: bytes = b"") -> bytes:
    return (
        f"MESSAGE sip:a@example.com SIP/2.0\r\nSubject: {text}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Link:
    """A transport, with everything it handed up."""

    def __init__(self, tls: TlsSettings | None = None) -> None:
        self.received: asyncio.Queue[tuple[bytes, Flow]] = asyncio.Queue()
        self.failures: asyncio.Queue[tuple[Flow, str]] = asyncio.Queue()
        self.transport = Transport(
            lambda data, flow: self.received.put_nowait((data, flow)),
            lambda flow, reason: self.failures.put_nowait((flow, reason)),
            lambda: None,
            tls=tls,
        )

    @property
    def streams(self) -> Any:
        """Its connections, to look inside."""
        return self.transport._streams

    @property
    def connections(self) -> list[Any]:
        return list(self.streams._connections.values())

    def hop(self, transport: Literal["udp", "tcp", "tls"], name: str = "") -> Hop:
        """To here."""
        return Hop(transport, *self.transport.address, name)


@contextlib.asynccontextmanager
async def linked(
    host: str = "127.0.0.1",
    *,
    port: int = 0,
    tls: TlsSettings | None = None,
    transport: Literal["udp", "tcp", "tls"] = "udp",
) -> AsyncIterator[Link]:
    link = Link(tls)
    await link.transport.open(host, port, transport=transport)
    try:
        yield link
    finally:
        link.transport.close()
        await asyncio.sleep(0)  # connections end in the next turn


@contextlib.asynccontextmanager
async def raw(link: Link) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare TCP connection to a transport."""
    reader, writer = await asyncio.open_connection(*link.transport.address)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


class Listener:
    """A bare TCP server: what it accepted, and nothing said unless the test says it."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self.hop = Hop("tcp", "", 0)
        self._writers: list[asyncio.StreamWriter] = []

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.accepted.put_nowait((reader, writer))

    async def __aenter__(self) -> Listener:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.hop = Hop("tcp", *self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

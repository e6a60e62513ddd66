"""The control protocol on a local socket: what `platypus ctl` speaks to a running phone.

Each connection is a conversation of its own, from `ready` on: its commands get their
replies, and every event comes to all. Only the same user gets there (`platypus.local`);
where the socket needs a token, the first line is `{"token": "..."}`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from platypus._version import __version__
from platypus.control.commands import Control
from platypus.control.lines import MAX_LINE, MAX_WAITING
from platypus.local import Ear, listen, private_folder

if TYPE_CHECKING:
    from platypus.engine import Engine

logger = logging.getLogger("platypus.control")

MOST_CLIENTS = 32
PREFIX = "ctl-"


class ControlServer:
    """`quit` is called for the command of that name, `told` after every command.

    `show(page)` brings a window forward; None where there is none.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        quit: Callable[[], None],
        told: Callable[[], None] = lambda: None,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.engine, self.quit, self.told, self.show = engine, quit, told, show
        self.clients: set[_Client] = set()
        self.token = ""
        self._ear: Ear | None = None
        self._server: asyncio.Server | None = None

    async def start(self, folder: Path | None = None) -> bool:
        """Whether it listens. A phone works without, so a reason is only logged."""
        loop = asyncio.get_running_loop()
        try:
            ear = self._ear = listen((folder or private_folder()) / f"{PREFIX}{os.getpid()}")
        except OSError as error:
            logger.info("no local socket for platypus ctl: %s", error)
            return False
        ear.socket.setblocking(False)
        self.token = ear.token
        if ear.socket.family != socket.AF_INET:
            self._server = await loop.create_unix_server(lambda: _Client(self), sock=ear.socket)
        else:
            self._server = await loop.create_server(lambda: _Client(self), sock=ear.socket)
        return True

    def close(self) -> None:
        """Let go of everybody. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self.clients):
            client.close()
        if self._ear is not None:
            self._ear.close()
            self._ear = None


class _Client(asyncio.Protocol):
    """One connection. A line that is too long, or a reader that is too slow, ends it."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._control: Control | None = None
        self._partial = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._server.clients) >= MOST_CLIENTS:
            self._transport.abort()
            return
        self._server.clients.add(self)
        if not self._server.token:
            self._begin()

    def data_received(self, data: bytes) -> None:
        self._partial += data
        *lines, rest = self._partial.split(b"\n")
        self._partial = rest
        for line in lines:
            if not self._receive(bytes(line)):
                return
        if len(self._partial) > MAX_LINE:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.clients.discard(self)
        if self._control is not None:
            self._control.close()
            self._control = None

    def close(self) -> None:
        """What was written still goes out."""
        if self._transport is not None:
            self._transport.close()

    def _begin(self) -> None:
        server = self._server
        self._control = Control(server.engine, self._emit, quit=server.quit, show=server.show)
        self._control.ready(__version__)

    def _receive(self, line: bytes) -> bool:
        if self._control is None:
            if not self._knows_the_token(line):
                self.close()
                return False
            self._begin()
        elif line.strip():
            self._control.receive(line)
            self._server.told()
        return True

    def _knows_the_token(self, line: bytes) -> bool:
        try:
            token = json.loads(line)["token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        expected = self._server.token.encode()
        return isinstance(token, str) and hmac.compare_digest(token.encode(), expected)

    def _emit(self, line: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MAX_WAITING:
            logger.warning("a reader of the local socket is too slow and is let go")
            transport.abort()
            return
        transport.write(line + b"\n")

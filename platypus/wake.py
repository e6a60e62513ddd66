"""Be called on the asyncio loop when another thread has written to a socket.

Selector loops watch the socket; the Proactor loop of Windows can't, and reads it
in a task instead.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

CHUNK = 4096


class Wake:
    """Calls `callback()` whenever `sock` (non-blocking) has something to read."""

    def __init__(self, sock: socket.socket, callback: Callable[[], None]) -> None:
        self._socket = sock
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        try:
            self._loop.add_reader(sock, self._readable)
        except NotImplementedError:
            self._task = self._loop.create_task(self._read())

    def close(self) -> None:
        """Before the socket is closed."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._loop.remove_reader(self._socket)

    def _readable(self) -> None:
        try:
            self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        self._callback()

    async def _read(self) -> None:
        while await self._loop.sock_recv(self._socket, CHUNK):
            self._callback()

"""Notice that addresses or routes of this machine change.

Linux tells by itself, over a netlink socket (rtnetlink(7)): links, addresses and routes of both
families. Whoever listens hears that something changed, not what: a burst of messages is
one change, told when it is over. Elsewhere, and where the system allows no such socket, nothing is
told, and `watching` says so: whoever wants to know has to look now and then.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable

logger = logging.getLogger("platypus.net")

# RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE: not in the socket module.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_NETLINK_ROUTE = 0
# Plugging in a cable takes a few steps: the link, an address, its routes.
SETTLE = 0.3


class NetworkChanges:
    """`changed()` is called on the loop, soon after something did."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[], None]) -> None:
        self._loop = loop
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._socket = _open()
        if self._socket is not None:
            loop.add_reader(self._socket, self._read)

    @property
    def watching(self) -> bool:
        """Whether the system tells."""
        return self._socket is not None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        """Empty the socket; what the messages say is not looked at."""
        assert self._socket is not None  # noqa: S101 - it is read from
        for _ in range(64):  # the rest in the next turn
            try:
                self._socket.recv(65_536)
            except BlockingIOError:
                break
            except OSError as error:  # ENOBUFS: more changes than there was room for
                logger.debug("netlink: %s", error)
                break
        if self._timer is None:
            self._timer = self._loop.call_later(SETTLE, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._changed()


def _open() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE)
    except OSError as error:  # some sandboxes have none
        logger.debug("no netlink: %s", error)
        return None
    try:
        sock.setblocking(False)
        sock.bind((0, _GROUPS))
    except OSError as error:
        logger.debug("no netlink: %s", error)
        sock.close()
        return None
    return sock

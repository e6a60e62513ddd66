"""RTP and RTCP port pairs (RFC 3550, section 11: an even port, and the next one).

The sockets are bound here, non-blocking, and handed to the media loop. A range
is used round and round, so that a port is not taken again while late packets of
the last call may still arrive. It does not know streams.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable

from platypus.errors import MediaError

# Below the ports that Linux and Windows give to clients, which would get in the way.
DEFAULT_RANGE = (16384, 32767)


class Ports:
    """Hands out pairs of bound sockets from `low` to `high`, both included."""

    def __init__(self, ports: tuple[int, int] | None, random: Callable[[int], bytes]) -> None:
        low, high = ports or DEFAULT_RANGE
        first = low + low % 2
        count = (high - first + 1) // 2
        if not 0 < low <= high <= 65535 or count < 1:
            raise MediaError(
                f"RTP ports {low}-{high} hold no pair: give an even port, the next one, and "
                "as many more as there may be calls, within 1 to 65535"
            )
        self._first, self._count = first, count
        self._turn = itertools.count(int.from_bytes(random(4), "big") % count)
        self._range = f"{low}-{high}"

    def open(self, host: str) -> tuple[socket.socket, socket.socket]:
        """An RTP and an RTCP socket bound to `host`, numeric; MediaError when none is free."""
        problem: OSError | None = None
        for _ in range(self._count):
            port = self._first + 2 * (next(self._turn) % self._count)
            try:
                return _bind_pair(host, port)
            except OSError as error:
                problem = error
        raise MediaError(
            f"no free pair of RTP ports in {self._range} on {host} ({problem}): "
            "end a call, or allow a wider range"
        ) from problem


def _bind_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    rtp = _bind(host, port)
    try:
        return rtp, _bind(host, port + 1)
    except OSError:
        rtp.close()
        raise


def _bind(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock

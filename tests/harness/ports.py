"""Free ports for the programs that a test starts.

A port is free when it is asked for; another program may take it before ours does. In the
tests' own network (`namespace`) nobody else is there.
"""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1", *, pairs: int = 1) -> int:
    """An even port free for UDP and TCP, the first of so many free even-odd pairs."""
    for _ in range(100):
        with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1]) & ~1
        if port + 2 * pairs < 65536 and all(_free(host, port + i) for i in range(2 * pairs)):
            return port
    raise OSError(f"no {pairs} free pairs of ports on {host}")


def _free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(_family(host), kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET

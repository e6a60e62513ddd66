"""A network of the tests' own, where the system allows it.

RTP and SIP of other programs on 127.0.0.1 would hit the ports of a test, and a fixed
port may be taken. As root on Linux the test process moves into a network namespace before
anything opens a socket, and everything it starts inherits that. Elsewhere the
tests run in the network that is there.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
SIOCSIFADDR = 0x8916
SIOCSIFNETMASK = 0x891C
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

# baresip 1.0.0 does not listen on 127.0.0.1, but takes any other address of the loopback interface.
ADDRESS = "10.99.0.1"
NETMASK = "255.255.255.0"

_entered = False
_libc = ctypes.CDLL(None, use_errno=True)


def enter() -> bool:
    """Moves this process into a network of its own; False where that is not possible."""
    global _entered
    if _entered:
        return True
    if sys.platform != "linux" or os.geteuid() != 0 or os.environ.get("PLATYPUS_NETNS") == "0":
        return False
    if _libc.unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _bring_up(control, "lo")
        _set_address(control, "lo:1", SIOCSIFADDR, ADDRESS)
        _set_address(control, "lo:1", SIOCSIFNETMASK, NETMASK)
    _entered = True
    return True


def entered() -> bool:
    return _entered


def host_address() -> str:
    """An address of this machine that is not 127.0.0.1."""
    if _entered:
        return ADDRESS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: connecting a datagram socket only looks up the route.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _bring_up(control: socket.socket, name: str) -> None:
    request = struct.pack("16sh14x", name.encode(), 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), flags | IFF_UP))


def _set_address(control: socket.socket, name: str, request: int, address: str) -> None:
    sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
    fcntl.ioctl(control, request, struct.pack("16s16s", name.encode(), sockaddr))

"""Addresses of this machine and of others, and what the system says is wrong with them.

Sentences for people: what could not be bound or reached, and what may help.
"""

from __future__ import annotations

import errno
import ipaddress
import socket

from platypus.errors import NetworkError
from platypus.sip.flow import Address

_REASONS = {
    errno.ECONNREFUSED: "nothing listens there (port unreachable); check the port and the server",
    errno.EHOSTUNREACH: "the host can't be reached; check the address and the network",
    errno.ENETUNREACH: "there is no route to that network; check the network connection",
    errno.EHOSTDOWN: "the host is down",
    errno.ENETDOWN: "the network is down",
    errno.EMSGSIZE: "the message is too long for a datagram",
    errno.EACCES: "the system does not allow sending there (a firewall, or a broadcast address)",
    errno.EPERM: "the system does not allow sending there (a firewall)",
    errno.EADDRNOTAVAIL: "our own address is gone; the network has changed",
    errno.EAFNOSUPPORT: "the address is of another family than our socket (IPv4, IPv6)",
    errno.ECONNRESET: "the far end broke the connection",
    errno.EPIPE: "the far end broke the connection",
    errno.ECONNABORTED: "the connection was broken",
    errno.ETIMEDOUT: "the far end does not answer any more; the connection is dead",
}
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def describe(error: OSError, where: Address) -> str:
    """One sentence for a person: what could not be reached, and why."""
    why = _REASONS.get(error.errno or 0) or error.strerror or "it can't be reached"
    return f"{format_address(where)}: {why}"


def format_address(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def family_of(host: str) -> socket.AddressFamily:
    """Of a numeric host."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def is_numeric(host: str) -> bool:
    try:
        socket.inet_pton(family_of(host), host)
    except (OSError, UnicodeError):  # UnicodeError: no ASCII
        return False
    return True


def same_host(one: str, other: str) -> bool:
    """Whether two hosts are the same, however they are written: `::1`, `0:0::1`, upper case."""
    if one.lower() == other.lower():
        return True
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def why_not_bound(error: OSError | OverflowError, kind: str, address: Address) -> str:
    """What is in the way of a socket; `kind` is UDP or TCP."""
    where = format_address(address)
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"{kind} port {address[1]} on {address[0]} is in use by another program: "
            "close it, choose another port, or port 0 for any free one"
        )
    if number == errno.EACCES:
        return f"{where}: ports below 1024 need privileges; choose a higher one, or 0"
    if number == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address; use one of its own, or 0.0.0.0"
    if isinstance(error, OverflowError):
        return f"{where}: a port is a number from 0 to 65535"
    if isinstance(error, socket.gaierror):
        return f"{where}: give the numeric address of one of this machine's interfaces"
    return f"{where}: {error.strerror or error}"


def is_own(host: str) -> bool:
    """Whether this machine still has the address."""
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def local_address_for(host: str, port: int) -> str:
    """The address the system would send from to reach `host`; nothing is sent."""
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
            probe.connect((host, port or 5060))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise NetworkError(describe(error, (host, port))) from error

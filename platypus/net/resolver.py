"""From a SIP URI to the places to try (RFC 3263), as far as address records go.

A numeric host is answered at once, without a task. A name is looked up by the
system's resolver in the loop's executor. NAPTR and SRV records are not asked
for yet: without them RFC 3263, section 4.2 falls back to just this.
"""

from __future__ import annotations

import asyncio
import socket
from functools import lru_cache

from platypus.errors import NetworkError, ProtocolError
from platypus.sip.flow import Hop, Transport
from platypus.sip.uri import Uri

# The system's resolver gives up after 20 to 30 s, longer than somebody waits for a call.
RESOLVE_TIMEOUT = 8.0
MAX_HOPS = 8  # a name may have hundreds of addresses; the user will not wait for them all

_TRANSPORTS: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}
_DEFAULT_PORT = {"udp": 5060, "tcp": 5060, "tls": 5061}


def resolve_numeric(uri: str) -> list[Hop] | None:
    """The one hop of a URI whose host is an address; None where a name must be looked up."""
    transport, host, port = target(uri)
    return [Hop(transport, host, port)] if _is_numeric(host) else None


async def resolve(uri: str, family: socket.AddressFamily) -> list[Hop]:
    """The hops for `uri`, best first; NetworkError says what did not resolve."""
    transport, host, port = target(uri)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT):
            found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
    except TimeoutError:
        raise NetworkError(
            f"the name servers did not answer for {host} within {RESOLVE_TIMEOUT:.0f} s; "
            "check the network connection"
        ) from None
    except (OSError, UnicodeError) as error:  # an empty or overlong label is a UnicodeError
        raise NetworkError(
            f"the name {host} does not resolve; check its spelling and the network"
        ) from error
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [Hop(transport, address, port, host) for address in list(addresses)[:MAX_HOPS]]


@lru_cache(maxsize=256)
def target(uri: str) -> tuple[Transport, str, int]:
    """Transport, host and port to use (RFC 3263, 4.1 and 4.2); NetworkError where there is none."""
    try:
        parsed = Uri.parse(uri)
    except ProtocolError as problem:
        raise NetworkError(f"{uri} is not a SIP address: {problem}") from problem
    if parsed.scheme not in ("sip", "sips") or not parsed.host:
        raise NetworkError(f"{uri}: only sip: addresses can be called")
    wanted = (parsed.params.get("transport") or "udp").lower()
    transport = "tls" if parsed.scheme == "sips" else _TRANSPORTS.get(wanted)
    if transport is None:
        raise NetworkError(f"{uri}: the transport {wanted} is not known; use udp, tcp or tls")
    maddr = parsed.params.get("maddr")  # RFC 3263, 4: it replaces the host where present
    host = (maddr or parsed.host).strip("[]")
    return transport, host, parsed.port or _DEFAULT_PORT[transport]


def _is_numeric(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except OSError:
        return False
    return True

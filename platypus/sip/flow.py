"""What crosses the line between the signalling machine and whoever drives it.

The machine (`sip.user_agent.UserAgent`) owns no socket. It asks for effects and
is told what came of them; a `Flow` names where a message came from or goes to,
and the machine only compares it (RFC 3261, section 18; RFC 5626, section 3.1).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Transport = Literal["udp", "tcp", "tls"]
Address = tuple[str, int]  # a numeric host without brackets, and a port


class Hop(NamedTuple):
    """One place to try, in order of preference (RFC 3263)."""

    transport: Transport
    host: str  # numeric
    port: int
    name: str = ""  # the domain a TLS certificate must be valid for (RFC 5922)


class Flow(NamedTuple):
    """A path messages take: a UDP socket and a peer, or one connection."""

    transport: Transport
    local: Address  # the address to advertise to this peer, never 0.0.0.0
    remote: Address
    number: int = 0  # tells two connections between the same addresses apart


class Resolve(NamedTuple):
    """Find the hops for `uri`; answer with `resolved(key, hops, now)` or `failed(key, ...)`."""

    key: int
    uri: str


class Connect(NamedTuple):
    """Open or reuse a flow to `hop`; answer with `connected(key, flow, now)` or `failed`."""

    key: int
    hop: Hop


class Send(NamedTuple):
    """Send these bytes, one whole message, on `flow`."""

    flow: Flow
    data: bytes


class Close(NamedTuple):
    """The machine no longer needs this flow."""

    flow: Flow


Effect = Resolve | Connect | Send | Close

"""From a SIP URI to the places to try, best first (RFC 3263, sections 4.1 to 4.3; RFC 2782).

    sip:bob@example.com    NAPTR -> SRV -> A, AAAA      what the domain prefers
    ...;transport=tcp               SRV -> A, AAAA      4.1: the transport is known
    ...:5070                               A, AAAA      4.2: so is the port
    ...@192.0.2.1                                       nothing is asked

NAPTR and SRV are asked for at the same time: some routers answer no NAPTR at all, and
nobody should wait for that. What is asked, and of whom, is `resolver`'s; this decides
what for, and puts the answers in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from platypus.errors import NetworkError, ProtocolError
from platypus.net.addresses import is_numeric
from platypus.sip.flow import Hop, Transport
from platypus.sip.uri import Uri

MAX_HOPS = 8  # a name may have hundreds of addresses; the user will not wait for them all
MAX_RECORDS = 16  # of one answer; a domain has two or four

DEFAULT_PORT = {"udp": 5060, "tcp": 5060, "tls": 5061}
_TRANSPORTS: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}
_SERVICES: dict[str, Transport] = {"sip+d2u": "udp", "sip+d2t": "tcp", "sips+d2t": "tls"}
# `sip:...;transport=tls` is no secure URI, but what it asks for is found under _sips as well.
_SRV_PREFIX = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}


class Naptr(NamedTuple):
    """What of a NAPTR record counts here (RFC 3403, 4.1)."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


class Srv(NamedTuple):
    """An SRV record; an empty target says that the service is not offered (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Records(Protocol):
    """Whoever knows the records of names; an empty list where there are none, or no answer."""

    async def naptr(self, domain: str) -> list[Naptr]: ...

    async def srv(self, name: str) -> list[Srv]: ...

    async def addresses(self, host: str) -> list[str]:
        """Numeric, the one to try first first; NetworkError says why there are none."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URI points to, before anybody was asked."""

    host: str  # without brackets
    port: int | None
    transports: tuple[Transport, ...]  # that will do, in order of preference
    open: bool  # whether the domain may say which it prefers
    name: str  # the domain a certificate must be valid for

    @property
    def numeric(self) -> Hop | None:
        """The one hop where nothing has to be looked up."""
        if not is_numeric(self.host):
            return None
        transport = self.transports[0]
        name = "" if self.name == self.host else self.name
        return Hop(transport, self.host, self.port or DEFAULT_PORT[transport], name)


@lru_cache(maxsize=256)
def target(uri: str) -> Target:
    """What `uri` says about where to send; NetworkError where that is nowhere."""
    try:
        parsed = Uri.parse(uri)
    except ProtocolError as problem:
        raise NetworkError(f"{uri} is not a SIP address: {problem}") from problem
    if parsed.scheme not in ("sip", "sips") or not parsed.host:
        raise NetworkError(f"{uri}: only sip: addresses can be called")
    # RFC 3263, 4: maddr replaces the host. Who may speak for it is the URI's domain all the same.
    host = (parsed.params.get("maddr") or parsed.host).strip("[]")
    is_open = parsed.transport is None and parsed.port is None and not is_numeric(host)
    return Target(host, parsed.port, _transports(parsed, is_open), is_open, parsed.host.strip("[]"))


def _transports(uri: Uri, is_open: bool) -> tuple[Transport, ...]:
    wanted = uri.transport
    transport = _TRANSPORTS.get(wanted or "udp")
    if transport is None:
        raise NetworkError(f"{uri}: the transport {wanted} is not known; use udp, tcp or tls")
    if uri.scheme == "sips":
        if wanted == "udp":
            raise NetworkError(f"{uri}: a sips: address can't be reached over UDP")
        return ("tls",)  # RFC 3261, 26.2.2: transport=tcp is then TLS over TCP
    return ("udp", "tcp") if is_open else (transport,)


async def locate(where: Target, records: Records, random: Callable[[int], bytes]) -> list[Hop]:
    """The hops for a target, best first; NetworkError says why there is none."""
    if (hop := where.numeric) is not None:
        return [hop]
    servers: list[tuple[Transport, str, int]] = []
    if where.port is None:
        servers = await _servers(where, records, random)
    if not servers:
        transport = where.transports[0]
        servers = [(transport, where.host, where.port or DEFAULT_PORT[transport])]
    return await _hops(servers[:MAX_HOPS], where.name, records)


async def _servers(
    where: Target, records: Records, random: Callable[[int], bytes]
) -> list[tuple[Transport, str, int]]:
    """By NAPTR and SRV: those of the preferred transport, then those of the others."""
    names = [(transport, _SRV_PREFIX[transport] + where.host) for transport in where.transports]
    pointers, answers = await asyncio.gather(_pointers(where, records), _srv(names, records))
    if pointers:
        names, answers = pointers, await _srv(pointers, records)
    found: dict[tuple[Transport, str, int], None] = {}
    withheld = False
    for (transport, _), answer in zip(names, answers, strict=True):
        for record in in_order(answer[:MAX_RECORDS], random):
            if record.target:
                found[(transport, record.target, record.port)] = None
            else:
                withheld = True
    if withheld and not found:
        raise NetworkError(f"{where.host} says that it offers no SIP over {_spoken(where)}")
    return list(found)


async def _srv(names: list[tuple[Transport, str]], records: Records) -> list[list[Srv]]:
    return await asyncio.gather(*(records.srv(name) for _, name in names))


async def _pointers(where: Target, records: Records) -> list[tuple[Transport, str]]:
    """The SRV names that NAPTR gives, for what we can do (4.1)."""
    if not where.open:
        return []
    secure = where.transports == ("tls",)
    usable = []
    for record in (await records.naptr(where.host))[:MAX_RECORDS]:
        transport = _SERVICES.get(record.service.lower())
        terminal = record.flags.lower() == "s" and not record.regexp and record.replacement
        if transport is not None and terminal and (transport == "tls" or not secure):
            usable.append((record.order, record.preference, transport, record.replacement))
    return [(transport, name) for *_, transport, name in sorted(usable, key=lambda r: r[:2])]


async def _hops(
    servers: Sequence[tuple[Transport, str, int]], name: str, records: Records
) -> list[Hop]:
    """The addresses of each server, in the order of the servers."""
    hosts = list(dict.fromkeys(host for _, host, _ in servers))
    answers = await asyncio.gather(
        *(_addresses(host, records) for host in hosts), return_exceptions=True
    )
    known = dict(zip(hosts, answers, strict=True))
    hops: dict[Hop, None] = {}
    problem: BaseException | None = None
    for transport, host, port in servers:
        found = known[host]
        if isinstance(found, BaseException):
            problem = found
            continue
        hops.update(dict.fromkeys(Hop(transport, address, port, name) for address in found))
    if not hops:
        raise problem or NetworkError(f"{name} has no address")
    return list(hops)[:MAX_HOPS]


async def _addresses(host: str, records: Records) -> list[str]:
    return [host] if is_numeric(host) else await records.addresses(host)


def _spoken(where: Target) -> str:
    return " or ".join(transport.upper() for transport in where.transports)


def in_order(records: Iterable[Srv], random: Callable[[int], bytes]) -> list[Srv]:
    """SRV records in the order to try them: by priority, and drawn by weight (RFC 2782)."""
    waiting: dict[int, list[Srv]] = {}
    for record in records:
        waiting.setdefault(record.priority, []).append(record)
    return [each for priority in sorted(waiting) for each in _drawn(waiting[priority], random)]


def _drawn(records: list[Srv], random: Callable[[int], bytes]) -> Iterable[Srv]:
    # Those of weight 0 come first, so that they are drawn only by the smallest number.
    rest = sorted(records, key=lambda record: record.weight > 0)
    while rest:
        total = sum(record.weight for record in rest)
        number = int.from_bytes(random(4), "big") * (total + 1) >> 32  # 0 to total, both included
        for place, record in enumerate(rest):
            number -= record.weight
            if number <= 0:
                yield rest.pop(place)
                break

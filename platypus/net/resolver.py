"""Ask the name servers: NAPTR, SRV, A and AAAA records by dnspython, and remember the answers.

An answer is kept as long as its TTL says, within limits; that there is none is kept for a
while too, and so is a server's silence. When the servers are silent, an answer that has
just expired is better than none (RFC 8767). Names that only this machine or its network
know (`localhost`, `pbx`, `pbx.local`, the hosts file) are left to the system's resolver.

What to ask for, and how answers make an order, is `locate`'s. dnspython is imported with
the first name, in a worker thread: that takes 0.1 s.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from platypus.errors import NetworkError
from platypus.net.addresses import family_of, is_numeric, local_address_for
from platypus.net.locate import MAX_RECORDS, Naptr, Srv, locate, target
from platypus.sip.flow import Address, Hop

logger = logging.getLogger("platypus.net")

# Nobody waits longer for a call. The system's own resolver gives up after 20 to 30 s.
RESOLVE_TIMEOUT = 8.0
# Some home routers drop what they don't know. Without NAPTR and SRV there still are addresses.
POINTER_TIMEOUT = 2.5
ADDRESS_TIMEOUT = 5.0
LONGEST_TTL = 3600.0  # a PBX that moved is found again within the hour
NEGATIVE_TTL = 60.0  # RFC 2308 allows hours; a record that was just added should be found soon
SYSTEM_TTL = 30.0  # the system's resolver tells no TTL
STALE = 24 * 3600.0  # RFC 8767, 5 suggests one to three days
MAX_ANSWERS = 512  # strangers can make us ask (a Contact, a Route); they can't fill the memory
CONFIGURATION_LIFETIME = 15.0  # another network has other servers

_BAD_NAMES = ("EmptyLabel", "LabelTooLong", "NameTooLong", "UnicodeError", "IDNAException")
# Names that stand in no public zone (RFC 6761, RFC 6762).
_LOCAL_SUFFIXES = (".local", ".localhost", ".invalid")


class Question(NamedTuple):
    name: str
    kind: str  # "NAPTR", "SRV", "A", "AAAA", or "system"


class _Answer(NamedTuple):
    values: list[Any]
    until: float
    problem: str = ""


class Resolver:
    """Server location for one engine; `servers` instead of those the system is set to."""

    def __init__(
        self,
        random: Callable[[int], bytes],
        *,
        families: Sequence[socket.AddressFamily] = (socket.AF_INET,),
        servers: Sequence[Address] = (),
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._random = random
        self._families = families  # of the sockets we have
        self._servers = servers
        self._clock = clock
        self._answers: dict[Question, _Answer] = {}
        self._asking: dict[Question, asyncio.Task[_Answer]] = {}
        self._stub: Any = None
        self._stub_until = 0.0
        self._heard_at = 0.0  # when a server last answered anything

    async def resolve(self, uri: str) -> list[Hop]:
        """The hops for `uri`, best first; NetworkError says what did not resolve."""
        where = target(uri)
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                return await locate(where, self, self._random)
        except TimeoutError:
            raise NetworkError(_silent(where.host)) from None

    def forget(self) -> None:
        """Another network: nothing that was known needs to hold."""
        self._answers.clear()
        self._stub_until = 0.0

    def close(self) -> None:
        """Ask nobody any more."""
        for task in self._asking.values():
            task.cancel()

    async def naptr(self, domain: str) -> list[Naptr]:
        """See `locate.Records`."""
        return (await self._ask(Question(domain, "NAPTR"))).values

    async def srv(self, name: str) -> list[Srv]:
        """See `locate.Records`."""
        return (await self._ask(Question(name, "SRV"))).values

    async def addresses(self, host: str) -> list[str]:
        """See `locate.Records`."""
        kinds = {socket.AF_INET: "A", socket.AF_INET6: "AAAA"}
        answers: list[_Answer] = []
        if not _is_local(host):
            questions = [Question(host, kinds[family]) for family in self._families]
            answers = await asyncio.gather(*(self._ask(question) for question in questions))
        found = [address for answer in answers for address in answer.values]
        if not found:
            # The hosts file, mDNS, a search domain: the system may know what DNS does not.
            system = await self._ask(Question(host, "system"))
            found = [each for each in system.values if family_of(each) in self._families]
            if not found:
                raise NetworkError(system.problem or _unknown(host))
        return by_preference(found)

    async def _ask(self, question: Question) -> _Answer:
        """What is known, or what somebody is asking already, or what the servers say."""
        question = question._replace(name=question.name.rstrip(".").lower())
        known = self._answers.get(question)
        if known is not None and known.until > self._now():
            return known
        if _is_local(question.name) and question.kind != "system":
            return _Answer([], 0.0)
        task = self._asking.get(question)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._fetch(question))
            self._asking[question] = task
            task.add_done_callback(lambda _: self._asking.pop(question, None))
        # Shielded: who asked may give up, and others wait for the same answer.
        return await asyncio.shield(task)

    async def _fetch(self, question: Question) -> _Answer:
        if question.kind == "system":
            answer = await self._ask_system(question.name)
        else:
            answer = await self._ask_servers(question)
        stale = self._answers.get(question)
        if answer.problem and stale and stale.values and stale.until + STALE > self._now():
            logger.warning("%s: using what was known before", answer.problem)
            return stale
        self._remember(question, answer)
        return answer

    def _remember(self, question: Question, answer: _Answer) -> None:
        self._answers.pop(question, None)  # the newest stands last
        while len(self._answers) >= MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[question] = answer

    async def _ask_servers(self, question: Question) -> _Answer:
        pointer = question.kind in ("NAPTR", "SRV")
        exception = (await self._library("dns.exception")).DNSException
        asked_at = self._now()
        try:
            stub = await self._get_stub()
            found = await stub.resolve(
                question.name,
                question.kind,
                search=False,
                raise_on_no_answer=False,
                lifetime=POINTER_TIMEOUT if pointer else ADDRESS_TIMEOUT,
            )
        except (exception, OSError, UnicodeError, ValueError) as error:
            return self._no_answer(question, error, asked_at)
        self._heard_at = self._now()
        records = list(found.rrset or ())[:MAX_RECORDS]
        ttl = min(float(found.rrset.ttl), LONGEST_TTL) if records else NEGATIVE_TTL
        return _Answer([_value(question.kind, each) for each in records], self._now() + ttl)

    def _no_answer(self, question: Question, error: Exception, asked_at: float) -> _Answer:
        """NXDOMAIN is an answer; most else is a server that is silent or out of order."""
        now = self._now()
        kind = type(error).__name__
        logger.debug("%s %s: %s", question.kind, question.name, kind)
        if kind == "NXDOMAIN":
            self._heard_at = now
            return _Answer([], now + NEGATIVE_TTL)
        if kind in _BAD_NAMES:
            return _Answer([], now + NEGATIVE_TTL, _unknown(question.name))
        # A server that answers other questions drops this kind, and will the next time. One that
        # answers nothing may be back in a moment, and so may the network.
        drops = self._heard_at >= asked_at
        return _Answer([], now + NEGATIVE_TTL if drops else now, _silent(question.name))

    async def _ask_system(self, name: str) -> _Answer:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:  # an empty or overlong label is a UnicodeError
            # Not kept: it may be the network that is missing, and asking costs little.
            silent = getattr(error, "errno", None) == socket.EAI_AGAIN
            return _Answer([], 0.0, _silent(name) if silent else _unknown(name))
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        kept = [each for each in addresses if is_numeric(each)][:MAX_RECORDS]
        return _Answer(kept, self._now() + SYSTEM_TTL)

    async def _get_stub(self) -> Any:
        """dnspython's resolver, set up as the system is now."""
        if self._stub is None or (self._stub_until < self._now() and not self._servers):
            module = await self._library("dns.asyncresolver")
            self._stub = module.Resolver(configure=not self._servers)
            if self._servers:
                self._stub.nameservers = [
                    (await self._library("dns.nameserver")).Do53Nameserver(*server)
                    for server in self._servers
                ]
            self._stub_until = self._now() + CONFIGURATION_LIFETIME
        return self._stub

    async def _library(self, name: str) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, name)

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()


def _value(kind: str, record: Any) -> Naptr | Srv | str:
    if kind == "SRV":
        return Srv(record.priority, record.weight, record.port, _plain(record.target))
    if kind == "NAPTR":
        flags, service, regexp = (
            part.decode("ascii", "replace")
            for part in (record.flags, record.service, record.regexp)
        )
        replacement = _plain(record.replacement)
        return Naptr(record.order, record.preference, flags, service, regexp, replacement)
    return str(record.address)


def _plain(name: Any) -> str:
    """A name as text without the dot at its end; the root is empty."""
    return str(name.to_text(omit_final_dot=True)).removesuffix(".")


def _is_local(name: str) -> bool:
    return "." not in name or name.endswith(_LOCAL_SUFFIXES)


def by_preference(addresses: Sequence[str]) -> list[str]:
    """IPv6 first where the network has it (RFC 6724); then one of each in turn.

    An address of a family without a route is tried last. So the second attempt is over the
    other family, for where IPv6 is announced but does not work.
    """
    routed: dict[socket.AddressFamily, list[str]] = {socket.AF_INET6: [], socket.AF_INET: []}
    rest = []
    for address in addresses:
        if _is_routed(address):
            routed[family_of(address)].append(address)
        else:
            rest.append(address)
    six, four = routed.values()
    turns = list(zip(six, four, strict=False))
    shared = len(turns)
    return [each for pair in turns for each in pair] + six[shared:] + four[shared:] + rest


def _is_routed(address: str) -> bool:
    """Whether the system would send there from an address that can be answered."""
    try:
        source = local_address_for(address, 0)
    except NetworkError:
        return False
    return not source.startswith("fe80:") or address.startswith("fe80:")


def _silent(host: str) -> str:
    return f"the name servers did not answer for {host}; check the network connection"


def _unknown(host: str) -> str:
    return f"the name {host} does not resolve; check its spelling and the network"


def resolve_numeric(uri: str) -> list[Hop] | None:
    """The one hop of a URI whose host is an address; None where a name must be looked up."""
    hop = target(uri).numeric
    return None if hop is None else [hop]

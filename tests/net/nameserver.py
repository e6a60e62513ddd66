"""A DNS server for tests: real packets over UDP on 127.0.0.1, a zone given as text."""

from __future__ import annotations

import asyncio
from collections import Counter

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

ORIGIN = dns.name.from_text("example.com.")
SOA = "@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 300 IN NS ns\nns 300 IN A 127.0.0.1\n"


class NameServer(asyncio.DatagramProtocol):
    """Answers for example.com from `records` (the lines of a zone file).

    `silent` are the kinds it drops, `refused` those it fails with SERVFAIL; `asked`
    counts questions as ("_sip._udp", "SRV").
    """

    def __init__(self, records: str) -> None:
        self.set(records)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.silent: set[str] = set()
        self.refused: set[str] = set()
        self.mute = False
        self.address = ("", 0)

    def set(self, records: str) -> None:
        """Another zone."""
        text = SOA + "\n".join(line.strip() for line in records.strip().splitlines()) + "\n"
        self._zone = dns.zone.from_text(text, origin=ORIGIN, relativize=False)

    async def __aenter__(self) -> NameServer:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self.address = self._transport.get_extra_info("sockname")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        [question] = query.question
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked[(str(question.name.relativize(ORIGIN)), kind)] += 1
        if self.mute or kind in self.silent:
            return
        self._transport.sendto(self._answer(query, question, kind).to_wire(), addr)

    def _answer(
        self, query: dns.message.Message, question: dns.rrset.RRset, kind: str
    ) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if kind in self.refused:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        node = self._zone.get_node(question.name)
        if node is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return response
        found = self._zone.get_rrset(question.name, question.rdtype)
        if found is not None:
            response.answer.append(found)
        return response

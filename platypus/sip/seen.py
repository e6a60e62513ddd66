"""Where the far end of a flow sees us (RFC 3581, 4): behind a NAT not where we think we are.

A registrar's response tells by `received` and `rport` in our Via, or a STUN server does where
the driver asked one. What was learned stands in the Contact of registrations and calls on that
flow. On a connection it counts only where there is a NAT: a PBX that knows nothing of RFC 5626
finds the connection by the address it comes from, and nobody could open another. A call whose
INVITE was too large for a datagram has the Contact that datagrams reach.

Where a registrar keeps flows (RFC 5626), calls say by `;ob` that they keep to it.
Nothing here asks anybody.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from platypus.sip.build import contact_uri

if TYPE_CHECKING:
    from platypus.sip.flow import Address, Flow
    from platypus.sip.message import Response

MAX_FLOWS = 64  # one for each account at most; old ones belong to networks that were left


class SeenAddresses:
    """What was learned, by flow."""

    def __init__(self) -> None:
        self._seen: dict[Flow, Address] = {}
        self._direct: set[Flow] = set()  # connections without a NAT
        self._outbound: set[Flow] = set()

    def learn(self, flow: Flow, response: Response) -> bool:
        """Take the word of `response`, an answer by `flow`; whether it is news."""
        via = response.via
        if via.received is None and via.rport is None:
            return False
        if flow.transport != "udp" and via.received in (None, flow.local[0]):
            if len(self._direct) < MAX_FLOWS:
                self._direct.add(flow)
            return False
        found = (via.received or flow.local[0], via.rport or flow.local[1])
        if found == self._seen.get(flow, flow.local) or not _is_numeric(found[0]):
            return False
        self.note(flow, found)
        return True

    def note(self, flow: Flow, address: Address) -> None:
        """The far end of `flow` sees us at `address`, by whoever's word."""
        if len(self._seen) >= MAX_FLOWS:
            self._seen.clear()
        self._seen[flow] = address

    def outbound(self, flow: Flow, *, on: bool) -> None:
        """Whether a registrar keeps `flow` for requests to us."""
        self._outbound.discard(flow)
        if on and len(self._outbound) < MAX_FLOWS:
            self._outbound.add(flow)

    def forget(self, flow: Flow) -> None:
        """It is no more."""
        self._seen.pop(flow, None)
        self._outbound.discard(flow)
        self._direct.discard(flow)

    def is_known(self, flow: Flow) -> bool:
        """Whether anybody has said where we are seen."""
        return flow in self._seen

    def is_direct(self, flow: Flow) -> bool:
        """Whether the far end has said that it sees us as we are."""
        seen = self._seen.get(flow)
        return flow in self._direct or (seen is not None and seen[0] == flow.local[0])

    def advertised(self, flow: Flow) -> Flow:
        """`flow` with the address that the far end can reach as the local one."""
        seen = self._seen.get(flow)
        if seen is not None:
            return flow._replace(local=seen)
        return flow if flow.transport == "udp" or not self._seen else self._by_datagram(flow)

    def _by_datagram(self, flow: Flow) -> Flow:
        """The UDP flow beside a connection behind the same NAT, as its far end sees it."""
        for known, seen in self._seen.items():
            same = known.local[0] == flow.local[0] and known.remote[0] == flow.remote[0]
            if same and known.transport == "udp" and seen[0] != known.local[0]:
                return known._replace(local=seen)
        return flow

    def contact(self, flow: Flow, user: str, *, secure: bool = False) -> str:
        """Our Contact in a call or a subscription over `flow`."""
        uri = contact_uri(self.advertised(flow), user, secure=secure)
        return f"<{uri};ob>" if flow in self._outbound else f"<{uri}>"


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Where the far end of a UDP flow sees us (RFC 3581, 4): behind a NAT not where we think we are.

A registrar's response tells by `received` and `rport` in our Via, or a STUN server does where
the driver asked one. What was learned stands in
the Contact of registrations and calls on that flow. Streams need none of it: their connection
is the way back. Where a registrar keeps flows (RFC 5626), calls say by `;ob` that they keep to it.
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
        self._outbound: set[Flow] = set()

    def learn(self, flow: Flow, response: Response) -> bool:
        """Take the word of `response`, an answer by `flow`; whether it is news."""
        if flow.transport != "udp":
            return False
        via = response.via
        if via.received is None and via.rport is None:
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

    def advertised(self, flow: Flow) -> Flow:
        """`flow` with the address that the far end can reach as the local one."""
        seen = self._seen.get(flow)
        return flow if seen is None else flow._replace(local=seen)

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

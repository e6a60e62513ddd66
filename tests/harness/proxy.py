"""A stateless, record-routing proxy (RFC 3261, 16.11), as small as one can be.

It sends requests without a route to where its table says, keeps itself in the
path, and removes its Via from responses. It adds nothing that a test doesn't see.
"""

from __future__ import annotations

import hashlib

from platypus.sip.flow import Address, Flow
from platypus.sip.headers import Via
from platypus.sip.message import Request, parse_message
from platypus.sip.uri import Uri
from tests.harness.network import Network


class Proxy:
    """One address that forwards."""

    def __init__(self, network: Network, host: str, *, loose: bool = True) -> None:
        self.network = network
        self.address: Address = (host, 5060)
        self.users: dict[str, Address] = {}  # user part: where it is
        self.own = f"sip:{host}:5060" + (";lr" if loose else "")
        network.endpoints[self.address] = self

    def receive(self, data: bytes, flow: Flow) -> None:
        message = parse_message(data)
        if isinstance(message, Request):
            self._forward(message)
            return
        first, *others = message.headers.get_all("Via")
        assert Via.parse(first).host == self.address[0]
        message.headers.remove("Via")
        for via in others:
            message.headers.add("Via", via)
        back = Via.parse(others[0])
        self._send(message.serialize(), (back.host, back.port or 5060))

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self) -> None:
        pass

    def _forward(self, request: Request) -> None:
        headers = request.headers
        if str(request.uri) == self.own:
            # A strict router before us put us here and the target last (16.4).
            routes = headers.get_all("Route")
            request.uri = Uri.parse(routes.pop().strip("<>"))
            self._set_routes(request, routes)
        routes = headers.get_all("Route")
        if routes and routes[0].strip("<>") == self.own:
            self._set_routes(request, routes[1:])
        # 16.11: the branch of a stateless proxy follows from the request.
        seed = f"{request.via.branch}{request.cseq.number}".encode()
        branch = "z9hG4bK" + hashlib.sha256(seed).hexdigest()[:16]
        headers.prepend("Via", f"SIP/2.0/UDP {self.address[0]}:5060;branch={branch}")
        if request.method == "INVITE":
            headers.prepend("Record-Route", f"<{self.own}>")
        headers.set("Max-Forwards", str((request.max_forwards or 70) - 1))
        self._send(request.serialize(), self._next_hop(request))

    def _next_hop(self, request: Request) -> Address:
        uri = request.routes[0].uri if request.routes else request.uri
        if not request.routes and not request.to.tag:
            return self.users[uri.user or ""]
        return (uri.host, uri.port or 5060)

    def _set_routes(self, request: Request, routes: list[str]) -> None:
        request.headers.remove("Route")
        for route in routes:
            request.headers.add("Route", route)

    def _send(self, data: bytes, target: Address) -> None:
        self.network.carry(data, Flow("udp", self.address, target))

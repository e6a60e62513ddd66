"""Dialogs (RFC 3261, section 12): tags, sequence numbers, route set and remote target.

A dialog is a value with two counters; it sends nothing. How long it lives is the
session's matter. Loose and strict routes are both followed (12.2.1.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from platypus.sip.build import MAX_FORWARDS, flow_reaches
from platypus.sip.headers import NameAddr
from platypus.sip.message import Headers, Request

if TYPE_CHECKING:
    from platypus.sip.flow import Flow
    from platypus.sip.message import Response
    from platypus.sip.uri import Uri

DialogKey = tuple[str, str]  # Call-ID and local tag; the remote tag is compared after that


class Dialog:
    """One dialog, or an early one."""

    __slots__ = ("_lost", "call_id", "flow", "local", "local_cseq", "located", "remote",
                 "remote_cseq", "remote_target", "route_set")  # fmt: skip

    def __init__(
        self,
        *,
        call_id: str,
        local: NameAddr,
        remote: NameAddr,
        remote_target: Uri,
        route_set: tuple[NameAddr, ...],
        flow: Flow,
        local_cseq: int = 0,
        remote_cseq: int = -1,
    ) -> None:
        self.call_id = call_id
        self.local = local  # with our tag
        self.remote = remote  # with the peer's; without one from an RFC 2543 peer (12.1.1)
        self.remote_target = remote_target
        self.route_set = route_set
        self.flow = flow  # by which the dialog was made
        self._lost = False  # that one is no more
        self.located: tuple[str, Flow] | None = None  # the next hop resolved last
        self.local_cseq = local_cseq  # of the last request sent
        self.remote_cseq = remote_cseq  # of the last request received; -1 before any

    @classmethod
    def from_request(cls, request: Request, local_tag: str, flow: Flow) -> Dialog:
        """The callee's side (12.1.1)."""
        contacts = request.contacts
        return cls(
            call_id=request.call_id,
            local=request.to.with_tag(local_tag),
            remote=request.from_,
            # A Contact is mandatory; without one the From is all there is.
            remote_target=(contacts[0] if contacts else request.from_).uri.without_headers(),
            route_set=request.record_routes,
            flow=flow,
            remote_cseq=request.cseq.number,
        )

    @classmethod
    def from_response(cls, request: Request, response: Response, flow: Flow) -> Dialog:
        """The caller's side (12.1.2)."""
        dialog = cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            remote_target=request.uri,
            route_set=(),
            flow=flow,
            local_cseq=request.cseq.number,
        )
        dialog.confirm(response)
        return dialog

    def confirm(self, response: Response) -> None:
        """Take the route set and the target from a response to the first INVITE (13.2.2.4)."""
        self.route_set = tuple(reversed(response.record_routes))
        self.refresh_target(response.contacts)

    def refresh_target(self, contacts: tuple[NameAddr, ...]) -> None:
        """A target refresh request or its 2xx names a new remote target (12.2.1.2, 12.2.2)."""
        if contacts:
            self.remote_target = contacts[0].uri.without_headers()

    def in_order(self, request: Request) -> bool:
        """Note the CSeq of a request received; False if it is older than the last (12.2.2)."""
        number = request.cseq.number
        if number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    @property
    def next_hop(self) -> str:
        """The URI that says where requests go next (8.1.2)."""
        return str(self.route_set[0].uri if self.route_set else self.remote_target)

    @property
    def known_flow(self) -> Flow | None:
        """The flow to the next hop, if it is known without resolving."""
        next_hop = self.next_hop
        if self.located is not None and self.located[0] == next_hop:
            return self.located[1]
        uri = self.route_set[0].uri if self.route_set else self.remote_target
        return self.flow if not self._lost and flow_reaches(self.flow, uri) else None

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Those that it still counts on."""
        made = () if self._lost else (self.flow,)
        return made if self.located is None else (*made, self.located[1])

    def flow_lost(self, flow: Flow) -> None:
        """A connection broke: what follows finds a new one."""
        self._lost = self._lost or flow == self.flow
        if self.located is not None and self.located[1] == flow:
            self.located = None

    def next_cseq(self) -> int:
        """The number of a new request (12.2.1.1)."""
        self.local_cseq += 1
        return self.local_cseq

    def request(
        self, method: str, cseq: int, via: str, headers: Iterable[tuple[str, str]] = ()
    ) -> Request:
        """A request inside the dialog (12.2.1.1)."""
        uri, routes = self._routed()
        fields = Headers([("Via", via), ("Max-Forwards", MAX_FORWARDS)])
        for route in routes:
            fields.add("Route", route)
        fields.add("From", str(self.local))
        fields.add("To", str(self.remote))
        fields.add("Call-ID", self.call_id)
        fields.add("CSeq", f"{cseq} {method}")
        for name, value in headers:
            fields.add(name, value)
        return Request(method, uri, fields)

    def _routed(self) -> tuple[Uri, list[str]]:
        routes = [f"<{route.uri}>" for route in self.route_set]
        if not routes or self.route_set[0].uri.is_loose:
            return self.remote_target, routes
        # A strict router wants itself in the Request-URI, and the target at the end of the route.
        first = self.route_set[0].uri.without_headers()
        return first, [*routes[1:], f"<{self.remote_target}>"]

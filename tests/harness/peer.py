"""A scripted SIP peer: it says exactly what a test has it say, and retransmits nothing.

It builds its messages by hand, from text, so that it shares no judgement with the
code under test; only parsing is borrowed, to look at what came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from platypus.sip.flow import Address, Flow
from platypus.sip.message import Message, Request, Response, parse_message
from tests.harness.network import Network

Fields = Iterable[tuple[str, str]]


class Peer:
    """An address that records what comes and sends what it is told."""

    def __init__(self, network: Network, host: str, port: int = 5060) -> None:
        self.network = network
        self.address: Address = (host, port)
        self.inbox: list[tuple[Message, Flow]] = []
        self._branches = 0
        network.endpoints[self.address] = self

    @property
    def uri(self) -> str:
        return f"sip:peer@{self.address[0]}:{self.address[1]}"

    def receive(self, data: bytes, flow: Flow) -> None:
        self.inbox.append((parse_message(data), flow))

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self) -> None:
        pass

    def requests(self, method: str) -> list[Request]:
        """Every request of a method so far, retransmissions included."""
        return [m for m, _ in self.inbox if isinstance(m, Request) and m.method == method]

    def responses(self, method: str = "") -> list[int]:
        """The status of every response so far, to one method or to all."""
        return [
            m.status
            for m, _ in self.inbox
            if isinstance(m, Response) and (m.headers.get("CSeq") or "").endswith(method)
        ]

    def request(self, method: str) -> Request:
        """The newest request of a method; there must be one."""
        found = self.requests(method)
        assert found, f"no {method} among {self.inbox}"
        return found[-1]

    def response(self, status: int) -> Response:
        """The newest response of a status; there must be one."""
        found = [m for m, _ in self.inbox if isinstance(m, Response) and m.status == status]
        assert found, f"no {status} among {self.inbox}"
        return found[-1]

    def clear(self) -> None:
        """Forget what came so far."""
        self.inbox.clear()

    def respond(
        self,
        request: Request,
        status: int,
        *,
        reason: str = "Whatever",
        tag: str = "peer",
        contact: str | None = None,
        headers: Fields = (),
        body: bytes = b"",
    ) -> None:
        """Answer a request where its Via says."""
        to = request.headers.get("To") or ""
        if tag and ";tag=" not in to:
            to += f";tag={tag}"
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {via}" for via in request.headers.get_all("Via")]
        lines += [f"Record-Route: {r}" for r in request.headers.get_all("Record-Route")]
        lines += [f"From: {request.headers.get('From')}", f"To: {to}"]
        lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.headers.get('CSeq')}"]
        if (request.method == "INVITE" and 100 < status < 300) or contact:
            lines.append(f"Contact: <{contact or self.uri}>")
        lines += [f"{name}: {value}" for name, value in headers]
        via = request.via
        self._send(lines, body, (via.host, via.port or 5060), via.transport.lower())

    def send(
        self,
        method: str,
        uri: str,
        target: Address,
        *,
        call_id: str = "call-1",
        from_: str = "<sip:peer@example.com>;tag=peer",
        to: str = "<sip:phone@example.com>",
        cseq: int = 1,
        cseq_method: str = "",
        branch: str = "",
        via: str = "",
        max_forwards: int = 70,
        headers: Fields = (),
        body: bytes = b"",
        transport: str = "udp",
    ) -> str:
        """Send a request; returns its branch."""
        if not branch:
            self._branches += 1
            branch = f"z9hG4bKpeer{self._branches}"
        sent_by = f"{self.address[0]}:{self.address[1]}"
        lines = [f"{method} {uri} SIP/2.0"]
        lines.append(via or f"Via: SIP/2.0/{transport.upper()} {sent_by};rport;branch={branch}")
        lines += [f"Max-Forwards: {max_forwards}", f"From: {from_}", f"To: {to}"]
        lines += [f"Call-ID: {call_id}", f"CSeq: {cseq} {cseq_method or method}"]
        if method == "INVITE":
            lines.append(f"Contact: <{self.uri}>")
        lines += [f"{name}: {value}" for name, value in headers]
        self._send(lines, body, target, transport)
        return branch

    def send_raw(self, data: bytes, target: Address) -> None:
        """Send octets as they are."""
        self.network.carry(data, Flow("udp", self.address, target))

    def _send(self, lines: list[str], body: bytes, target: Address, transport: str) -> None:
        if body and not any(line.startswith("Content-Type:") for line in lines):
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        assert transport in ("udp", "tcp", "tls")
        flow = Flow(transport, self.address, target)  # type: ignore[arg-type]
        self.network.carry(data, flow)


@dataclass
class Caller:
    """The peer as a caller of a phone: one INVITE and what follows it."""

    peer: Peer
    phone: Address
    call_id: str = "call-1"
    cseq: int = 1
    to: str = "<sip:phone@example.com>"
    from_: str = "<sip:peer@example.com>;tag=peer"
    target: str = ""
    branch: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.target = self.target or f"sip:phone@{self.phone[0]}:{self.phone[1]}"

    def invite(self, body: bytes = b"v=0 offer\r\n", **options: object) -> None:
        """The first INVITE, or a further one."""
        self.branch = self._send("INVITE", self.cseq, body=body, **options)

    def answered(self) -> None:
        """Take tag and target from the phone's newest 200."""
        response = self.peer.response(200)
        self.to = response.headers.get("To") or ""
        self.target = str(response.contacts[0].uri)

    def ack(self, body: bytes = b"", cseq: int = 0) -> None:
        """The ACK for a 2xx."""
        self._send("ACK", cseq or self.cseq, body=body)

    def ack_refusal(self) -> None:
        """The ACK for anything else: in the INVITE's transaction, with the response's To."""
        statuses = [m for m, _ in self.peer.inbox if isinstance(m, Response)]
        to, self.to = self.to, statuses[-1].headers.get("To") or ""
        self._send("ACK", self.cseq, branch=self.branch)
        self.to = to

    def cancel(self, headers: Fields = ()) -> None:
        self._send("CANCEL", self.cseq, branch=self.branch, headers=headers)

    def request(self, method: str, **options: object) -> None:
        """The next request inside the dialog."""
        self.cseq += 1
        branch = self._send(method, self.cseq, **options)
        if method == "INVITE":
            self.branch = branch

    def _send(self, method: str, cseq: int, **options: object) -> str:
        return self.peer.send(
            method,
            self.target,
            self.phone,
            call_id=self.call_id,
            from_=self.from_,
            to=self.to,
            cseq=cseq,
            **options,  # type: ignore[arg-type]
        )

"""The far end of a call as a bare socket: says what no phone of ours would, in any order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from platypus.sip.message import Message, Request, Response, parse_message
from tests.harness.by_hand import response_to, written
from tests.harness.phones import Stranger


class Fork:
    """Answers one INVITE as many phones would, each with a tag and RTP of its own."""

    def __init__(self) -> None:
        self.sip = Stranger()
        self.branches = {"one": Stranger(), "two": Stranger()}
        self.invite: Request | None = None

    @property
    def uri(self) -> str:
        return f"sip:bob@127.0.0.1:{self.sip.port}"

    async def invited(self) -> None:
        message = await self.receive()
        assert isinstance(message, Request)
        self.invite = message

    async def receive(self) -> Message:
        return parse_message(await self.sip.receive())

    async def response(self, cseq: int) -> Response:
        """The final response to our request of that number."""
        while True:
            message = await self.receive()
            if not isinstance(message, Response) or message.status < 200:
                continue
            if message.cseq.number == cseq:
                return message

    def request(
        self,
        method: str,
        tag: str,
        port: int,
        cseq: int,
        body: str = "",
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """A request of ours in the dialog that `tag` made."""
        assert self.invite is not None
        ours = self.invite.headers
        lines = [
            f"{method} {self.invite.contacts[0].uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.sip.port};branch=z9hG4bK{method}{cseq}",
            "Max-Forwards: 70",
            f"From: {ours.get('To')};tag={tag}",
            f"To: {ours.get('From')}",
            f"Call-ID: {ours.get('Call-ID')}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{tag}@127.0.0.1:{self.sip.port}>",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self.sip.send(written(lines, body), port)

    def answer(self, tag: str, status: str, port: int, *, sdp: bool = True) -> None:
        assert self.invite is not None
        body = describe(self.branches[tag].port) if sdp else ""
        self.answer_to(self.invite, tag, status, port, body)

    def answer_to(self, request: Request, tag: str, status: str, port: int, body: str = "") -> None:
        """The same to any INVITE, with any description."""
        contact = f"sip:{tag}@127.0.0.1:{self.sip.port}"
        self.sip.send(response_to(request, status, tag=tag, contact=contact, body=body), port)

    async def speak(self, tag: str, port: int) -> None:
        """RTP from that branch until cancelled, as a phone sends it."""
        for number in range(1_000):
            header = bytes([0x80, 0]) + number.to_bytes(2, "big")
            header += (160 * number).to_bytes(4, "big") + tag.encode().ljust(4, b".")
            self.branches[tag].send(header + bytes([0xD0]) * 160, port)
            await asyncio.sleep(0.02)

    def remote(self, tag: str) -> str:
        return f"127.0.0.1:{self.branches[tag].port}"


def describe(port: int, codec: int = 0, *, host: str = "127.0.0.1", way: str = "sendrecv") -> str:
    """A session description with one audio stream."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {codec}\r\na={way}\r\n"
    )


@contextlib.contextmanager
def fork() -> Iterator[Fork]:
    made = Fork()
    with contextlib.ExitStack() as sockets:
        for each in (made.sip, *made.branches.values()):
            sockets.enter_context(each)
        yield made

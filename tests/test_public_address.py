"""`--stun`: the address that others see, in Contact and SDP, between real sockets.

In a namespace: to a far end on the loopback interface nobody gives a public address.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from platypus import public_address
from platypus.events import ErrorOccurred, IncomingCall
from platypus.sdp.description import parse
from platypus.sip.message import Request, Response, parse_message
from tests.harness import lan
from tests.harness.phones import phone, run
from tests.harness.stun_server import PUBLIC, seen, stun_server

HOST = "10.97.5.1"
OFFER = (
    f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\n"
)


@pytest.fixture(autouse=True)
def machine() -> Iterator[lan.Machine]:
    lan.needed()
    made = lan.Machine("natted")
    made.ip("link", "add", "wire", "type", "veth", "peer", "name", "end")
    made.ip("link", "set", "wire", "up")
    made.ip("link", "set", "end", "up")
    made.add_address("wire", f"{HOST}/24")
    made.add_address("wire", "10.97.5.2/24")
    with made.inside():
        yield made
    made.close()


class FarEnd:
    """A bare SIP socket at 10.97.5.1; nothing in its answers tells where we are seen."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)
        self.uri = f"sip:bob@{HOST}:{self.socket.getsockname()[1]}"

    async def receive(self) -> Request | Response:
        message = parse_message(await asyncio.get_running_loop().sock_recv(self.socket, 65_536))
        assert isinstance(message, (Request, Response))
        return message

    async def invited(self) -> Request:
        """The INVITE that comes, refused at once, so that whoever made it may leave."""
        loop = asyncio.get_running_loop()
        while True:
            data, source = await loop.sock_recvfrom(self.socket, 65_536)
            invite = parse_message(data)
            assert isinstance(invite, Request)
            if invite.method == "INVITE":  # and no ACK for the last one
                break
        lines = ["SIP/2.0 480 Not Now", f"To: {invite.headers.get('To')};tag=far"]
        lines += [f"{name}: {invite.headers.get(name)}" for name in ("Via", "From", "Call-ID")]
        lines += [f"CSeq: {invite.headers.get('CSeq')}", "Content-Length: 0", "", ""]
        self.socket.sendto("\r\n".join(lines).encode(), source)
        return invite

    def invite(self, port: int) -> None:
        own = self.socket.getsockname()[1]
        lines = [
            f"INVITE sip:alice@{HOST}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bK1",
            "Max-Forwards: 70",
            f"From: <{self.uri}>;tag=far",
            f"To: <sip:alice@{HOST}>",
            "Call-ID: far",
            "CSeq: 1 INVITE",
            f"Contact: <{self.uri}>",
            "Content-Type: application/sdp",
            f"Content-Length: {len(OFFER)}",
        ]
        self.socket.sendto("\r\n".join([*lines, "", OFFER]).encode(), (HOST, port))

    async def final(self) -> Response:
        while True:
            message = await self.receive()
            if isinstance(message, Response) and message.status >= 200:
                return message


def test_a_call_names_the_public_address_in_contact_and_offer() -> None:
    async def work() -> None:
        far = FarEnd()
        async with (
            stun_server(HOST) as server,
            phone(listen=("0.0.0.0", 0), stun=server.address) as alice,
        ):
            alice.engine.call(far.uri)
            invite = await far.invited()
            contact = invite.contacts[0].uri
            assert (contact.host, contact.port) == (PUBLIC, seen(alice.port))
            description = parse(invite.body)
            assert description.connection == PUBLIC
            rtp = [port for port in server.asked if seen(port) == description.media[0].port]
            assert rtp
            assert seen(rtp[0] + 1) in {seen(port) for port in server.asked}

    run(work())


def test_an_answer_names_it_as_well() -> None:
    async def work() -> None:
        far = FarEnd()
        async with (
            stun_server(HOST) as server,
            phone(listen=("0.0.0.0", 0), stun=server.address, auto_answer=0) as alice,
        ):
            far.invite(alice.port)
            answer = await far.final()
            assert answer.status == 200
            description = parse(answer.body)
            assert description.connection == PUBLIC
            assert alice.heard.of(IncomingCall)

    run(work())


def test_a_caller_that_gives_up_meanwhile_is_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_address, "PATIENCE", 0.3)

    async def work() -> None:
        far = FarEnd()
        async with (
            stun_server(HOST, silent=True) as server,
            phone(listen=("0.0.0.0", 0), stun=server.address) as alice,
        ):
            call = alice.engine.call(far.uri)
            call.hangup()
            await call.ended()
            await alice.heard.next(ErrorOccurred)
            far.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                far.socket.recv(65_536)

    run(work())


def test_a_server_that_is_silent_delays_one_call_and_is_named_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(public_address, "PATIENCE", 0.2)

    async def work() -> None:
        far = FarEnd()
        async with (
            stun_server(HOST, silent=True) as server,
            phone(listen=("0.0.0.0", 0), stun=server.address) as alice,
        ):
            for _ in range(2):
                alice.engine.call(far.uri)
                invite = await far.invited()
                assert invite.contacts[0].uri.host == HOST
                description = parse(invite.body)
                assert description.connection == HOST
            (problem,) = alice.heard.of(ErrorOccurred)
            assert f"{HOST}:{server.address[1]}" in problem.message

    run(work())


def test_a_name_that_does_not_resolve_is_named() -> None:
    async def work() -> None:
        far = FarEnd()
        async with phone(listen=("0.0.0.0", 0), stun=("stun.invalid", 3478)) as alice:
            alice.engine.call(far.uri)
            await far.invited()
            (problem,) = alice.heard.of(ErrorOccurred)
            assert "stun.invalid:3478" in problem.message

    run(work())

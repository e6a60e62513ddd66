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
from platypus.net.addresses import family_of, format_address
from platypus.sdp.description import parse
from platypus.sip.message import Request, Response, parse_message
from tests.harness import by_hand, lan
from tests.harness.phones import phone, run
from tests.harness.stun_server import PUBLIC, PUBLIC6, seen, stun_server

HOST, HOST6 = "10.97.5.1", "fd00:97::1"
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
    made.ip("address", "add", f"{HOST6}/64", "dev", "wire", "nodad")
    with made.inside():
        yield made
    made.close()


class FarEnd:
    """A bare SIP socket; nothing in its answers tells where we are seen."""

    def __init__(self, host: str = HOST) -> None:
        self.socket = socket.socket(family_of(host), socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.uri = f"sip:bob@{format_address((host, self.socket.getsockname()[1]))}"

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
        self.socket.sendto(by_hand.response_to(invite, "480 Not Now", tag="far"), source)
        return invite

    def invite(self, port: int) -> None:
        own = self.socket.getsockname()[1]
        self.socket.sendto(by_hand.invite(OFFER, own, port, host=HOST), (HOST, port))

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


def test_a_call_that_is_picked_up_names_it_too(
    machine: lan.Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it goes is known only once the dialog state has come."""
    monkeypatch.setattr("tests.harness.stun_server.SHIFT", 0)
    machine.add_address("lo", f"{PUBLIC}/32")  # it is told there

    async def work() -> None:
        everywhere = ("0.0.0.0", 0)
        async with (
            stun_server(HOST) as server,
            phone(listen=everywhere, stun=server.address) as alice,
            phone(listen=everywhere, watchers="anybody") as bob,
            phone(listen=everywhere) as carol,
        ):
            messages: list[bytes] = []
            carol.engine.trace(lambda way, peer, data: messages.append(data))
            carol.engine.call(f"sip:bob@{HOST}:{bob.port}")
            await bob.heard.next(IncomingCall)
            call = alice.engine.pick_up(f"sip:bob@{HOST}:{bob.port}")
            await call.answered()
            (invite,) = [each for each in messages if b"Replaces: " in each and b"INVITE " in each]
            assert f"c=IN IP4 {PUBLIC}".encode() in invite

    run(work())


def test_a_call_that_is_moved_names_the_address_of_now() -> None:
    """Behind another router, or one with another address: asked by the sockets of the media."""

    async def work() -> None:
        everywhere = ("0.0.0.0", 0)
        async with (
            stun_server(HOST) as server,
            phone(listen=everywhere, stun=server.address, audio="tone") as alice,
            phone(listen=everywhere, auto_answer=0) as bob,
        ):
            offers: asyncio.Queue[bytes] = asyncio.Queue()
            bob.engine.trace(
                lambda way, peer, data: offers.put_nowait(data) if is_offer(data) else None
            )
            call = alice.engine.call(f"sip:bob@{HOST}:{bob.port}")
            await call.answered()
            server.public, server.asked = "203.0.113.9", []
            (flow,) = alice.engine.user_agent.flows
            alice.engine.recovery.flow_lost(
                flow, "a router forgot us", seen=(server.public, seen(alice.port))
            )
            first, second = [parse(parse_message(await offers.get()).body) for _ in range(2)]
            assert (first.connection, second.connection) == (PUBLIC, "203.0.113.9")
            assert first.media[0].port == second.media[0].port  # this router keeps it
            ports = {seen(port) for port in server.asked}
            assert {second.media[0].port, second.media[0].port + 1} <= ports

    run(work())


def is_offer(message: bytes) -> bool:
    return message.startswith(b"INVITE ") and b"application/sdp" in message


def test_over_ipv6_it_is_asked_over_ipv6() -> None:
    async def work() -> None:
        far = FarEnd(HOST6)
        async with (
            stun_server(HOST6) as server,
            phone(listen=("0.0.0.0", 0), stun=server.address) as alice,
        ):
            alice.engine.call(far.uri)
            invite = await far.invited()
            assert invite.contacts[0].uri.host == PUBLIC6
            assert parse(invite.body).connection == PUBLIC6
            assert not alice.heard.of(ErrorOccurred)

    run(work())


def test_a_server_that_has_no_ipv6_is_not_missed_there() -> None:
    async def work() -> None:
        far = FarEnd(HOST6)
        async with (
            stun_server(HOST) as server,
            phone(listen=("0.0.0.0", 0), stun=server.address) as alice,
        ):
            alice.engine.call(far.uri)
            invite = await far.invited()
            assert invite.contacts[0].uri.host == HOST6
            assert not alice.heard.of(ErrorOccurred)
            alice.engine.call(FarEnd().uri)  # and serves on where it has an address
            await server.was_asked.wait()

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

"""The padlock where signalling changes its way under a call: a key that was read stays read."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from platypus.call import Call
from platypus.events import MediaChanged
from platypus.net.tls import TlsSettings
from platypus.sip.framing import StreamFramer
from platypus.sip.message import Message, Request, parse_message
from tests.harness.authority import Authority
from tests.harness.by_hand import response_to
from tests.harness.far_end import Fork, describe, fork
from tests.harness.phones import Phone, phone, run

SUITE = "AEAD_AES_128_GCM"


def with_key(port: int, letter: bytes) -> str:
    key = base64.b64encode(28 * letter).decode()
    plain = describe(port).replace("RTP/AVP", "RTP/SAVP")
    return f"{plain}a=crypto:1 {SUITE} inline:{key}\r\n"


class Door:
    """A TLS listener: what comes in, and a word back to who came last."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, framer = writer, StreamFramer(accepted=True)
        while data := await reader.read(65_536):
            framer.feed(data)
            for each in framer:
                if each.strip():
                    self.messages.put_nowait(parse_message(each))
        writer.close()

    def send(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    async def invited(self) -> Request:
        while True:
            message = await self.messages.get()
            if isinstance(message, Request) and message.method == "INVITE":
                return message


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Door, Phone, Fork]]:
    """A door, a phone by UDP that trusts it, and who stands behind it, by UDP as well."""
    authority, door = Authority(folder), Door()
    issued = authority.issue(addresses=("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate_file, issued.key_file)
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0, ssl=context)
    door.port = int(server.sockets[0].getsockname()[1])
    trusting = TlsSettings(ca_file=authority.file)
    with fork() as far:
        async with phone(audio="null", srtp="require", tls=trusting) as alice:
            yield door, alice, far
            await alice.engine.close(timeout=0)
    server.close()


async def answered_by_tls(door: Door, alice: Phone, far: Fork) -> Call:
    """A call over TLS, with its padlock."""
    call = alice.engine.call(f"sip:bob@127.0.0.1:{door.port};transport=tls")
    far.invite = await door.invited()
    contact = f"sip:one@127.0.0.1:{door.port};transport=tls"
    door.send(response(far.invite, contact, with_key(far.branches["one"].port, b"a")))
    await call.answered()
    assert call.srtp == SUITE
    assert call.secure
    return call


def response(request: Request, contact: str, body: str) -> bytes:
    return response_to(request, "200 OK", tag="one", contact=contact, body=body)


async def request_of(method: str, door: Door) -> None:
    while not isinstance(message := await door.messages.get(), Request) or message.method != method:
        pass


def test_a_key_that_went_by_udp_is_no_secret_by_tls(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as (door, alice, far):
            call = alice.engine.call(far.uri)
            await far.invited()
            assert far.invite is not None
            body = with_key(far.branches["one"].port, b"a")
            contact = f"sip:one@127.0.0.1:{door.port};transport=tls"
            far.sip.send(response(far.invite, contact, body), alice.port)
            await call.answered()
            assert call.srtp == SUITE
            assert not call.secure
            call.hold()
            request = await door.invited()
            door.send(response(request, contact, with_key(far.branches["one"].port, b"a")))
            await alice.heard.until(lambda: call.hold_state == "local")
            assert not call.secure
            call.renew_keys()  # with new ones of both sides it is
            request = await door.invited()
            door.send(response(request, contact, with_key(far.branches["one"].port, b"b")))
            await request_of("ACK", door)
            assert call.secure
            assert len(alice.heard.of(MediaChanged)) == 3

    run(work())


@pytest.mark.parametrize("letter", [b"a", b"b"])
def test_a_change_that_came_by_udp_opens_it(tmp_path: Path, letter: bytes) -> None:
    """Another key, and the same one as before."""

    async def work() -> None:
        async with opened(tmp_path) as (door, alice, far):
            call = await answered_by_tls(door, alice, far)
            body = with_key(far.branches["one"].port, letter)
            far.request("INVITE", "one", alice.port, 1, body)
            assert (await far.response(1)).status == 200
            assert call.srtp == SUITE
            assert not call.secure
            assert len(alice.heard.of(MediaChanged)) == 2  # whoever shows it looks again

    run(work())

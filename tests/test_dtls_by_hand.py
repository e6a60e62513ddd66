"""DTLS-SRTP with a far end that is a bare socket and OpenSSL, and knows nothing of ours."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL

from platypus.call import Call
from platypus.media import srtp
from platypus.media.dtls import Certificate
from tests.harness.far_end import Fork, describe, fork
from tests.harness.phones import Phone, Stranger, phone, run
from tests.test_encryption import GCM

CERTIFICATE = Certificate()
KEY, SALT = 16, 12


def offer(port: int, role: str) -> str:
    digest = CERTIFICATE.certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    plain = describe(port).replace("RTP/AVP", "UDP/TLS/RTP/SAVP")
    return f"{plain}a=rtcp-mux\r\na=setup:{role}\r\na=fingerprint:sha-256 {digest}\r\n"


class Server:
    """Waits for a handshake, and reads what is protected by its keys."""

    def __init__(self, socket: Stranger) -> None:
        self._socket = socket
        self._tls = SSL.Connection(CERTIFICATE.context())
        self._tls.set_ciphertext_mtu(600)  # its certificate comes in pieces
        self._tls.set_accept_state()

    async def shake(self) -> None:
        while True:
            packet, source = await asyncio.get_running_loop().sock_recvfrom(
                self._socket.socket, 2048
            )
            assert 20 <= packet[0] < 64  # nothing comes in the clear
            self._tls.bio_write(packet)
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._answer(source)
            else:
                break
        self._answer(source)
        # RFC 5764, 4.2: the client's key is the first, and so is its salt.
        keys = self._tls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY + SALT))
        master = keys[:KEY] + keys[2 * KEY : 2 * KEY + SALT]
        self._opening = srtp.context(GCM, master, outbound=False)

    def _answer(self, source: tuple[str, int]) -> None:
        try:
            data = self._tls.bio_read(65_536)
        except SSL.WantReadError:
            return
        while data:  # one record in each datagram
            end = 13 + int.from_bytes(data[11:13], "big")
            self._socket.socket.sendto(data[:end], source)
            data = data[end:]

    async def hears(self) -> None:
        packet = await self._socket.receive()
        while packet[0] != 0x80 or 192 <= packet[1] < 224:
            packet = await self._socket.receive()
        assert len(self._opening.unprotect(packet)) == 172


async def wanted(role: str, answer: str, cseq: int, alice: Phone, far: Fork) -> None:
    """A re-INVITE of the far end's with that role, and how it is answered."""
    far.request("INVITE", "one", alice.port, cseq, offer(far.branches["one"].port, role))
    response = await far.response(cseq)
    assert response.status == 200
    assert f"a=setup:{answer}\r\n".encode() in response.body
    far.request("ACK", "one", alice.port, cseq)


@pytest.mark.parametrize("role", ["passive", "actpass"])
def test_who_wants_no_connection_for_now_is_called_when_there_may_be_one(role: str) -> None:
    async def work() -> None:
        with fork() as far:
            async with phone(audio="tone", srtp="require", dtls=True) as alice:
                call: Call = alice.engine.call(far.uri)
                await far.invited()
                assert far.invite is not None
                one = far.branches["one"]
                body = offer(one.port, "holdconn")
                far.answer_to(far.invite, "one", "200 OK", alice.port, body)
                await call.answered()
                assert (call.hold_state, call.srtp, call.secure) == ("remote", None, False)
                await wanted(role, "active", 1, alice, far)
                server = Server(one)
                await server.shake()
                await server.hears()
                assert (call.hold_state, call.srtp, call.secure) == ("none", GCM, True)
                # For a while in the middle of a call: the association stays.
                await wanted("holdconn", "holdconn", 2, alice, far)
                assert (call.hold_state, call.srtp, call.secure) == ("remote", GCM, True)
                await wanted(role, "active", 3, alice, far)
                await server.hears()
                assert call.hold_state == "none"
                await alice.engine.close(timeout=0)

    run(work())

"""STUN over a socket that is there for something else, between two real sockets."""

from __future__ import annotations

import asyncio
import os

from platypus.net.stun import FIRST_WAIT, answer
from platypus.net.stun_client import MAX_QUESTIONS, StunClient
from platypus.sip.flow import Address
from tests.harness.phones import Stranger, run

WAIT = 0.02


class Asker:
    """A client over a stranger's socket, and what it was told."""

    def __init__(self, server: Stranger) -> None:
        self.server: Address = ("127.0.0.1", server.port)
        self.own = Stranger()
        self.told: list[tuple[Address | None, str]] = []
        loop = asyncio.get_running_loop()
        self.client = StunClient(loop, self._send, os.urandom)
        loop.add_reader(self.own.socket, self._read)
        self._news = asyncio.Event()

    def _send(self, data: bytes, address: Address) -> None:
        self.own.socket.sendto(data, address)

    def _read(self) -> None:
        data, source = self.own.socket.recvfrom(2048)
        self.client.receive(data, (source[0], source[1]))

    def ask(self, requests: int = 3) -> None:
        self.client.ask(self.server, self._told, requests=requests, first_wait=WAIT)

    def _told(self, mapped: Address | None, why: str) -> None:
        self.told.append((mapped, why))
        self._news.set()

    async def wait(self) -> None:
        await self._news.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.own.socket)
        self.client.close()
        self.own.socket.close()


def test_is_told_where_the_server_sees_the_socket() -> None:
    async def work() -> None:
        with Stranger() as server:
            asker = Asker(server)
            asker.ask()
            request = await server.receive()
            reply = answer(request, ("203.0.113.5", 40000))
            assert reply is not None
            server.send(reply, asker.own.port)
            await asker.wait()
            assert asker.told == [(("203.0.113.5", 40000), "")]
            asker.close()

    run(work())


def test_asks_again_and_gives_up() -> None:
    async def work() -> None:
        with Stranger() as server:
            asker = Asker(server)
            asker.ask()
            requests = {bytes(await server.receive()) for _ in range(3)}
            await asker.wait()
            assert len(requests) == 1
            assert asker.told == [(None, "the STUN server does not answer")]
            asker.close()

    run(work())


def test_nobody_is_told_anything_after_the_end() -> None:
    async def work() -> None:
        with Stranger() as server:
            asker = Asker(server)
            asker.ask(requests=1)
            asker.close()
            await asyncio.sleep(20 * WAIT)
            assert asker.told == []

    run(work())


def test_more_questions_than_anybody_has_fail_at_once() -> None:
    async def work() -> None:
        with Stranger() as server:
            asker = Asker(server)
            for _ in range(MAX_QUESTIONS + 1):
                asker.client.ask(asker.server, asker._told, first_wait=10 * FIRST_WAIT)
            await asker.wait()
            assert asker.told == [(None, "too many STUN questions are under way")]
            asker.close()

    run(work())

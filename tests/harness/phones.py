"""Engines that call each other over the loopback interface, and what they said."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from platypus.call import Call
from platypus.engine import Engine
from platypus.events import Event, IncomingCall
from platypus.sip.digest import DigestServer, Verdict
from platypus.sip.events import RequestReceived

E = TypeVar("E")
LIMIT = 15.0  # a test that waits longer has failed


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine, and fail instead of hanging."""
    asyncio.run(asyncio.wait_for(work, LIMIT))


class Heard:
    """Every event of an engine, and a way to wait for one."""

    def __init__(self, engine: Engine) -> None:
        self.events: list[Event] = []
        self._new = asyncio.Event()
        engine.subscribe(self._hear)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self._new.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def next(self, kind: type[E], test: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of this kind, which may have come already."""
        while True:
            for event in self.of(kind):
                if test(event):
                    return event
            await self._more()

    async def count(self, kind: type[E], number: int) -> list[E]:
        """All of this kind, once there are `number` of them."""
        while len(self.of(kind)) < number:
            await self._more()
        return self.of(kind)

    async def until(self, test: Callable[[], bool]) -> None:
        """Wait for something that events tell of."""
        while not test():
            await self._more()

    async def _more(self) -> None:
        self._new.clear()
        await self._new.wait()


class Phone:
    """An engine and what it said."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.heard = Heard(engine)

    @property
    def port(self) -> int:
        return self.engine.address[1]

    @property
    def uri(self) -> str:
        return f"sip:bob@127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def phone(**options: Any) -> AsyncIterator[Phone]:
    """One engine on a free port of 127.0.0.1."""
    options.setdefault("listen", ("127.0.0.1", 0))
    async with Engine(**options) as engine:
        yield Phone(engine)


class Registrar:
    """An engine that registers alice with the password `secret`, and counts."""

    def __init__(self) -> None:
        self.engine = Engine(listen=("127.0.0.1", 0), handlers={"REGISTER": self._register})
        self.requests: list[RequestReceived] = []
        self.expires = 300
        self._digest = DigestServer("test", {"alice": "secret"}.get, os.urandom)

    @property
    def aor(self) -> str:
        return f"sip:alice@127.0.0.1:{self.engine.address[1]}"

    def _register(self, event: RequestReceived) -> None:
        self.requests.append(event)
        agent, now, request = self.engine.user_agent, self.engine.now(), event.request
        if self._digest.verify(request, now).verdict is not Verdict.OK:
            headers = self._digest.challenge(now)
            agent.respond(event.key, 401, headers=headers, now=now)
            return
        granted = min(request.expires or 0, self.expires)
        headers = [("Contact", f"<{request.contacts[0].uri}>;expires={granted}")]
        agent.respond(event.key, 200, headers=headers if granted else [], now=now)


@contextlib.asynccontextmanager
async def registrar() -> AsyncIterator[Registrar]:
    server = Registrar()
    async with server.engine:
        yield server


class Stranger:
    """A bare UDP socket: sends what no phone would, or says nothing at all."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.port = int(self.socket.getsockname()[1])

    def send(self, data: bytes, port: int) -> None:
        self.socket.sendto(data, ("127.0.0.1", port))

    def receive(self) -> Awaitable[bytes]:
        return asyncio.get_running_loop().sock_recv(self.socket, 65_536)

    def __enter__(self) -> Stranger:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def unused_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with Stranger() as stranger:
        return stranger.port


async def connected(alice: Phone, bob: Phone, **options: Any) -> tuple[Call, Call]:
    """A call from alice that bob has answered."""
    outgoing = alice.engine.call(bob.uri, **options)
    incoming = (await bob.heard.next(IncomingCall)).call
    incoming.answer()
    await outgoing.answered()
    return outgoing, incoming

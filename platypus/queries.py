"""Requests whose answer somebody waits for: OPTIONS (RFC 3261, 11)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from platypus.errors import NetworkError

if TYPE_CHECKING:
    from platypus.engine import Engine
    from platypus.sip.events import ResponseReceived
    from platypus.sip.message import Response
    from platypus.sip.settings import AccountSettings


class Queries:
    """Those of one engine that are under way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[int, asyncio.Future[ResponseReceived]] = {}

    async def options(self, target: str, account: AccountSettings | None) -> Response:
        """Raises NetworkError when nothing comes back."""
        engine = self._engine
        key = engine.user_agent.options(target, account=account, now=engine.now())
        future: asyncio.Future[ResponseReceived] = engine.loop.create_future()
        self._waiting[key] = future
        try:
            engine.pump()
            answer = await future
        finally:
            del self._waiting[key]
        if answer.response is None:
            raise NetworkError(f"{target}: {answer.reason or 'no answer'}")
        return answer.response

    def receive(self, event: ResponseReceived) -> bool:
        """The engine hands in what came back: whether somebody waits for it."""
        future = self._waiting.get(event.key)
        if future is not None and not future.done():
            future.set_result(event)
        return future is not None

    def close(self) -> None:
        """Whoever still waits is told so."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(NetworkError("the engine was closed before an answer came"))

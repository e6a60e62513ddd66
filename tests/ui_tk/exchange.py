"""The other end of the window's calls: the built-in PBX, and Bob, another phone there.

On Bob's phone Carol has an account too: somebody who can call him.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from platypus import Account, Call, Engine, Event, TlsSettings, Transferred
from platypus.pbx import Pbx

T = TypeVar("T")
PASSWORD = "a secret of tests"
PATIENCE_S = 15.0


class Exchange:
    """Runs on a thread with a loop of its own, as the window under test is another process."""

    def __init__(self, *, tls: TlsSettings | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        # A daemon: a test whose set-up fails closes nothing, and must not keep pytest from ending.
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        users = dict.fromkeys(("alice", "spare", "bob", "carol"), PASSWORD)
        self.pbx = Pbx(listen=("127.0.0.1", 0), users=users, tls=tls)
        self.bob = Engine(listen=("127.0.0.1", 0), audio="null")
        self.events: list[Event] = []
        self._happened = asyncio.Event()
        self.account, self.carol = self.run(self._open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    def do(self, work: Callable[[], T]) -> T:
        """`work`, on the loop's own thread."""

        async def once() -> T:
            return work()

        return self.run(once())

    def until(self, holds: Callable[[], T]) -> T:
        """Wait until `holds` gives something true; it is asked after every event."""

        async def wait() -> T:
            async with asyncio.timeout(PATIENCE_S):
                while not (found := holds()):
                    self._happened.clear()
                    await self._happened.wait()
            return found

        return self.run(wait())

    def call_to(self, extension: str) -> Call | None:
        """The PBX's own side of a call to one of its extensions."""
        calls = self.pbx.engine.calls
        return next((call for call in calls if call.request_user == extension), None)

    def call_of_bob(self, to: str) -> Call:
        return self.do(lambda: self.account.call(to))

    @property
    def bob_is_rung(self) -> bool:
        return any(call.direction == "incoming" for call in self.bob.calls)

    @property
    def carol_is_taken(self) -> bool:
        """Whether her call was picked up by somebody else."""
        return any(isinstance(each, Transferred) for each in self.events)

    @property
    def is_quiet(self) -> bool:
        return not self.pbx.engine.calls and not self.bob.calls

    def close(self) -> None:
        try:
            self.run(self._close())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _open(self) -> tuple[Account, Account]:
        await self.pbx.start()
        await self.bob.start()
        self.pbx.engine.subscribe(self._note)
        self.bob.subscribe(self._note)
        names = ("bob", "carol")
        bob, carol = (self.bob.account(self.pbx.uri(name), password=PASSWORD) for name in names)
        await bob.registered(timeout=PATIENCE_S)
        await carol.registered(timeout=PATIENCE_S)
        return bob, carol

    async def _close(self) -> None:
        await self.bob.close()
        await self.pbx.close()

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self._happened.set()

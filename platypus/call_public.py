"""A call's media at a public address: asked for before the offer or answer is made, and anew
before the far end is told that we have moved.

Whoever makes or takes a call goes on after that, at most `public_address.PATIENCE` later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from platypus.net.addresses import is_numeric
from platypus.public_address import PublicAddress, differs
from platypus.sip.uri import Uri
from platypus.waiting import log_failure

if TYPE_CHECKING:
    from platypus.account import Account
    from platypus.call import Call
    from platypus.sip.session import Session


class PublicMedia:
    """Asks for the calls of one engine; without a server nothing waits."""

    def __init__(self, public: PublicAddress | None) -> None:
        self._public = public
        self._tasks: set[asyncio.Task[None]] = set()
        self._renewing: set[str] = set()  # calls, by their id

    @property
    def wanted(self) -> bool:
        """Whether there is anything to ask."""
        return self._public is not None

    def prepare(self, call: Call, then: Callable[[], None]) -> None:
        """Call `then` once the address is known, or is not to be had; not for a call that ended.

        Raises MediaError when no port is free.
        """
        if self._public is None:
            then()
            return
        if call.direction == "incoming":  # its family is known, before any port is taken
            call.media.stream.advertise(call.session.local_address or "")
        sockets = call.media.stream.reserve()
        self._start(self._learn(call, *sockets, then))

    def renew(self, call: Call, then: Callable[[], None]) -> None:
        """The same for a call whose media run, and whose network is another one."""
        if self._public is None or not call.media.stream.started:
            then()
        elif call.id not in self._renewing:
            self._renewing.add(call.id)
            self._start(self._learn_again(call, then))

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(log_failure)

    async def _learn_again(self, call: Call, then: Callable[[], None]) -> None:
        assert self._public is not None  # noqa: S101 - renew() checked
        try:
            found = await self._public.of_stream(call.media.stream)
        finally:
            self._renewing.discard(call.id)
        if not call.session.ended:
            call.media.seen_at(found)
            then()

    async def _learn(self, call: Call, rtp: Any, rtcp: Any, then: Callable[[], None]) -> None:
        assert self._public is not None  # noqa: S101 - prepare() checked
        try:
            call.media.public = await self._public.of_media(rtp, rtcp)
        finally:
            call.media.stream.give_back()
        if not call.session.ended:
            then()


def likely_family(target: str, account: Account | None) -> str:
    """An address of the family that a call of ours will most likely go by; "" for IPv4.

    Its sockets are asked before it is known. Those that turn out wrong are replaced, unasked.
    """
    uri = Uri.parse(target)
    if uri.host is not None and is_numeric(uri.host):
        return uri.host
    return (account.server if account is not None else None) or ""


def counts(host: str, session: Session) -> bool:
    """Whether a public address of the media is what the far end of a session needs."""
    flow = session.flow
    if flow is None or session.stack.seen.is_direct(flow):
        return False
    return host != flow.local[0] and differs(host, flow)

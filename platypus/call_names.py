"""A description that names the host its media are wanted at, instead of giving the address.

RFC 8866, 5.7 allows it, and some PBXs do. Nothing is sent until the name is found, which
takes no longer than a name server is waited for; what the far end sends is heard meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from platypus.errors import NetworkError
from platypus.net.addresses import family_of
from platypus.sdp.addresses import problem_with
from platypus.waiting import log_failure

if TYPE_CHECKING:
    from platypus.negotiation import StreamPlan

PATIENCE = 8.0


class NamedHost:
    """The host of one call's far end; `found` is told "", or why it was not."""

    def __init__(
        self, look_up: Callable[[str], Awaitable[list[str]]], found: Callable[[str], None]
    ) -> None:
        self._look_up = look_up
        self._tell = found
        self._host = self._family = ""
        self._address: str | None = None
        self._task: asyncio.Task[None] | None = None

    def instead(self, plan: StreamPlan, *, like: str) -> StreamPlan:
        """The same plan with the address, of the family of `like`; nobody to send to yet."""
        assert plan.remote is not None  # noqa: S101 - that is where the name stands
        host, port = plan.remote
        family = "IPv6" if ":" in like else "IPv4"
        if (host, family) != (self._host, self._family):
            self.close()
            self._host, self._family, self._address = host, family, None
            self._task = asyncio.get_running_loop().create_task(self._find(host, like))
            self._task.add_done_callback(log_failure)
        if self._address is None:
            return plan._replace(remote=None, rtcp=None, send=False)
        rtcp = plan.rtcp
        if rtcp is not None and rtcp[0] == host:
            rtcp = self._address, rtcp[1]
        return plan._replace(remote=(self._address, port), rtcp=rtcp)

    def close(self) -> None:
        """Nobody waits any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _find(self, host: str, like: str) -> None:
        where = f"the far end wants its sound at {host}"
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._look_up(host)
        except TimeoutError:
            self._tell(f"{where}, and the name servers do not answer for it")
            return
        except NetworkError as problem:
            self._tell(f"{where}, and {problem}")
            return
        usable = [each for each in found if not problem_with(each)]
        reachable = [each for each in usable if family_of(each) == family_of(like)]
        if not reachable:
            self._tell(f"{where}, which has no {self._family} address that sound can be sent to")
            return
        self._address = reachable[0]
        self._tell("")

"""The way out: goodbye to everybody, and a bounded wait for their answers."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platypus.engine import Engine

logger = logging.getLogger("platypus.engine")


async def leave(engine: Engine, timeout: float) -> None:  # noqa: ASYNC109 - never raises
    """Hang up and unregister; what has no answer after `timeout` seconds gets no second word."""
    engine.notices.leave()
    for call in engine.calls:
        call.hangup()
    for account in engine.accounts:
        account.unregister()
    try:
        async with asyncio.timeout(timeout):
            while not engine.user_agent.idle or _files_unfinished(engine):
                await engine.quiet.next()
    except TimeoutError:
        logger.info("left without every answer after %.1f s", timeout)
        engine.user_agent.leave(engine.now())
        engine.pump()


def _files_unfinished(engine: Engine) -> bool:
    return engine.has_called and engine.calling.ends.waiting

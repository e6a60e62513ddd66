"""Levels and quality of the calls, as long as there are any: ten and two times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from platypus import CallState
from ui_tk.messages import LevelsMeasured, Message, QualityMeasured
from ui_tk.quality import INTERVAL_S

if TYPE_CHECKING:
    from platypus import Call

LEVELS_S = 0.1  # as often as the engine measures them
EVERY = round(INTERVAL_S / LEVELS_S)

Statistics = Mapping[str, Any]


class Measuring:
    """`calls` is somebody else's and changes; `post` takes what was measured."""

    def __init__(self, calls: Mapping[str, Call], post: Callable[[Message], None]) -> None:
        self._calls, self._post = calls, post
        self._before: dict[str, Statistics] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._task is None:
            self._task = loop.create_task(self._measure())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _measure(self) -> None:
        turn = 0
        while self._calls:
            answered = [call for call in self._calls.values() if call.state is CallState.CONFIRMED]
            for call in answered:
                self._post(LevelsMeasured(call.id, *call.levels()))
            if turn % EVERY == 0:
                for call in answered:
                    self._measure_quality(call)
            turn += 1
            await asyncio.sleep(LEVELS_S)
        self._before.clear()
        self._task = None

    def _measure_quality(self, call: Call) -> None:
        now = call.statistics()
        before = self._before.get(call.id)
        self._before[call.id] = now
        if before is not None:
            self._post(quality_between(call.id, before, now))


def quality_between(call: str, before: Statistics, now: Statistics) -> QualityMeasured:
    """What happened from one picture of a call's statistics to the next."""
    send, receive = now["send"], now["receive"]
    rtt, buffer = now.get("rtt_ms"), receive.get("buffer_ms")
    delay = None
    if rtt is not None and buffer is not None:
        delay = rtt / 2 + buffer  # one way, and what waits to be played
    elif buffer is not None:
        delay = buffer
    return QualityMeasured(
        call,
        mos=now.get("mos"),
        delay_ms=delay,
        loss_heard=_loss(before["receive"], receive, arrived=True),
        loss_sent=_loss(before["send"], send, arrived=False),
        jitter_heard_ms=receive.get("jitter_ms"),
        jitter_sent_ms=send.get("jitter_ms"),
    )


def _loss(before: Statistics, now: Statistics, *, arrived: bool) -> float | None:
    """Per cent lost in between. Received packets are those that came, sent ones all of them."""
    if now.get("lost") is None or now.get("packets") is None:
        return None
    lost = max(0, now["lost"] - (before.get("lost") or 0))
    packets = max(0, now["packets"] - (before.get("packets") or 0))
    whole = packets + lost if arrived else packets
    return 100 * min(1.0, lost / whole) if whole else None

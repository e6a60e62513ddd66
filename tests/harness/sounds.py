"""What is heard in the frames of a call."""

from __future__ import annotations

from array import array
from typing import Any


def peak(frame: bytes) -> int:
    return max(map(abs, array("h", frame)))


async def silent(frames: Any) -> bool:
    """Whether half a second of silence comes before two seconds are over."""
    quiet = 0
    for _ in range(100):
        quiet = quiet + 1 if peak(await anext(frames)) < 100 else 0
        if quiet == 25:
            return True
    return False


async def loud(frames: Any, level: int = 4000) -> bytes:
    """The first frame that is heard."""
    async for frame in frames:
        if peak(frame) > level:
            return bytes(frame)
    raise AssertionError("the call ended in silence")

"""What parsing remembers of messages, and how to forget it.

Each value is worth keeping while calls come, but the last hundreds of a rush lie here and
there among a million objects that are gone, and each keeps a whole page of Python's memory from
going back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

_T = TypeVar("_T")
_remembered: list[_lru_cache_wrapper[object]] = []


def remembered(maxsize: int) -> Callable[[Callable[..., _T]], _lru_cache_wrapper[_T]]:
    """A function whose last `maxsize` results are kept until `forget`."""

    def keep(function: Callable[..., _T]) -> _lru_cache_wrapper[_T]:
        kept = lru_cache(maxsize)(function)
        _remembered.append(kept)
        return kept

    return keep


def forget() -> None:
    """Let go of all of it; the next messages are remembered anew."""
    for each in _remembered:
        each.cache_clear()

"""A fault of ours while a call's media are agreed on must not leave the far end without an answer.

It becomes a `MediaFault`, which whoever owes the answer handles as it does any MediaError. Where
it happened is logged here, but not in what words: they may hold a key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from platypus.errors import MediaError, SdpError
from platypus.media.faults import FAULT, log_fault

logger = logging.getLogger("platypus.engine")

P = ParamSpec("P")
R = TypeVar("R")

SERVER_ERROR, NOT_ACCEPTABLE = 500, 488


class MediaFault(MediaError):
    """What nobody foresaw; it is in the log."""


def contained(function: Callable[P, R]) -> Callable[P, R]:
    """Let nothing but SdpError and MediaError out."""

    # No context manager: each call goes through here several times, and that would show.
    @wraps(function)
    def held(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except (SdpError, MediaError):
            raise
        except Exception as problem:
            log_fault(logger, problem)
            raise MediaFault(FAULT) from None

    return held


def refusal(problem: Exception) -> int:
    """The status of who can't take an offer because of `problem`."""
    return SERVER_ERROR if isinstance(problem, MediaFault) else NOT_ACCEPTABLE

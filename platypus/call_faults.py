"""A fault of ours while a call's media are agreed on must not leave the far end without an answer.

It becomes a `MediaFault`, which whoever owes the answer handles as it does any MediaError. Where
it happened is logged here, but not in what words: they may hold a key.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from platypus.errors import MediaError, SdpError

logger = logging.getLogger("platypus.engine")

SERVER_ERROR, NOT_ACCEPTABLE = 500, 488


class MediaFault(MediaError):
    """What nobody foresaw; it is in the log."""


@contextmanager
def contained() -> Iterator[None]:
    """Let nothing but SdpError and MediaError out. Also a decorator."""
    try:
        yield
    except (SdpError, MediaError):
        raise
    except Exception as problem:
        kind = type(problem).__name__
        where = "".join(traceback.format_tb(problem.__traceback__))
        logger.error("%s, a fault of ours. Traceback (most recent call last):\n%s", kind, where)
        raise MediaFault("a fault of this phone, of which its log tells more") from None


def refusal(problem: Exception) -> int:
    """The status of who can't take an offer because of `problem`."""
    return SERVER_ERROR if isinstance(problem, MediaFault) else NOT_ACCEPTABLE

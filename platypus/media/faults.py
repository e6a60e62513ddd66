"""A fault of ours where keys are at hand: the log says where it happened, but not in what words.

They may hold a key.
"""

from __future__ import annotations

import logging
import traceback

FAULT = "a fault of this phone, of which its log tells more"


def log_fault(logger: logging.Logger, problem: Exception) -> None:
    """To be called where `problem` is handled."""
    kind = type(problem).__name__
    where = "".join(traceback.format_tb(problem.__traceback__))
    logger.error("%s, a fault of ours. Traceback (most recent call last):\n%s", kind, where)

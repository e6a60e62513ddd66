"""The sanitised build (`scripts/asan`), as far as tests have to know of it."""

from __future__ import annotations

import ctypes
import gc
import os

SANITIZED = "PLATYPUS_SANITIZE" in os.environ


def leaks() -> bool:
    """Whether memory of this process is lost; where it was taken is printed. Costs a second."""
    gc.collect()
    return bool(ctypes.CDLL(None).__lsan_do_recoverable_leak_check())

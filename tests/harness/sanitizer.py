"""The sanitised build (`scripts/asan`), as far as tests have to know of it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from collections.abc import Iterator

SANITIZED = "PLATYPUS_SANITIZE" in os.environ


def leaks() -> bool:
    """Whether memory of this process is lost; where it was taken is printed. Costs a second."""
    gc.collect()
    return bool(ctypes.CDLL(None).__lsan_do_recoverable_leak_check())


@contextlib.contextmanager
def leaking_on_purpose() -> Iterator[None]:
    """What this thread takes inside may be lost: it is left to a thread that hangs."""
    if not SANITIZED:
        yield
        return
    sanitizer = ctypes.CDLL(None)
    sanitizer.__lsan_disable()
    try:
        yield
    finally:
        sanitizer.__lsan_enable()

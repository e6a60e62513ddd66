"""The name by which a registrar knows this phone again (RFC 5626, 4.1: `+sip.instance`).

It stays the same from start to start, so that a phone that comes back from a crash or
another network takes the place of its old binding. Two phones that run at the same time
are two instances: each takes the first name in the folder that no other has locked.

The lock is held to the end of the process. Where there is no folder to write to, the
name is of this run only. An Engine has none unless it is given one: embedders, who may
run many of them, name their own.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

MAX_INSTANCES = 32  # at the same time under one name of a user; more are bots, with no need of it
_NAME = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LENGTH = 36


def claim_instance(folder: Path | None = None) -> str:
    """A `urn:uuid:...` for this process, from `folder` (default: the platform's place)."""
    where = folder or _default_folder()
    if where is None:
        return _urn(_new_name())
    try:
        where.mkdir(parents=True, exist_ok=True)
        for number in range(1, MAX_INSTANCES + 1):
            name = _claim(where / f"instance-{number}")
            if name is not None:
                return _urn(name)
    except OSError:  # a home that can't be written to
        pass
    return _urn(_new_name())


def _urn(name: bytes) -> str:
    return f"urn:uuid:{name.decode()}"


def _new_name() -> bytes:
    """A random UUID (RFC 9562, 5.4); `uuid` would take 2 ms of the start to import."""
    number = int.from_bytes(os.urandom(16), "big")
    number = number & ~(0xF << 76) | 4 << 76  # the version
    number = number & ~(0x3 << 62) | 2 << 62  # the variant
    digits = f"{number:032x}"
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts).encode()


def _default_folder() -> Path | None:
    if not os.path.isdir(os.path.expanduser("~")):
        return None  # a service without a home, perhaps as root: it must not get one from us
    if sys.platform == "linux":
        # As platformdirs has it, which brings 5 ms of modules along: a REGISTER waits for this.
        state = os.environ.get("XDG_STATE_HOME", "").strip() or os.path.expanduser("~/.local/state")
        return Path(state, "platypus")
    from platformdirs import user_state_path

    return user_state_path("platypus", appauthor=False)


def _claim(file: Path) -> bytes | None:
    """The name in `file`, made where there is none; None where another process has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    known = os.read(descriptor, _LENGTH)
    if _NAME.fullmatch(known):
        return known
    name = _new_name()
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, name)
    return name


def _lock(descriptor: int) -> None:
    """Until the process ends. OSError where another has it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LENGTH, os.SEEK_SET)  # behind the name: what is locked can't be read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

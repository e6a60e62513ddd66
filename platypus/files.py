"""Files of ours that are written whole or not at all.

A crash, a full disk or a second phone leaves the old file or the new one, never half of
either. Who reads them decides what is in them; nothing here knows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path

logger = logging.getLogger("platypus.files")


def write_whole(path: Path, data: bytes) -> None:
    """Write `path`, readable by its owner only, making its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink(missing_ok=True)
        raise


def read_bounded(path: Path, most: int) -> bytes | None:
    """The file's bytes, or None where there is no file. Raises OSError, also for a larger one."""
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except FileNotFoundError:
        return None
    if len(data) > most:
        raise OSError(f"is larger than {most} bytes")
    return data


def set_aside(path: Path, why: str) -> Path | None:
    """Keep a damaged file under another name, so that a new one destroys nothing."""
    aside = path.with_name(f"{path.name}.damaged")
    number = 1
    while aside.exists() and number < 100:
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    try:
        os.replace(path, aside)
    except OSError as error:
        logger.warning("%s is damaged (%s) and can't be set aside: %s", path, why, error)
        return None
    logger.warning("%s is damaged (%s); it is kept as %s", path, why, aside.name)
    return aside

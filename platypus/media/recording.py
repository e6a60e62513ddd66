"""Files for what a call plays: made here, written and finished by the media loop.

The loop writes the header at once and each frame as it plays, and owns the
descriptor from then on; this only opens files, and numbers them when several
calls are recorded (`OUT.wav`, `OUT-2.wav`).
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from platypus.errors import AudioFileError

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


def open_for_recording(path: str) -> int:
    """A descriptor of a new or emptied file; AudioFileError says why there can't be one."""
    try:
        return os.open(path, _FLAGS | getattr(os, "O_CLOEXEC", 0), 0o644)
    except OSError as error:
        raise AudioFileError(
            path, f"can't be written ({error.strerror}); choose another place for the recording"
        ) from error


class RecordingNames:
    """`OUT.wav` for the first call, `OUT-2.wav` for the second, and so on."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._numbers = count(1)

    def next(self) -> str:
        number = next(self._numbers)
        if number == 1:
            return str(self._path)
        return str(self._path.with_stem(f"{self._path.stem}-{number}"))

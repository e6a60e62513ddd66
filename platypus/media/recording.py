"""Files for what a call plays: made here, written and finished by the media loop.

A leg has place for two at a time: the tap on what it plays (`--record`), and what is asked for
in a call. The loop writes the header at once and each frame as it plays, and owns the
descriptor from then on; this only opens files, and numbers them when several
calls are recorded (`OUT.wav`, `OUT-2.wav`).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from platypus.errors import AudioFileError, MediaError

if TYPE_CHECKING:
    from platypus._media.loop import Leg

_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Nobody waits for whoever may read a pipe; who reads one slowly is waited for, by the writer.
_FLAGS |= getattr(os, "O_NONBLOCK", 0)


if sys.platform == "win32":
    import msvcrt

    # Locked bytes can't be read by others: these lie where no recording has any.
    _LOCKED_AT = 0x7FFF_FFF0

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_AT, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        """By the file, not by its name; it ends with the descriptor, whoever closes it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks: there the user has to take care
        return True


def open_for_recording(path: str) -> int:
    """A descriptor of a new or emptied file; AudioFileError says why there can't be one.

    It is this recording's alone, by whatever name, until the descriptor is closed.
    """
    try:
        descriptor = os.open(path, _FLAGS, 0o644)
    except OSError as error:
        raise AudioFileError(
            path, f"can't be written ({_reason(error)}); choose another place for the recording"
        ) from error
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    if not _empty(descriptor):
        os.close(descriptor)
        raise AudioFileError(path, "is being recorded onto already; choose another file")
    return descriptor


def _reason(error: OSError) -> str | None:
    return "nobody reads that pipe" if error.errno == errno.ENXIO else error.strerror


def _empty(descriptor: int) -> bool:
    """Whether nobody else writes the file, so that what is in it may go."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # any number may write to a pipe or /dev/null
        if not _lock(descriptor):
            return False
        os.ftruncate(descriptor, 0)
    return True


class LegRecording:
    """One of the recordings that a leg has place for, from its file on.

    The file is made at once, so that whoever asked for it hears what is wrong with its name; what
    it is to hold may come later.
    """

    def __init__(self, place: int) -> None:
        self._place = place
        self.path: str | None = None  # while it runs
        self._stereo = False
        self._rate: int | None = None
        self._descriptor: int | None = None  # until the loop has it

    def open(self, path: str, *, stereo: bool = False, rate: int | None = None) -> None:
        """Raises MediaError where one runs, or there can be no such file."""
        if self.path is not None:
            raise MediaError(f"already recording to {self.path}; stop that first")
        self._descriptor = open_for_recording(path)
        self.path, self._stereo, self._rate = path, stereo, rate

    def start(self, leg: Leg) -> bool:
        """Let `leg` fill it; False where there is nothing to begin."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return False
        # It closes the descriptor.
        leg.start_record(descriptor, self._rate, stereo=self._stereo, place=self._place)
        return True

    def writes(self, path: str | None) -> bool:
        """Whether one runs, to that file where one is named."""
        if self.path is None:
            return False
        return path is None or os.path.abspath(path) == os.path.abspath(self.path)

    def stop(self, leg: Leg | None) -> None:
        """Finish the one that runs."""
        self.path = None
        if self._descriptor is not None:
            self.drop()
        elif leg is not None:
            leg.stop_record(self._place)

    def drop(self) -> None:
        """Nothing will come that it could hold."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


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

"""What a verb ends with; the same for all, and part of the public interface."""

from __future__ import annotations

import errno
import socket

from platypus.errors import (
    AudioFileError,
    CallError,
    ConfigError,
    MediaError,
    NetworkError,
    RegistrationError,
)

DONE, FAILED, USAGE, NOT_REGISTERED, NOT_ANSWERED, NO_MEDIA = range(6)

TEXT = """\
exit codes:
  0  done
  1  could not start, and why is on standard error
  2  wrong usage
  3  not registered
  4  not answered
  5  no media"""


def code_for(error: Exception) -> int:
    """The exit code that says what kind of failure this was."""
    match error:
        case AudioFileError() | ConfigError():
            return USAGE  # an option names a file or a value that can't be used
        case NetworkError(__cause__=socket.gaierror() | OSError(errno=errno.EADDRNOTAVAIL)):
            return USAGE  # or an address that is none of ours; a port in use is nobody's mistake
        case RegistrationError():
            return NOT_REGISTERED
        case CallError():
            return NOT_ANSWERED
        case MediaError():
            return NO_MEDIA
    return FAILED

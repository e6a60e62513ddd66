"""Where a running phone meets other programs of the same user, and of nobody else.

On POSIX a Unix socket in a folder that only this user can enter. Windows' Python has none:
there it is a loopback port and a token, both in a file in that folder, and whoever
connects says the token first.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

from platypus.files import write_whole

TIMEOUT_S = 1.0
UNIX = hasattr(socket, "AF_UNIX") and os.name == "posix"


@dataclass(frozen=True, slots=True)
class Ear:
    """A socket that listens, what to take away at the end, and the token to ask for, or ""."""

    socket: socket.socket
    file: Path
    token: str

    def close(self) -> None:
        self.socket.close()
        self.file.unlink(missing_ok=True)


def private_folder() -> Path:
    """A folder that only this user can enter, made if need be. Raises OSError where it can't be."""
    from platformdirs import user_runtime_path, user_state_path

    with warnings.catch_warnings():  # of a runtime folder that is not there: we look ourselves
        warnings.simplefilter("ignore")
        candidates = [user_runtime_path("platypus", appauthor=False)]
    candidates.append(user_state_path("platypus", appauthor=False) / "run")
    problem: OSError | None = None
    for folder in candidates:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix":
                found = folder.lstat()
                if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
                    raise OSError(f"{folder} belongs to somebody else")
                folder.chmod(0o700)
            return folder
        except OSError as error:
            problem = error
    raise OSError(f"no private folder: {problem}")


def file_of(place: Path) -> Path:
    """What stands in the folder while somebody listens at `place`."""
    return place.with_name(place.name + (".sock" if UNIX else ".port"))


def listen(place: Path) -> Ear:
    """Listen at `place`, without its suffix; what a phone that was killed left there goes."""
    path = file_of(place)
    if UNIX:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen(8)
        except OSError:
            listener.close()
            raise
        return Ear(listener, path, "")
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    token = secrets.token_urlsafe(24)
    write_whole(path, f"{listener.getsockname()[1]} {token}".encode())
    return Ear(listener, path, token)


def connect(place: Path) -> tuple[socket.socket, str]:
    """Whoever listens at `place`, and the token it wants, or "". Raises OSError."""
    path = file_of(place)
    if UNIX:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return connection, ""
    port, _, token = path.read_text().partition(" ")
    if not port.isdigit():
        raise OSError(f"{path} names no port")
    return socket.create_connection(("127.0.0.1", int(port)), TIMEOUT_S), token

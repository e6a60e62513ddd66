"""One phone a user: a second start hands its links to the first, which comes to the front.

    first:   Instance.claim() -> an Instance; `socket` is readable when somebody calls on it
    second:  Instance.claim() -> None after hand_over(...) succeeded

On POSIX it is a Unix socket in a folder of the user's own. On Windows, whose Python has none,
it is a loopback port and a token, both in a private file. Whatever comes in is bounded, and
read without waiting: a caller that says nothing keeps nobody.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from platypus.files import write_whole
from ui_tk.system.places import private_folder

MOST_BYTES = 16_384
TIMEOUT_S = 1.0
NAME = "window"
_UNIX = hasattr(socket, "AF_UNIX") and os.name == "posix"


class Instance:
    """The first phone's ear. Close it at the end."""

    def __init__(self, listener: socket.socket, files: Sequence[Path], token: str) -> None:
        self.socket = listener
        self._files = files
        self._token = token

    @classmethod
    def claim(cls, folder: Path | None = None) -> Instance | None:
        """Be the first; None where another phone answers. Raises OSError without a folder."""
        place = (folder or private_folder()) / NAME
        if _answers(place):
            return None
        listener, files, token = _listen(place)
        listener.setblocking(False)
        return cls(listener, files, token)

    def receive(self) -> list[list[str]]:
        """What later starts have handed over since, each as its arguments."""
        found: list[list[str]] = []
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # nobody, or nobody any more
                return found
            with connection, contextlib.suppress(OSError):
                connection.settimeout(TIMEOUT_S / 5)
                arguments = self._read(connection)
                if arguments is not None:
                    found.append(arguments)
                    connection.sendall(b"ok\n")

    def close(self) -> None:
        self.socket.close()
        for path in self._files:
            path.unlink(missing_ok=True)

    def _read(self, connection: socket.socket) -> list[str] | None:
        data = b""
        while not data.endswith(b"\n") and len(data) < MOST_BYTES:
            part = connection.recv(MOST_BYTES - len(data))
            if not part:
                return None
            data += part
        try:
            message = json.loads(data)
            token, arguments = message["token"], message["arguments"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if not isinstance(token, str) or not hmac.compare_digest(
            token.encode(), self._token.encode()
        ):
            return None
        if not isinstance(arguments, list) or not all(isinstance(each, str) for each in arguments):
            return None
        return arguments


def hand_over(arguments: Sequence[str], folder: Path | None = None) -> bool:
    """Give `arguments` to the phone that runs; whether one took them."""
    place = (folder or private_folder()) / NAME
    with contextlib.suppress(OSError), _connect(place) as (connection, token):
        message = json.dumps({"token": token, "arguments": list(arguments)})
        connection.sendall(message.encode() + b"\n")
        return connection.recv(16) == b"ok\n"
    return False


def _answers(place: Path) -> bool:
    try:
        with _connect(place):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def _connect(place: Path) -> Iterator[tuple[socket.socket, str]]:
    connection, token = _connection(place)
    with connection:
        yield connection, token


def _connection(place: Path) -> tuple[socket.socket, str]:
    if _UNIX:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(place.with_suffix(".sock")))
        except OSError:
            connection.close()
            raise
        return connection, ""
    port, _, token = place.with_suffix(".port").read_text().partition(" ")
    if not port.isdigit():
        raise OSError("no port")
    return socket.create_connection(("127.0.0.1", int(port)), TIMEOUT_S), token


def _listen(place: Path) -> tuple[socket.socket, list[Path], str]:
    if _UNIX:
        path = place.with_suffix(".sock")
        path.unlink(missing_ok=True)  # of a phone that was killed: nobody answered there
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(8)
        return listener, [path], ""
    listener = socket.create_server(("127.0.0.1", 0), backlog=8)
    token = secrets.token_urlsafe(24)
    path = place.with_suffix(".port")
    write_whole(path, f"{listener.getsockname()[1]} {token}".encode())
    return listener, [path], token

"""One phone a user: a second start hands its links to the first, which comes to the front.

    first:   Instance.claim() -> an Instance; `socket` is readable when somebody calls on it
    second:  Instance.claim() -> None after hand_over(...) succeeded

It is a socket of `platypus.local`. Whatever comes in is bounded, and read without waiting: a
caller that says nothing keeps nobody.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
from collections.abc import Sequence
from pathlib import Path

from platypus.local import Ear, connect, listen, private_folder

MOST_BYTES = 16_384
TIMEOUT_S = 1.0
NAME = "window"


class Instance:
    """The first phone's ear. Close it at the end."""

    def __init__(self, ear: Ear) -> None:
        self.socket = ear.socket
        self._ear = ear

    @classmethod
    def claim(cls, folder: Path | None = None) -> Instance | None:
        """Be the first; None where another phone answers. Raises OSError without a folder."""
        place = (folder or private_folder()) / NAME
        if _answers(place):
            return None
        ear = listen(place)
        ear.socket.setblocking(False)
        return cls(ear)

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
        self._ear.close()

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
            token.encode(), self._ear.token.encode()
        ):
            return None
        if not isinstance(arguments, list) or not all(isinstance(each, str) for each in arguments):
            return None
        return arguments


def hand_over(arguments: Sequence[str], folder: Path | None = None) -> bool:
    """Give `arguments` to the phone that runs; whether one took them."""
    place = (folder or private_folder()) / NAME
    with contextlib.suppress(OSError):
        connection, token = connect(place)
        with connection:
            message = json.dumps({"token": token, "arguments": list(arguments)})
            connection.sendall(message.encode() + b"\n")
            return connection.recv(16) == b"ok\n"
    return False


def _answers(place: Path) -> bool:
    try:
        connection, _ = connect(place)
    except OSError:
        return False
    connection.close()
    return True

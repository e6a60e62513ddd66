"""A message bus of a test's own (D-Bus), and one small service on it where no real one can run."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness.programs import Program, find_program


class Bus:
    """One dbus-daemon, at `address`."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:path={folder}/bus"
        command = [find_program("dbus-daemon"), "--session", "--nofork", "--print-address"]
        self._daemon = Program("dbus-daemon", [*command, f"--address={self.address}"])
        self._daemon.expect(r"^unix:")

    def close(self) -> None:
        self._daemon.stop()


class Service:
    """Answers every method call to `name` by `answer(member, body) -> (signature, body)`."""

    def __init__(
        self,
        name: str,
        answer: Callable[[str, tuple[Any, ...]], tuple[str, tuple[Any, ...]]],
        *,
        bus: str = "SYSTEM",
    ) -> None:
        from jeepney import MessageType, message_bus
        from jeepney.io.blocking import Proxy, open_dbus_connection

        self._connection = open_dbus_connection(bus, enable_fds=True)
        Proxy(message_bus, self._connection).RequestName(name)
        self._call, self._answer = MessageType.method_call, answer
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def tell(
        self, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...]
    ) -> None:
        from jeepney import DBusAddress, new_signal

        emitter = DBusAddress(path, interface=interface)
        self._connection.send(new_signal(emitter, member, signature, body))

    def close(self) -> None:
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._connection.close()

    def _serve(self) -> None:
        from jeepney import HeaderFields, new_method_return

        while True:
            try:
                message = self._connection.receive()
            except (OSError, EOFError):
                return
            if message.header.message_type is self._call:
                member = message.header.fields[HeaderFields.member]
                signature, body = self._answer(member, tuple(message.body))
                self._connection.send(new_method_return(message, signature, body))

"""`platypus ctl`: speak to a phone that runs, in the commands of the control protocol.

    platypus ctl call to=600            one command; its reply is printed
    platypus ctl mute on=true
    platypus ctl                        JSON lines from standard input, as `platypus agent`

The phone is the one that runs; with several, `--phone PID` says which.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from platypus.cli.exit_codes import DONE, FAILED
from platypus.control.schema import CommandError, checked
from platypus.control.server import PREFIX
from platypus.local import connect, file_of, private_folder

REPLY_WITHIN = 10.0  # seconds; `devices` may take some


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ctl`."""
    parser.add_argument("--phone", metavar="PID", type=int, help="which, where several run")
    parser.add_argument(
        "--events", action="store_true", help="go on printing what happens, until interrupted"
    )
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="as in docs/control.md")
    parser.add_argument("fields", nargs="*", metavar="FIELD=VALUE")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Send, print, and exit 0 when the command was accepted."""
    command = _command(parser, options) if options.command else None
    try:
        place = find_phone(options.phone)
        connection, token = connect(place)
    except OSError as error:
        print(f"platypus ctl: {error}", file=sys.stderr)
        return FAILED
    with connection:
        connection.settimeout(REPLY_WITHIN)
        if token:
            connection.sendall(json.dumps({"token": token}).encode() + b"\n")
        if command is None:
            return _relay(connection)
        return _once(connection, command, follow=options.events)


def find_phone(pid: int | None, folder: Path | None = None) -> Path:
    """Where the phone listens. Raises OSError, a sentence, where there is none or several."""
    where = folder or private_folder()
    if pid is not None:
        return where / f"{PREFIX}{pid}"
    living = [place for place in _places(where) if _answers(place)]
    if not living:
        raise OSError("no phone is running; start platypus-gui, or platypus agent")
    if len(living) > 1:
        pids = ", ".join(place.name.removeprefix(PREFIX) for place in living)
        raise OSError(f"several phones are running; choose one with --phone: {pids}")
    return living[0]


def _places(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob(f"{PREFIX}*")):
        yield path.with_suffix("")


def _answers(place: Path) -> bool:
    try:
        connection, _ = connect(place)
    except OSError:
        file_of(place).unlink(missing_ok=True)  # it was killed, and left this
        return False
    connection.close()
    return True


def _command(parser: argparse.ArgumentParser, options: argparse.Namespace) -> dict[str, Any]:
    """The command as JSON: each value a text where the protocol takes one, else what it says."""
    given: dict[str, str] = {}
    for each in options.fields:
        name, equals, value = each.partition("=")
        if not equals:
            parser.error(f"{each!r} is not FIELD=VALUE, as in to=600")
        given[name] = value
    try:
        return {"cmd": options.command, "id": 1, **checked(options.command, given)}
    except CommandError as error:
        parser.error(error.problem)


def _once(connection: socket.socket, command: dict[str, Any], *, follow: bool) -> int:
    connection.sendall(json.dumps(command).encode() + b"\n")
    result = FAILED
    replied = False
    try:
        for line in _lines(connection):
            value = json.loads(line)
            is_reply = not replied and "reply" in value
            if is_reply or (follow and replied):
                print(line, flush=True)
            if is_reply:
                replied, result = True, DONE if value.get("ok") else FAILED
                connection.settimeout(None)
                if not follow:
                    break
    except TimeoutError:
        print("platypus ctl: the phone does not answer", file=sys.stderr)
    return result


def _lines(connection: socket.socket) -> Iterator[str]:
    data = b""
    while part := connection.recv(65_536):
        *lines, data = (data + part).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")


def _relay(connection: socket.socket) -> int:
    """Standard input to the phone, and what it says to standard output, until one ends."""
    if sys.platform == "win32":  # no select on a console there: the lines first, then the answers
        connection.sendall(sys.stdin.buffer.read())
        connection.shutdown(socket.SHUT_WR)
        for line in _lines(connection):
            print(line, flush=True)
        return DONE
    connection.settimeout(None)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        try:
            selector.register(sys.stdin, selectors.EVENT_READ)
        except PermissionError:  # a file: it is read whole
            connection.sendall(sys.stdin.buffer.read())
            connection.shutdown(socket.SHUT_WR)
        while True:
            for key, _ in selector.select():
                if key.fileobj is connection:
                    data = connection.recv(65_536)
                    if not data:
                        return DONE
                    sys.stdout.buffer.write(data)
                    sys.stdout.buffer.flush()
                elif typed := os.read(sys.stdin.fileno(), 65_536):
                    connection.sendall(typed)
                else:  # the phone still owes replies, and then closes
                    selector.unregister(sys.stdin)
                    connection.shutdown(socket.SHUT_WR)

"""`platypus ctl` and a running phone, over the local socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platypus import Engine, local
from platypus.cli.ctl import find_phone
from platypus.control.lines import MAX_LINE
from platypus.control.server import ControlServer
from tests.harness.agent import ROOT

LIMIT = 10.0
AGENT = [sys.executable, "-m", "platypus", "agent", "--listen", "127.0.0.1:0", "--audio", "null"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}


@pytest.fixture
def nobody() -> Iterator[str]:
    """Somebody to call who says nothing at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"sip:600@127.0.0.1:{silent.getsockname()[1]}"


@contextlib.contextmanager
def phone(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """An agent that can be spoken to."""
    process = subprocess.Popen(
        AGENT, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        place = Path(environment["XDG_RUNTIME_DIR"], "platypus", f"ctl-{process.pid}.sock")
        end = time.monotonic() + LIMIT
        while not place.exists():
            assert time.monotonic() < end and process.poll() is None, "no socket"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def ctl(environment: dict[str, str], *words: str, typed: str = "") -> tuple[int, list[Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "platypus", "ctl", *words],
        cwd=ROOT,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


class TestOneCommand:
    def test_is_replied_to(self, environment):
        with phone(environment):
            code, said, _ = ctl(environment, "calls")
            assert (code, said) == (0, [{"reply": 1, "ok": True, "calls": []}])

    def test_that_is_refused_ends_with_1(self, environment):
        with phone(environment):
            code, said, _ = ctl(environment, "hangup")
            assert (code, said[0]["ok"], said[0]["code"]) == (1, False, "no-call")
            code, said, _ = ctl(environment, "show", "page=history")
            assert (code, said[0]["code"]) == (1, "no-window")

    def test_values_are_what_the_command_takes(self, environment, nobody):
        with phone(environment) as process:
            code, said, _ = ctl(environment, "call", f"to={nobody}")
            assert code == 0
            code, said, _ = ctl(environment, "mute", f"call={said[0]['call']}", "on=true")
            assert (code, said[0]["ok"]) == (0, True)
            assert ctl(environment, "set", "dnd=true", "forward_busy=sip:600@127.0.0.1")[0] == 0
            assert ctl(environment, "quit")[0] == 0
            assert process.wait(LIMIT) == 0

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (["dance"], "unknown command: dance"),
            (["call"], "missing field for call: to"),
            (["call", "to"], "is not FIELD=VALUE"),
            (["mute", "on=maybe"], "must be true or false"),
        ],
    )
    def test_that_makes_no_sense_is_refused_here(self, environment, words, problem):
        code, said, errors = ctl(environment, *words)
        assert (code, said) == (2, []) and problem in errors

    def test_needs_a_phone(self, environment):
        code, _, errors = ctl(environment, "calls")
        assert code == 1 and "no phone is running" in errors


class TestLines:
    def test_go_both_ways_until_the_end_of_input(self, environment):
        with phone(environment):
            typed = '{"cmd":"accounts","id":"a"}\n{"cmd":"nonsense","id":"b"}\n'
            code, said, _ = ctl(environment, typed=typed)
            assert code == 0
            assert [each.get("event") or each["reply"] for each in said] == ["ready", "a", "b"]

    def test_who_comes_later_finds_the_calls(self, environment, nobody):
        with phone(environment):
            ctl(environment, "call", f"to={nobody}")
            code, said, _ = ctl(environment, "hangup")
            assert (code, said[0]["ok"]) == (0, True)


def test_a_phone_that_was_killed_is_not_one_to_speak_to(environment, tmp_path):
    with phone(environment) as process:
        process.kill()
        process.wait()
    with phone(environment) as process:
        assert ctl(environment, "calls")[0] == 0
        left = [path.name for path in (tmp_path / "platypus").iterdir()]
        assert left == [f"ctl-{process.pid}.sock"]


def test_of_several_one_has_to_be_chosen(environment):
    with phone(environment), phone(environment) as second:
        code, _, errors = ctl(environment, "calls")
        assert code == 1 and f"{second.pid}" in errors
        assert ctl(environment, "--phone", str(second.pid), "calls")[0] == 0


@pytest.mark.parametrize("kind", ["unix", "loopback"])
class TestServer:
    """In this process, both ways of listening."""

    @pytest.fixture(autouse=True)
    def _kind(self, kind, monkeypatch):
        monkeypatch.setattr(local, "UNIX", kind == "unix")

    async def serve(self, folder: Path, engine: Engine) -> ControlServer:
        server = ControlServer(engine, quit=lambda: None)
        assert await server.start(folder)
        return server

    def test_only_its_owner_gets_there(self, tmp_path):
        async def run(engine: Engine) -> None:
            server = await self.serve(tmp_path, engine)
            (file,) = tmp_path.iterdir()
            assert file.stat().st_mode & 0o077 == 0
            server.close()
            assert list(tmp_path.iterdir()) == []

        running(run)

    def test_without_the_token_nobody_is_heard(self, tmp_path, kind):
        async def run(engine: Engine) -> None:
            server = await self.serve(tmp_path, engine)
            lines = await ask(tmp_path, b'{"token":"guessed"}\n{"cmd":"calls"}\n', token=False)
            # A Unix socket needs none: there it is a line like any other, and refused.
            assert lines == [] if kind == "loopback" else lines[0]["event"] == "ready"
            server.close()

        running(run)

    def test_a_line_without_end_is_let_go(self, tmp_path):
        async def run(engine: Engine) -> None:
            server = await self.serve(tmp_path, engine)
            assert len(await ask(tmp_path, b"x" * (MAX_LINE + 70_000))) <= 1
            assert not server.clients
            server.close()

        running(run)


def test_a_folder_that_can_not_be_is_no_failure(tmp_path):
    async def run(engine: Engine) -> None:
        (tmp_path / "file").touch()
        assert not await ControlServer(engine, quit=lambda: None).start(tmp_path / "file")

    running(run)


def test_no_phone_is_said(tmp_path):
    with pytest.raises(OSError, match="no phone is running"):
        find_phone(None, tmp_path)


def running(work: Any) -> None:
    import asyncio

    async def main() -> None:
        async with Engine(listen=("127.0.0.1", 0)) as engine:
            await work(engine)

    asyncio.run(main())


async def ask(folder: Path, data: bytes, *, token: bool = True) -> list[Any]:
    """What comes back for `data`, in a thread: the server is on this one."""
    import asyncio

    def talk() -> bytes:
        connection, secret = local.connect(folder / f"ctl-{os.getpid()}")
        with connection, contextlib.suppress(ConnectionError):
            if secret and token:
                connection.sendall(json.dumps({"token": secret}).encode() + b"\n")
            connection.sendall(data)
            with contextlib.suppress(OSError):  # ENOTCONN: it has let go already
                connection.shutdown(socket.SHUT_WR)
            heard = b""
            while part := connection.recv(65_536):
                heard += part
            return heard
        return b""

    heard = await asyncio.to_thread(talk)
    return [json.loads(line) for line in heard.splitlines()]

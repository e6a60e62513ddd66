"""`platypus agent` started in every way that programs and people start one."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.harness.agent import ROOT, Agent
from tests.harness.pbx import PASSWORD, PbxProgram

COMMAND = [sys.executable, "-m", "platypus", "agent", "--listen", "127.0.0.1:0", "--audio", "null"]
LIMIT = 10.0


@contextlib.contextmanager
def started(*options: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """An agent whose streams are the test's own; ended with the test."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    process = subprocess.Popen([*COMMAND, *options], cwd=ROOT, bufsize=0, **streams)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def line(stream: IO[bytes] | None) -> dict[str, Any]:
    """The next line, which must come in time."""
    assert stream is not None
    assert select.select([stream], [], [], LIMIT)[0], "no line came"
    return json.loads(stream.readline())


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(LIMIT)


class TestInput:
    def test_dev_null_is_not_the_end(self) -> None:
        with started(stdin=subprocess.DEVNULL) as agent:
            assert line(agent.stdout)["event"] == "ready"
            with pytest.raises(subprocess.TimeoutExpired):
                agent.wait(0.3)
            assert stop(agent) == 0

    def test_a_file_is_carried_out_and_is_not_the_end(self, tmp_path: Path) -> None:
        file = tmp_path / "commands"
        file.write_text('{"cmd":"calls","id":1}\n{"cmd":"accounts","id":2}')
        with file.open() as stdin, started(stdin=stdin) as agent:
            assert [line(agent.stdout).get("reply") for _ in range(3)] == [None, 1, 2]
            with pytest.raises(subprocess.TimeoutExpired):
                agent.wait(0.3)
            assert stop(agent) == 0

    def test_it_may_be_closed(self) -> None:
        with started(stdin=subprocess.PIPE, preexec_fn=lambda: os.close(0)) as agent:
            assert line(agent.stdout)["event"] == "ready"
            assert stop(agent) == 0

    def test_a_terminal_may_be_typed_at(self) -> None:
        ours, theirs = pty.openpty()
        try:
            with started(stdin=theirs) as agent:
                assert line(agent.stdout)["event"] == "ready"
                os.write(ours, b'{"cmd":"calls","id":1}\n')
                assert line(agent.stdout) == {"reply": 1, "ok": True, "calls": []}
                os.write(ours, b'{"cmd":"quit"}\n')
                assert line(agent.stdout)["ok"] is True
                assert agent.wait(LIMIT) == 0
        finally:
            os.close(ours)
            os.close(theirs)

    def test_the_end_of_a_pipe_is_not_the_end(self) -> None:
        with started(stdin=subprocess.PIPE) as agent:
            assert agent.stdin is not None
            agent.stdin.write(b'{"cmd":"calls","id":1}')  # the last line has no end of its own
            agent.stdin.close()
            assert line(agent.stdout)["event"] == "ready"
            assert line(agent.stdout)["reply"] == 1
            assert stop(agent) == 0


class TestOutput:
    def test_a_thousand_commands_have_a_thousand_replies_in_order(self) -> None:
        with Agent("--audio", "null") as agent:
            for number in range(1000):
                agent.write_line(json.dumps({"cmd": "calls", "id": number}))
            agent.wait_for(lambda: len(agent.stdout_lines) > 1000 or None, LIMIT, "all replies")
            replies = [json.loads(one)["reply"] for one in agent.stdout_lines[1:1001]]
            assert replies == list(range(1000))

    def test_nobody_who_reads_is_the_end_in_good_order(self) -> None:
        with started(stdin=subprocess.PIPE) as agent:
            assert agent.stdin is not None and agent.stdout is not None
            line(agent.stdout)
            agent.stdout.close()
            agent.stdin.write(b'{"cmd":"calls"}\n')
            agent.stdin.flush()
            assert agent.wait(LIMIT) == 0

    def test_what_others_print_goes_to_standard_error(self) -> None:
        script = (
            "import sys, asyncio\n"
            "from platypus.cli import agent\n"
            "own = agent._own_output\n"
            "def noisy():\n"
            "    output = own()\n"
            "    print('chatter of a library', flush=True)\n"
            "    return output\n"
            "agent._own_output = noisy\n"
            "from platypus.cli import main\n"
            "sys.exit(main(['agent', '--listen', '127.0.0.1:0', '--audio', 'null']))\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", script],
            input='{"cmd":"quit"}\n',
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=LIMIT,
            check=False,
        )
        assert all(json.loads(one) for one in result.stdout.splitlines())
        assert "chatter" in result.stderr

    def test_a_log_goes_to_standard_error_and_holds_no_password(self) -> None:
        options = ["--audio", "null", "--log", "debug"]
        with (
            PbxProgram("alice") as pbx,
            Agent(*options, account=pbx.uri("alice"), password=PASSWORD) as agent,
        ):
            agent.wait_event("registered")
            assert agent.quit() == 0
            assert any("REGISTER" in one for one in agent.lines)
            assert PASSWORD not in agent.output


class TestEnd:
    def test_quit_is_replied_to_and_ends_with_0(self) -> None:
        with Agent("--audio", "null") as agent:
            assert agent.quit() == 0

    @pytest.mark.realtime
    @pytest.mark.smoke
    def test_a_frozen_server_delays_the_end_by_less_than_two_seconds(self) -> None:
        with (
            PbxProgram("alice") as pbx,
            Agent("--audio", "null", account=pbx.uri("alice"), password=PASSWORD) as agent,
        ):
            agent.wait_event("registered")
            agent.call("600")
            agent.wait_event("call", state="confirmed")
            pbx.signal(signal.SIGSTOP)
            began = time.monotonic()
            agent.signal(signal.SIGINT)
            assert agent.wait(LIMIT) == 0
            assert time.monotonic() - began < 2.0

    def test_a_second_signal_does_not_wait(self) -> None:
        with (
            PbxProgram("alice") as pbx,
            Agent("--audio", "null", account=pbx.uri("alice"), password=PASSWORD) as agent,
        ):
            agent.wait_event("registered")
            agent.call("600")
            agent.wait_event("call", state="confirmed")
            pbx.signal(signal.SIGSTOP)
            agent.signal(signal.SIGTERM)
            agent.wait_event("call", state="ended")
            agent.signal(signal.SIGTERM)
            assert agent.wait(LIMIT) == -signal.SIGTERM


def test_a_password_is_asked_for_at_a_terminal_and_not_shown() -> None:
    with PbxProgram("alice") as pbx:
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            arguments = ["register", "--check", "--account", pbx.uri("alice")]
            os.execv(sys.executable, [sys.executable, "-m", "platypus", *arguments])
        shown = read_until(terminal, b"Password of ")
        os.write(terminal, PASSWORD.encode() + b"\n")
        shown += read_until(terminal, b"registered: ")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        os.close(terminal)
    assert pbx.uri("alice").encode() in shown
    assert PASSWORD.encode() not in shown


def read_until(fd: int, wanted: bytes) -> bytes:
    """What a terminal shows, up to and with `wanted`."""
    shown = b""
    while wanted not in shown:
        assert select.select([fd], [], [], LIMIT)[0], f"only {shown!r}"
        shown += os.read(fd, 4096)
    return shown


def test_a_call_at_a_terminal_shows_how_it_goes() -> None:
    with PbxProgram("alice") as pbx:
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            os.environ["PW"] = PASSWORD
            arguments = ["call", "602", "--account", pbx.uri("alice"), "--password-env", "PW"]
            arguments += ["--audio", "null", "--listen", "127.0.0.1:0", "--duration", "1"]
            os.execv(sys.executable, [sys.executable, "-m", "platypus", *arguments])
        shown = read_until(terminal, b"\rconfirmed")
        shown += read_until(terminal, b"ended: by local")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        os.close(terminal)
    for word in (b"in ", b"lost 0 (0.0 %)", b"jitter ", b"00:00"):
        assert word in shown


def test_a_registration_names_its_instance() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as registrar:
        registrar.bind(("127.0.0.1", 0))
        registrar.settimeout(LIMIT)
        account = f"sip:alice@127.0.0.1:{registrar.getsockname()[1]}"
        with started("--account", account, stdin=subprocess.DEVNULL):
            assert b';+sip.instance="<urn:uuid:' in registrar.recv(65536)

"""`platypus call` and `platypus register` as programs, against a `platypus pbx`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from platypus.engine import Engine
from platypus.sip.events import IncomingCall
from tests.harness.agent import ROOT
from tests.harness.pbx import PASSWORD, PbxProgram


@pytest.fixture(scope="module")
def pbx() -> Iterator[PbxProgram]:
    with PbxProgram("alice", "bob") as program:
        yield program


def platypus(*arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "platypus", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "TEST_PASSWORD": password, "HOME": "/dev/null/home"},
        timeout=20,
        check=False,
    )


def account_of(pbx: PbxProgram) -> list[str]:
    return ["--account", pbx.uri("alice"), "--password-env", "TEST_PASSWORD"]


class TestAgent:
    @pytest.mark.parametrize(
        "words",
        [
            ("--audio", "wav:/nonexistent.wav"),
            ("--audio", f"wav:{__file__}"),
            ("--listen", "192.0.2.1:0"),
            ("--listen", "nowhere.invalid:0"),
        ],
    )
    def test_what_an_option_names_and_is_not_there_is_wrong_usage(self, words: list[str]) -> None:
        result = platypus("agent", "--listen", "127.0.0.1:0", "--audio", "null", *words)
        assert (result.returncode, result.stdout) == (2, "")
        assert words[0] in result.stderr


class TestRegister:
    def test_check_says_that_it_worked(self, pbx: PbxProgram) -> None:
        result = platypus("register", "--check", *account_of(pbx))
        assert result.returncode == 0
        assert result.stdout.startswith(f"registered: {pbx.uri('alice')} for 300 s as sip:alice@")

    def test_check_ends_with_3_where_it_did_not(self, pbx: PbxProgram) -> None:
        result = platypus("register", "--check", *account_of(pbx), password="wrong")
        assert result.returncode == 3
        assert "password" in result.stdout

    def test_needs_somebody_to_register(self) -> None:
        result = platypus("register", "--check")
        assert (result.returncode, result.stdout) == (2, "")
        assert "--account" in result.stderr


class TestCall:
    def call(self, pbx: PbxProgram, *arguments: str) -> subprocess.CompletedProcess[str]:
        return platypus(
            "call", *arguments, "--audio", "null", "--listen", "127.0.0.1:0", *account_of(pbx)
        )

    def test_ends_after_the_duration_with_a_summary(self, pbx: PbxProgram) -> None:
        result = self.call(pbx, "602", "--duration", "0.5")
        assert result.returncode == 0
        figures = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
        assert figures["codec"] == "pcmu"
        assert figures["lost"] == "0 packets"
        assert int(figures["received"].split()[0]) >= 20
        assert result.stdout.count("confirmed") == 1

    def test_ends_with_4_where_nobody_answers(self, pbx: PbxProgram) -> None:
        result = self.call(pbx, "607", "--answer-within", "0.3")
        assert result.returncode == 4
        assert "no answer" in result.stderr

    def test_ends_with_4_where_it_is_refused(self, pbx: PbxProgram) -> None:
        result = self.call(pbx, "605")
        assert (result.returncode, "486" in result.stderr) == (4, True)

    def test_ends_when_the_other_side_hangs_up(self, pbx: PbxProgram) -> None:
        result = self.call(pbx, "601")
        assert (result.returncode, "ended by remote" in result.stdout) == (0, True)

    def test_ends_with_3_where_it_is_not_registered(self, pbx: PbxProgram) -> None:
        arguments = ["call", "600", "--audio", "null", *account_of(pbx)]
        assert platypus(*arguments, password="wrong").returncode == 3

    def test_ends_with_5_where_it_is_answered_and_nothing_is_heard(self) -> None:
        assert asyncio.run(call_somebody_silent()) == 5


SILENT = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio 9 RTP/AVP 0\r
"""


async def call_somebody_silent() -> int:
    """The exit code of a call to a phone that answers and then sends no packet at all."""

    def answer(event: IncomingCall) -> bool:
        event.session.answer(SILENT.encode(), callee.now())
        return True

    callee = Engine(listen=("127.0.0.1", 0), handlers={"INVITE": answer})
    async with callee:
        host, port = callee.address
        words = ["call", f"sip:silent@{host}:{port}", "--audio", "null", "--duration", "0.3"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "platypus", *words, "--listen", "127.0.0.1:0"),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            return await process.wait()

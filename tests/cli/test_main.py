"""`platypus` as a program: its verbs, its version, its help, and what is wrong usage."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from platypus import __version__
from platypus.cli import VERBS
from tests.harness.agent import ROOT


def platypus(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "platypus", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=20,
        check=False,
    )


def test_says_its_version() -> None:
    result = platypus("--version")
    assert (result.returncode, result.stdout) == (0, f"platypus {__version__}\n")


def test_help_names_every_command_and_every_exit_code() -> None:
    result = platypus("--help")
    assert result.returncode == 0
    for verb in VERBS:
        assert f"\n  {verb} " in result.stdout
    for code in range(6):
        assert f"\n  {code}  " in result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_command_has_a_help_with_the_exit_codes(verb: str) -> None:
    result = platypus(verb, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: platypus {verb}")
    assert "5  no media" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["dance"], ["--dance"], ["agent", "--dance"]])
def test_wrong_usage_ends_with_2_and_nothing_on_standard_output(arguments: list[str]) -> None:
    result = platypus(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert all(word in result.stderr for word in arguments[-1:])


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--seconds", "0"],
        ["pbx", "--password-env", "X"],
        ["pbx", "--user", "a", "--password-env", "NO_SUCH_VARIABLE"],
        ["pbx", "--record-dir", "/dev/null/folder"],
        ["call"],
        ["call", "600", "--duration", "long"],
        ["register", "--no-register", "--account", "sip:a@127.0.0.1"],
    ],
)
def test_each_command_names_what_it_can_not_use(arguments: list[str]) -> None:
    result = platypus(*arguments)
    assert (result.returncode, result.stdout) == (2, "")


def test_nothing_is_loaded_that_a_verb_does_not_need() -> None:
    script = (
        "import sys, platypus.cli.agent;"
        "print([name for name in ('platypus.pbx', 'platypus.call', 'platypus._media.loop',"
        " 'platypus.config', 'tomllib', 'platformdirs', 'dns', 'numpy', 'pyaudio')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert result.stdout.strip() == "[]"

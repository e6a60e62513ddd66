"""The README is true: its targets, commands and links exist, and its program runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.programs import Program

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def commands(word: str) -> list[str]:
    """What stands behind `word` at the start of an indented line, or in backquotes."""
    return sorted(set(re.findall(rf"(?:^    |`){word} ([\w-]+)", README, re.M)))


@pytest.mark.parametrize("target", commands("make"))
def test_a_target_of_make_exists(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.M)


@pytest.mark.parametrize("verb", [verb for verb in commands("platypus") if verb[0] != "-"])
def test_a_command_exists_and_has_help(verb: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "platypus", verb, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert verb in result.stdout


def test_the_readme_names_the_two_commands_a_newcomer_needs_first() -> None:
    assert commands("make")[:1] and {"run", "test"} <= set(commands("make"))
    assert README.index("make run") < README.index("make test") < README.index("pip install")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).exists()


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)


def test_there_is_one_program() -> None:
    assert len(python_blocks()) == 1


@pytest.mark.interop
@pytest.mark.smoke
def test_the_program_runs_against_the_built_in_pbx() -> None:
    pbx = [sys.executable, "-m", "platypus", "pbx", "--listen", "127.0.0.1:0"]
    pbx += ["--user", "alice", "--password-env", "PASSWORD"]
    with Program(
        "platypus pbx",
        pbx,
        folder=ROOT,
        environment={"PASSWORD": "secret", "PYTHONUNBUFFERED": "1"},
    ) as server:
        address = server.expect(r"sip:alice@(127\.0\.0\.1:\d+)").group(1)
        program = python_blocks()[0].replace("127.0.0.1:5060", address)
        result = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=30,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    assert re.search(r"the echo is back: \d+ packets", result.stdout)

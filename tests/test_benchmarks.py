"""The runner of the benchmarks leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.agent import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")


def children(pid: int) -> list[int]:
    tasks = Path("/proc", str(pid), "task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def runs(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(done: Callable[[], object]) -> None:
    ends = time.monotonic() + 30
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_whoever_kills_it_has_killed_what_it_started() -> None:
    """`idle` has started an agent and a Python that does nothing, and watches them."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "idle"],
        cwd=ROOT,
        env={**os.environ, "SECONDS_IDLE": "300"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: len(children(runner.pid)) == 1)
        [inside] = children(runner.pid)
        wait_for(lambda: len(children(inside)) == 2)
        started = [inside, *children(inside)]
    finally:
        runner.kill()
        runner.wait()
    wait_for(lambda: not any(map(runs, started)))


def benchmarks(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_that_can_be_none_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    said = benchmarks("--json", str(tmp_path / "nowhere" / "x.json"), "parse")
    assert said.returncode == 2
    assert "x.json can't be written: No such file or directory" in said.stderr
    assert said.stdout == ""


def test_a_package_that_is_missing_is_named_with_what_installs_it(tmp_path: Path) -> None:
    (tmp_path / "G722.py").write_text("raise ModuleNotFoundError(name='G722')")
    said = benchmarks("codecs", PYTHONPATH=str(tmp_path))
    assert said.returncode == 1
    assert "codecs needs G722; `make bench NAMES=codecs` installs it first" in said.stderr
    assert "Traceback" not in said.stderr

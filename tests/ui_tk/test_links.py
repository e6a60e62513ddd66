"""Telephone links that open the real window, and second starts of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.programs import Program
from tests.ui_tk.screen import Screen

pytestmark = pytest.mark.ui

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


@pytest.fixture
def environment(screen: Screen, tmp_path: Path) -> dict[str, str]:
    """A home of its own, with the settings of who wants links dialled at once."""
    run, settings = tmp_path / "run", tmp_path / "config" / "platypus"
    run.mkdir(mode=0o700)
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text(
        '[audio]\nsource = "null"\n[calls]\nask_before_links = false\n'
    )
    return {
        "DISPLAY": screen.display,
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(run),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
        "LANG": "C.UTF-8",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def starter(*arguments: str) -> Program:
        command = [sys.executable, "-m", "ui_tk", *arguments]
        started.append(Program("window", command, folder=ROOT, environment=environment))
        return started[-1]

    yield starter
    for program in started:
        program.stop()


def test_a_link_starts_the_phone_and_is_dialled(
    screen: Screen, start: Callable[..., Program]
) -> None:
    start("tel:600")
    screen.wait_for_title("In call with 600")


def test_a_second_start_hands_its_link_to_the_phone_that_runs(
    screen: Screen, start: Callable[..., Program]
) -> None:
    first = start()
    screen.wait_for_title("Platypus - .*registered")
    assert start("callto:600").wait(10) == 0
    screen.wait_for_title("In call with 600")
    assert first.running


def test_what_is_no_link_is_said(environment: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ui_tk", "https://example.com"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**environment, "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert result.returncode == 2
    assert "is not a sip:, sips:, tel: or callto: link" in result.stderr

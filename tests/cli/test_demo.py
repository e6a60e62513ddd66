"""The first call of a newcomer, measured, as `make run` makes it without a display."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.harness.agent import ROOT

pytestmark = [pytest.mark.realtime, pytest.mark.smoke]


@pytest.fixture(scope="module")
def result() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "platypus", "demo", "--seconds", "2"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "DISPLAY"},
        timeout=30,
        check=False,
    )


@pytest.fixture(scope="module")
def figures(result: subprocess.CompletedProcess[str]) -> dict[str, tuple[float, str]]:
    found = {}
    for line in result.stdout.splitlines():
        name, _, rest = line.partition(": ")
        value, unit = rest.split(" ")
        found[name] = (float(value), unit)
    return found


def test_the_call_works(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, result.stderr


def test_every_figure_is_there_with_its_unit(figures: dict[str, tuple[float, str]]) -> None:
    assert {name: unit for name, (_, unit) in figures.items()} == {
        "setup_ms": "ms",
        "snr_db": "dB",
        "snr_g711_db": "dB",
        "delay_ms": "ms",
        "lost": "packets",
        "lateness_p99_ms": "ms",
    }


def test_what_comes_back_is_what_g711_allows(figures: dict[str, tuple[float, str]]) -> None:
    assert abs(figures["snr_db"][0] - figures["snr_g711_db"][0]) < 1
    assert figures["lost"][0] == 0


def test_the_delay_is_that_of_a_good_telephone(figures: dict[str, tuple[float, str]]) -> None:
    assert 0 < figures["delay_ms"][0] < 60

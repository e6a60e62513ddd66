"""Where many SRTP contexts live their memory is on large pages, and nothing else is different."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.sanitizer import SANITIZED

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests._media.crowding"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def on_large_pages(said: dict[str, Any]) -> dict[str, Any]:
    if SANITIZED:
        pytest.skip("a sanitizer sees each block of its own")
    if platform.libc_ver()[0] != "glibc" or not said["system"]:
        pytest.skip("no large pages here, or another malloc")
    release = tuple(int(each) for each in platform.release().split("-")[0].split(".")[:2])
    if release < (6, 1):
        pytest.skip("before Linux 6.1 the system gathers in its own time")
    return said


def test_a_call_or_two_changes_nothing(said: dict[str, Any]) -> None:
    assert said["few"] == [2, []]


def test_sessions_of_many_calls_lie_on_large_pages(on_large_pages: dict[str, Any]) -> None:
    alive, kilobytes = on_large_pages["many"]
    assert alive == 40
    assert 0 < len(kilobytes) <= 3
    assert any(kilobytes)


def test_streams_of_the_media_thread_do_too(on_large_pages: dict[str, Any]) -> None:
    assert any(on_large_pages["thread"])


def test_packets_are_the_same_to_the_bit(said: dict[str, Any]) -> None:
    assert said["works"]
    assert said["called"]
    assert said["still works"]


def test_when_all_are_given_up_it_begins_anew(said: dict[str, Any]) -> None:
    assert said["none"] == [0, []]
    assert said["anew"][0] == 40
    assert said["works anew"]


def test_large_pages_are_found_anew(on_large_pages: dict[str, Any]) -> None:
    assert any(on_large_pages["anew"][1])

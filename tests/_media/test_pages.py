"""A program's objects on large pages, in an interpreter of its own: it is for once and for all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.sanitizer import SANITIZED

ROOT = Path(__file__).parent.parent.parent

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there nothing changes"),
    pytest.mark.skipif(SANITIZED, reason="a sanitizer sees each block of its own"),
]


def told_by(*lines: str) -> list[str]:
    """What a program prints that fills arenas with lists, for some MB of them."""
    begun = ["from platypus._media import pages", "fill = lambda mb: [[] for _ in range(mb << 14)]"]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join([*begun, *lines])],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return result.stdout.split()


def test_what_a_program_makes_until_it_is_ready_lies_in_chunks() -> None:
    before, made, after = told_by(
        "print(pages.chunks())",
        "pages.begin()",
        "kept = fill(8)",
        "print(pages.chunks())",
        "pages.end()",
        "kept += fill(8)",
        "print(pages.chunks())",
    )
    assert before == "0"
    assert int(made) >= 4
    assert after == made


def test_what_is_free_of_them_is_used_and_given_back() -> None:
    made, left, again = told_by(
        "pages.begin()",
        "kept = fill(16)",
        "pages.end()",
        "print(pages.chunks())",
        "del kept",
        "print(pages.chunks())",
        "kept = fill(16)",
        "print(pages.chunks(), end=' ')",
    )
    assert int(left) < int(made) / 2
    assert again == left


def test_there_is_an_end_to_them() -> None:
    (most,) = told_by("pages.begin()", "kept = fill(80)", "print(pages.chunks())")
    assert most == "32"


def test_beginning_twice_changes_nothing() -> None:
    told = told_by("pages.begin()", "pages.begin()", "kept = fill(4)", "print(pages.chunks())")
    assert int(told[0]) < 8

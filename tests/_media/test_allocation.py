"""Nothing is allocated in the loop once a call is on its way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from platypus.media import opus, srtp
from tests.harness.sanitizer import SANITIZED

HERE = Path(__file__).parent
# libsrtp keeps a stream of each SSRC and each direction; both legs run in one thread.
FOR_THE_SSRCS = 40
OPUS = ["opus", "conference"] if opus.available() else []
KINDS = ["plain", "g722", *OPUS, *srtp.PROFILES]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="threads are told apart by /proc"),
    pytest.mark.skipif(SANITIZED, reason="the sanitizer has an allocator of its own"),
]


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    library = tmp_path_factory.mktemp("counting") / "counting.so"
    compiler = shutil.which(os.environ.get("CC", "cc"))
    assert compiler
    command = [compiler, "-shared", "-fPIC", "-O1", str(HERE / "counting.c"), "-o", str(library)]
    subprocess.run(command, check=True)
    yield library


@pytest.fixture(scope="module")
def calls(counting: Path) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """A program for each kind of call, all at the same time."""
    started = {
        profile: subprocess.Popen(
            [sys.executable, "-m", "tests._media.allocating", profile],
            env={**os.environ, "LD_PRELOAD": str(counting)},
            cwd=HERE.parent.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for profile in KINDS
    }
    yield started
    for each in started.values():
        each.kill()
        each.communicate()


@pytest.mark.parametrize("profile", KINDS)
def test_a_call_under_way_allocates_nothing(
    calls: dict[str, subprocess.Popen[str]], profile: str
) -> None:
    said, complaint = calls[profile].communicate(timeout=60)
    assert calls[profile].returncode == 0, complaint
    first, later = map(int, said.split())
    assert later == 0
    if profile not in srtp.PROFILES:
        assert first == 0
    else:  # and so the threads that are counted are the right ones
        assert 0 < first <= FOR_THE_SSRCS

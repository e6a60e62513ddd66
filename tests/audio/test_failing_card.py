"""PortAudio's thread goes round for ever after some failures of a device, and is ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.sanitizer import SANITIZED
from tests.harness.soundserver import soundserver

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux's"),
    pytest.mark.skipif(SANITIZED, reason="the sanitizer has to be loaded first"),
]


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    library = tmp_path / "failing_card.so"
    compiler = shutil.which(os.environ.get("CC", "cc"))
    assert compiler
    source = HERE / "failing_card.c"
    subprocess.run([compiler, "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    return library


def test_a_thread_that_goes_round_for_ever_is_noticed_and_ended(
    failing: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pyaudio")
    folder = tmp_path / "server"
    folder.mkdir()
    with soundserver(folder) as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.audio.failing_card"],
            env={**os.environ, **server.environment, "LD_PRELOAD": str(failing)},
            cwd=HERE.parent.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=60,
        )
    assert done.stdout.split() == ["free"]

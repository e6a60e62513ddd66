"""`platypus devices` on a real sound server, and without any."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.audio.test_portaudio import find
from tests.harness.listening import noise
from tests.harness.soundserver import RATE, SoundServer, soundserver


def devices(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "platypus", "devices", *options],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
        check=False,
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    pytest.importorskip("pyaudio")
    with soundserver(tmp_path) as server:
        yield server


def test_without_a_sound_server_it_says_what_to_do(tmp_path: Path) -> None:
    pytest.importorskip("pyaudio")
    done = devices(PULSE_SERVER=f"unix:{tmp_path}/none", HOME=str(tmp_path))
    if done.stdout:
        pytest.skip("this machine has a sound card")
    assert done.returncode == 0
    assert "start PulseAudio or PipeWire" in done.stderr


def test_devices_to_test_without_a_test_are_wrong_usage() -> None:
    done = devices("--input", "mic")
    assert done.returncode == 2
    assert "add --test" in done.stderr


@pytest.mark.realtime
class TestOnASoundServer:
    def test_lists_names_and_what_the_system_prefers(self, server: SoundServer) -> None:
        done = devices()
        lines = done.stdout.splitlines()
        assert lines[0] == "input: mic *  Remapped Monitor of Null Output"
        assert "output: speaker *  Null Output (speaker)" in lines
        assert "output: micfeed  Null Output (micfeed)" in lines

    def test_what_the_microphone_hears_is_measured_and_played_back(
        self, server: SoundServer, tmp_path: Path
    ) -> None:
        path = tmp_path / "heard"
        voice = noise(12, RATE)
        with server.hearing(path), server.saying(voice.tobytes()):
            done = devices("--test", "--output", "speaker")
        assert (done.returncode, done.stderr) == (0, "")
        assert "three notes were played on Null Output (speaker)" in done.stdout
        assert "peak -6 dBFS" in done.stdout
        heard = np.fromfile(path, dtype=np.int16)
        assert max(find(heard, voice, at, RATE)[1] for at in (3.0, 4.0, 5.0)) > 0.9

    def test_a_silent_microphone_fails(self, server: SoundServer) -> None:
        done = devices("--test")
        assert done.returncode == 1
        assert "nothing was heard" in done.stderr

    def test_a_device_that_is_not_there_fails_and_the_others_are_named(
        self, server: SoundServer
    ) -> None:
        done = devices("--test", "--output", "Polycom")
        assert done.returncode == 1
        assert "no sound device is called 'Polycom'" in done.stderr
        assert "speaker" in done.stderr

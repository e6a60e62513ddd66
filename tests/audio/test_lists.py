"""Whom to ask for the sound devices: the server, PortAudio here, or a child's PortAudio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from platypus.audio import lists, portaudio, pulse
from platypus.audio.device import DeviceLists, SoundDevice
from platypus.errors import DeviceError

SERVER = DeviceLists(outputs=(SoundDevice("hda", "Built-in"),))
OWN = DeviceLists(outputs=(SoundDevice("hw:0", "hw:0", number=3),))


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Who was asked; no server, and PortAudio is not in use."""
    asked: list[str] = []

    def own() -> DeviceLists:
        asked.append("portaudio")
        return OWN

    monkeypatch.setattr(pulse, "available", lambda: False)
    monkeypatch.setattr(portaudio, "in_use", lambda: False)
    monkeypatch.setattr(lists, "WAITS", False)
    monkeypatch.setattr(portaudio, "list_devices", own)
    return asked


def test_a_sound_server_knows_best(asked, monkeypatch):
    monkeypatch.setattr(pulse, "available", lambda: True)
    monkeypatch.setattr(pulse, "list_devices", lambda _: SERVER)
    assert lists.list_devices() == SERVER
    assert asked == []


@pytest.mark.parametrize("answer", [None, DeviceLists()])
def test_a_server_that_knows_none_leaves_it_to_portaudio(asked, monkeypatch, answer):
    monkeypatch.setattr(pulse, "available", lambda: True)
    monkeypatch.setattr(pulse, "list_devices", lambda _: answer)
    assert lists.list_devices() == OWN


def test_quickly_nobody_else_is_asked(asked, monkeypatch):
    monkeypatch.setattr(pulse, "available", lambda: True)
    monkeypatch.setattr(pulse, "list_devices", lambda _: None)
    assert lists.list_devices(quick=True) == DeviceLists()
    assert asked == []


def test_a_server_that_comes_up_meanwhile_is_asked_again(asked, monkeypatch):
    answers = [None, SERVER]
    monkeypatch.setattr(pulse, "available", lambda: True)
    monkeypatch.setattr(pulse, "list_devices", lambda _: answers.pop(0))
    found = DeviceLists(outputs=(SoundDevice("pulse", "pulse", number=0),))
    monkeypatch.setattr(portaudio, "list_devices", lambda: found)
    assert lists.list_devices() == SERVER


def test_a_server_that_hangs_is_an_error_and_portaudio_is_left_alone(asked, monkeypatch, tmp_path):
    (tmp_path / "pactl").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "pactl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(pulse, "available", lambda: True)
    with pytest.raises(DeviceError, match="does not answer"):
        lists.list_devices(0.2)
    assert asked == []


def child(monkeypatch, code: str) -> None:
    monkeypatch.setattr(portaudio, "in_use", lambda: True)
    monkeypatch.setattr(portaudio, "require", lambda: None)
    monkeypatch.setattr(lists, "CHILD", (sys.executable, "-c", code))


def test_while_streams_run_a_child_is_asked(asked, monkeypatch):
    said = json.dumps(asdict(OWN))
    child(monkeypatch, f"print({said!r})")
    assert lists.list_devices() == OWN
    assert asked == []


def test_where_portaudio_may_wait_without_end_a_child_is_asked(asked, monkeypatch):
    said = json.dumps(asdict(OWN))
    child(monkeypatch, f"print({said!r})")
    monkeypatch.setattr(portaudio, "in_use", lambda: False)
    monkeypatch.setattr(lists, "WAITS", True)
    assert lists.list_devices() == OWN
    assert asked == []


def test_a_child_that_waits_without_end_is_ended(asked, monkeypatch):
    child(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(lists, "QUICK_TIMEOUT", 0.2)
    with pytest.raises(DeviceError, match="does not answer"):
        lists.list_devices(quick=True)


def test_without_the_library_no_child_is_started(asked, monkeypatch):
    monkeypatch.setattr(lists, "WAITS", True)
    monkeypatch.setattr(lists, "CHILD", ("/nothing/to/start",))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DeviceError, match="PyAudio is not installed"):
        lists.list_devices()


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "print('no JSON')", "print('{}')"])
def test_a_child_that_fails_is_an_error_and_no_empty_list(asked, monkeypatch, code):
    child(monkeypatch, code)
    with pytest.raises(DeviceError, match="can't be listed"):
        lists.list_devices()


def test_the_real_child_prints_lists(tmp_path):
    pytest.importorskip("pyaudio")
    done = subprocess.run(
        lists.CHILD,
        env=os.environ
        | {"PULSE_SERVER": f"unix:{tmp_path}/none", "HOME": str(tmp_path)}
        | {"ASAN_OPTIONS": "detect_leaks=0"},  # what ALSA leaves behind is not ours
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert isinstance(lists.parse_lists(json.loads(done.stdout)), DeviceLists)
    assert done.stderr == b""

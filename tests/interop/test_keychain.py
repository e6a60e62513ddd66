"""Passwords in a real gnome-keyring, on a session bus of its own, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.programs import find_program

pytestmark = pytest.mark.interop

PHONE = """
import sys
from platypus.credentials import Keychain, open_store
store, why = open_store(timeout=10)
print(type(store).__name__, store.where, why)
address = "sip:alice@pbx.example.com"
print(store.get(address))
store.set(address, sys.stdin.readline().strip())
print("kept", store.get(address) is not None)
again = Keychain(timeout=10)
print("found", len(again.get(address)))
again.delete(address); again.delete(address)
print("deleted", again.get(address))
"""


def run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    folders = {"HOME": home, "XDG_DATA_HOME": home / "data", "XDG_RUNTIME_DIR": home / "run"}
    for folder in folders.values():
        folder.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, **{key: str(value) for key, value in folders.items()}}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        environment.pop(name, None)
    return subprocess.run(
        command,
        env={**environment, "PHONE": PHONE},
        input="correct horse\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_password_is_kept_found_and_deleted(tmp_path: Path) -> None:
    bus, _ = find_program("dbus-run-session"), find_program("gnome-keyring-daemon")
    keyring = "printf '\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null"
    phone = f'exec "{sys.executable}" -c "$PHONE"'
    result = run(tmp_path, bus, "--", "bash", "-c", f"{keyring}; {phone}")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Keychain the system's keychain"), result.stdout + result.stderr
    assert lines[1:] == ["None", "kept True", "found 13", "deleted None"]
    for path in tmp_path.rglob("*"):  # neither the keyring's files nor anything of ours
        assert not path.is_file() or b"correct horse" not in path.read_bytes()


def test_without_a_keychain_the_phone_says_so_and_remembers_until_its_end(tmp_path: Path) -> None:
    result = run(tmp_path, sys.executable, "-c", PHONE)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Memory nowhere")
    assert "there is no keychain on this system" in lines[0]
    assert lines[1:] == ["None", "kept True"]
    assert "CredentialsError" in result.stderr
    assert "correct horse" not in result.stdout + result.stderr

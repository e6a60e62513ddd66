from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ui_tk.system import desktop_entry

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="freedesktop.org's files")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_the_phone_is_in_the_menu_and_takes_links(home: Path) -> None:
    assert not desktop_entry.is_installed()
    done = desktop_entry.install()
    assert desktop_entry.is_installed()
    entry = home / "data" / "applications" / "platypus.desktop"
    text = entry.read_text()
    assert str(entry) in done[0]
    for scheme in ("sip", "sips", "tel", "callto"):
        assert f"x-scheme-handler/{scheme};" in text
    if shutil.which("desktop-file-validate"):
        checked = subprocess.run(["desktop-file-validate", entry], capture_output=True, check=False)
        assert checked.returncode == 0, checked.stdout
    desktop_entry.remove()
    assert not entry.exists()


def test_start_at_login_can_be_set_and_taken_back() -> None:
    assert not desktop_entry.starts_at_login()
    desktop_entry.set_start_at_login(True)
    desktop_entry.set_start_at_login(True)
    assert desktop_entry.starts_at_login()
    assert "--minimized" in desktop_entry._login_file().read_text()
    assert "%u" not in desktop_entry._login_file().read_text()
    desktop_entry.set_start_at_login(False)
    desktop_entry.set_start_at_login(False)
    assert not desktop_entry.starts_at_login()


def test_a_path_with_spaces_and_signs_is_quoted_as_the_specification_says() -> None:
    assert desktop_entry._quoted(["/a b/$x/100%"]) == '"/a b/\\$x/100%%"'

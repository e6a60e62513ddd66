from __future__ import annotations

import os
from pathlib import Path

import pytest

from platypus.files import read_bounded, set_aside, write_whole


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in path.parent.iterdir()] == ["file.json"]


def test_a_failed_writing_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_reading_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert read_bounded(path, 3) is None
    path.write_bytes(b"123")
    assert read_bounded(path, 3) == b"123"
    with pytest.raises(OSError, match="larger than 2 bytes"):
        read_bounded(path, 2)


def test_damaged_files_are_kept_each_under_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("first", "second"):
        path.write_text(text)
        set_aside(path, "not JSON")
    assert (tmp_path / "file.damaged").read_text() == "first"
    assert (tmp_path / "file.damaged-2").read_text() == "second"
    assert not path.exists()

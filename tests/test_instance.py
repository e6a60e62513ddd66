"""Which name a phone has at its registrar, from start to start."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from platypus.instance import MAX_INSTANCES, claim_instance


def claimed_elsewhere(folder: Path) -> str:
    """By a process that has ended since."""
    code = f"from platypus.instance import *; print(claim_instance(Path({str(folder)!r})))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_is_a_urn() -> None:
    assert uuid.UUID(claim_instance(Path("/proc/nowhere"))).version == 4


def test_stays_the_same_from_start_to_start(tmp_path: Path) -> None:
    assert claimed_elsewhere(tmp_path / "new") == claimed_elsewhere(tmp_path / "new")


def test_two_at_the_same_time_are_two(tmp_path: Path) -> None:
    first = claim_instance(tmp_path)
    second = claimed_elsewhere(tmp_path)
    assert second != first
    assert claimed_elsewhere(tmp_path) == second


@pytest.mark.parametrize("content", [b"", b"no name", b"\xff" * 100])
def test_a_file_that_holds_no_name_gets_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "instance-1").write_bytes(content)
    assert claimed_elsewhere(tmp_path) == claimed_elsewhere(tmp_path)


def test_more_than_there_are_names_for_have_one_each(tmp_path: Path) -> None:
    names = {claim_instance(tmp_path) for _ in range(MAX_INSTANCES + 2)}
    assert len(names) == MAX_INSTANCES + 2
    assert len(list(tmp_path.iterdir())) == MAX_INSTANCES


def test_a_user_without_a_home_gets_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert claim_instance() != claim_instance()
    assert not (tmp_path / "home").exists()


def test_where_nothing_can_be_written_it_is_of_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert claim_instance(tmp_path / "file") != claim_instance(tmp_path / "file")

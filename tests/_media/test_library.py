"""All compiled modules come from one library, whatever an earlier build left beside it."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MEDIA = ROOT / "platypus" / "_media"
MODULES = sorted(path.stem for path in MEDIA.glob("*.pyx"))


def test_every_module_is_in_the_library() -> None:
    files = {importlib.import_module(f"platypus._media.{name}").__file__ for name in MODULES}
    (library,) = files
    assert library is not None
    assert Path(library).parent == MEDIA
    assert Path(library).name in [f"_core{suffix}" for suffix in EXTENSION_SUFFIXES]


def test_a_module_that_is_not_in_it_is_named() -> None:
    with pytest.raises(ImportError, match="PyInit_nothing"):
        importlib.import_module("platypus._media.nothing")


def test_other_packages_are_not_looked_for_in_it() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'platypus\.media\.leg'"):
        importlib.import_module("platypus.media.leg")


def test_what_an_earlier_build_left_is_not_loaded(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "platypus", tmp_path / "platypus", ignore=shutil.ignore_patterns("__pycache__")
    )
    left = tmp_path / "platypus" / "_media" / f"arena{EXTENSION_SUFFIXES[0]}"
    left.write_bytes(b"no library at all")
    program = "import platypus._media.arena as arena; print(arena.__file__)"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(result.stdout.strip()).parent == left.parent
    assert "_core" in Path(result.stdout.strip()).name

"""Which build of the media core is loaded: the sanitised one in `make asan`, and only there."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import platypus._media
from tests.harness.sanitizer import SANITIZED

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(path.stem for path in (ROOT / "platypus" / "_media").glob("*.pyx"))


def test_the_media_core_of_this_tree_is_loaded() -> None:
    assert Path(platypus._media.__file__).parent == ROOT / "platypus" / "_media"
    assert MODULES


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_sanitized_exactly_when_that_was_asked_for(name: str) -> None:
    module = importlib.import_module(f"platypus._media.{name}")
    assert module.__file__ is not None
    code = Path(module.__file__).read_bytes()
    assert Path(module.__file__).is_relative_to(ROOT)
    assert (b"__asan_init" in code) == SANITIZED
    assert (b"__ubsan_handle" in code) == SANITIZED


@pytest.mark.skipif(not SANITIZED, reason="make asan sets it up")
def test_the_sanitizer_runtime_is_in_this_process() -> None:
    assert "libasan" in Path("/proc/self/maps").read_text()

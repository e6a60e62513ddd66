"""What is shipped: names, versions, files. The wheel itself is tried by `scripts/wheel`."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from setuptools import find_packages

from platypus._version import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_of_the_tree_is_shipped() -> None:
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    shipped = set(find_packages(str(ROOT), include=include))
    present = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for folder in ("platypus", "ui_tk")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert present <= shipped
    assert not {name for name in shipped if name.partition(".")[0] not in ("platypus", "ui_tk")}


@pytest.mark.parametrize("package", ["platypus", "ui_tk"])
def test_a_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("suffix", [".pxd", ".pyi"])
def test_every_compiled_module_has_its_header_and_its_stub(suffix: str) -> None:
    modules = list((ROOT / "platypus" / "_media").glob("*.pyx"))
    assert modules
    assert [m.stem for m in modules if not m.with_suffix(suffix).exists()] == []


def entry_points() -> list[str]:
    project = PROJECT["project"]
    return [*project["scripts"].values(), *project["gui-scripts"].values()]


@pytest.mark.parametrize("entry", entry_points())
def test_an_entry_point_leads_to_a_function(entry: str) -> None:
    module, _, function = entry.partition(":")
    if module.startswith("ui_tk"):
        pytest.importorskip("tkinter")
    assert callable(getattr(importlib.import_module(module), function))


def test_the_version_is_one_number_everywhere() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "platypus", "--version"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert result.stdout.split() == ["platypus", __version__]
    assert re.search(rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_what_the_desktop_needs_is_not_forced_on_embedders() -> None:
    required = " ".join(PROJECT["project"]["dependencies"]).lower()
    assert "pyaudio" not in required
    assert "keyring" not in required
    assert "numpy" not in required


def test_nothing_in_the_tree_names_the_machine_it_was_written_on() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git tree, or no git")
    # The tree may belong to another user than the one who runs this.
    command = [git, "-c", f"safe.directory={ROOT}", "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    files = listed.stdout.split()
    assert files
    path = re.compile(r"(?<![\w.])/(?:root|home/\w+|work)/")
    texts = ((file, read_text(ROOT / file)) for file in files)
    assert [file for file, text in texts if path.search(text)] == []


def read_text(path: Path) -> str:
    try:
        return path.read_text()
    except (UnicodeDecodeError, FileNotFoundError):  # an image; a file that is being replaced
        return ""

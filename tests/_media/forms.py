"""Loops in C that have a second form, for processors with AVX2: each form built by itself."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HEADERS = Path(__file__).parents[2] / "platypus" / "_media"
CC = shutil.which(os.environ.get("CC", "cc"))
# What the processor gets, and what all others do.
FORMS = {"chosen": [], "plain": ["-D__builtin_cpu_supports(feature)=0"]}

needs_compiler = pytest.mark.skipif(CC is None, reason="no C compiler")


def built(form: str, text: str, folder: Path) -> ctypes.CDLL:
    """A library of `text`, which may include the headers of the media core."""
    source, library = folder / "forms.c", folder / "forms.so"
    source.write_text("#define _GNU_SOURCE\n" + text)
    flags = ["-shared", "-fPIC", "-O3", "-std=gnu11", "-ffp-contract=off", f"-I{HEADERS}"]
    subprocess.run([str(CC), *flags, *FORMS[form], str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))

"""Builds the two ends in C (`legs.c`): a library, whose `main` is called (see `ends`)."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("legs.c")


def build() -> Path:
    """Needs a C compiler and libsrtp2-dev."""
    library = Path(tempfile.mkdtemp(prefix="platypus-legs-")) / "legs.so"
    command = [*os.environ.get("CC", "cc").split(), "-O2", "-shared", "-fPIC"]
    command += ["-o", str(library), str(SOURCE), "-lsrtp2"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"benchmarks: legs needs cc and libsrtp2-dev\n{result.stderr[-2000:]}")
    return library

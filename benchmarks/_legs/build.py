"""Builds the two ends in C (`legs.c`), as a program and as a library, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("legs.c")


@dataclass(frozen=True, slots=True)
class Built:
    program: Path
    library: Path


def build(folder: Path | None = None) -> Built:
    """Needs a C compiler and libsrtp2-dev."""
    folder = folder or Path(tempfile.mkdtemp(prefix="platypus-legs-"))
    built = Built(folder / "legs", folder / "legs.so")
    compiler = os.environ.get("CC", "cc").split()
    for output, options in ((built.program, ()), (built.library, ("-shared", "-fPIC"))):
        command = [*compiler, "-O2", *options, "-o", str(output), str(SOURCE), "-lsrtp2"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"benchmarks: legs needs cc and libsrtp2-dev\n{result.stderr[-2000:]}")
    return built

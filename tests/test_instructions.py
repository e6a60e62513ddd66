"""A call must not become dearer unnoticed: instructions, which no other program's load changes."""

from __future__ import annotations

import shutil
import sys

import pytest

from benchmarks import instructions

# The interpreter's own share differs between its versions; this is the one it was measured with.
MEASURED_WITH = (3, 11)


@pytest.mark.realtime
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif(sys.version_info[:2] != MEASURED_WITH, reason="measured with Python 3.11")
def test_a_call_takes_no_more_instructions_than_it_did() -> None:
    assert instructions.run()["million_per_call"] <= instructions.TARGETS["million_per_call"]

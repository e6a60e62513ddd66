"""How a verb that runs for long comes to its end, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import asyncio, atexit, builtins, time
from platypus.cli import signals

signals.EXIT_WITHIN = 0.05

async def main():
    signals.stop_on_signals(asyncio.Event())
    signals.exit_at_the_latest()

def wait():
    time.sleep(0.5)

class Slow:
    def __del__(self, wait=wait):
        wait()

{slow}
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no alarm")
@pytest.mark.parametrize(
    "slow", ["atexit.register(wait)", "builtins.slow = Slow()"], ids=["at exit", "in Python's end"]
)
def test_it_exits_with_0_however_long_its_end_takes(slow: str) -> None:
    program = [sys.executable, "-c", PROGRAM.replace("{slow}", slow)]
    assert subprocess.run(program, cwd=ROOT, check=False).returncode == 0

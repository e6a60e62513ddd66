"""Fuzzing with atheris: inputs are changed at random, those that reach new code are kept.

    python -m tests.fuzz [--seconds N] [NAME...]

Each target has a process of its own and N seconds, one on each processor. An input that breaks
one is written to the current folder, and is to become a test. Without atheris (it has no wheel for
every Python) this says so and succeeds: `test_targets` tries the same targets with fewer inputs.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MAX_INPUT = 4096  # longer ones reach nothing new, and are slow


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: skipped, atheris is not installed")
        return
    if options.inside:
        fuzz(options.names[0], options.seconds)
    else:
        fuzz_all(options.names, options.seconds)


def fuzz_all(names: list[str], seconds: int) -> None:
    from tests.fuzz.targets import TARGETS

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.fuzz", "--inside", "--seconds", str(seconds), name]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    chosen, failed = names or list(TARGETS), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, result in zip(chosen, pool.map(run, chosen), strict=True):
            done = [line for line in result.stderr.splitlines() if line.startswith("Done")]
            print(f"fuzz: {name}: {done[-1] if done else 'FAILED'}", flush=True)
            if result.returncode or not done:
                failed.append(name)
                print(result.stdout[-3000:] + result.stderr[-3000:])
    if failed:
        raise SystemExit(f"fuzz: failed {', '.join(failed)}")


def fuzz(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["platypus"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        Path(corpus, "seed").write_bytes(target.seed)
        limits = [f"-max_total_time={seconds}", f"-max_len={MAX_INPUT}", "-timeout=5"]
        atheris.Setup([sys.argv[0], *limits, corpus], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

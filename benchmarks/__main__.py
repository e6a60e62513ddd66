"""Runs the benchmarks and prints one table, with the target beside what was measured.

    python -m benchmarks [--json FILE] [--check] [NAME...]

A benchmark is a module of this package with `run() -> Mapping[str, float | str]`; `TARGETS` in it
gives the value to reach for a name, at most. A name ends in its unit (`parse_us`). Without a name
all run, but for those that say `BY_NAME_ONLY`. Each has a process of its own, so that none pays
for what another imported. Kept results are in `results/`.
"""

from __future__ import annotations

import argparse
import atexit
import datetime
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
UNITS = {
    "us": "us",
    "ms": "ms",
    "s": "s",
    "mb": "MB",
    "kb": "kB",
    "bytes": "bytes",
    "percent": "%",
    "db": "dB",
}


def names() -> list[str]:
    """The modules here that measure something."""
    return [
        path.stem
        for path in sorted(FOLDER.glob("*.py"))
        if not path.stem.startswith("_") and "\ndef run(" in path.read_text()
    ]


def unit_of(name: str) -> str:
    return UNITS.get(name.rpartition("_")[2], "")


def measure(name: str) -> dict[str, Any]:
    """Runs one benchmark in a process of its own, which ends when this one is killed."""
    command = [sys.executable, "-m", "benchmarks", "--inside", name]
    with subprocess.Popen(
        command,
        cwd=FOLDER.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        if process.wait():
            raise SystemExit(f"benchmarks: {name} failed")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def end_with_parent() -> None:
    """When whoever holds our standard input is gone, unwind: the programs we started go with us."""

    def ended(*_: object) -> None:
        # After all has unwound, also what was being started just now: nobody holds it yet.
        atexit.register(os.killpg, os.getpgrp(), signal.SIGKILL)
        raise SystemExit("benchmarks: ended, since what started it has ended")

    def watch() -> None:
        while os.read(0, 1):  # of the descriptor: a lock held here would stop the interpreter's end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, ended)
    threading.Thread(target=watch, daemon=True).start()


def run_inside(name: str) -> dict[str, Any]:
    try:
        module = importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"benchmarks: {name} needs {error.name}; `make bench NAMES={name}` installs it first"
        ) from error
    return {"values": dict(module.run()), "targets": dict(getattr(module, "TARGETS", {}))}


def rows(name: str, values: Mapping[str, Any], targets: Mapping[str, float]) -> list[list[str]]:
    table = []
    for key, value in values.items():
        target = targets.get(key)
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        met = "" if target is None else f"<= {target:g}" + (" ok" if value <= target else " MISSED")
        table.append([f"{name}.{key}", text, unit_of(key), met])
    return table


def print_rows(table: Sequence[Sequence[str]]) -> None:
    for name, value, unit, target in table:
        print(f"{name:<40} {value:>12} {unit:<6} {target}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured there")
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names()):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    if options.inside:
        end_with_parent()
        print(json.dumps(run_inside(options.names[0])))
        return

    if options.json:
        try:
            options.json.open("a").close()  # rather now than after an hour of measuring
        except OSError as error:
            parser.error(f"{options.json} can't be written: {error.strerror}")
    chosen = options.names or [name for name in names() if not by_name_only(name)]
    measured: dict[str, Any] = {}
    missed: list[str] = []
    print_rows([["name", "value", "unit", "target"]])
    for name in chosen:
        result = measure(name)
        measured[name] = result["values"]
        table = rows(name, result["values"], result["targets"])
        print_rows(table)
        missed += [row[0] for row in table if row[3].endswith("MISSED")]
        if options.json:  # each time: the next one may fail
            kept = describe() | {"results": measured}
            options.json.write_text(json.dumps(kept, indent=2) + "\n")
    if options.check and missed:
        raise SystemExit(f"benchmarks: missed {', '.join(missed)}")


def by_name_only(name: str) -> bool:
    return "\nBY_NAME_ONLY = True\n" in (FOLDER / f"{name}.py").read_text()


def describe() -> dict[str, Any]:
    """The machine and the day: a figure without them can't be compared."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


if __name__ == "__main__":
    main()

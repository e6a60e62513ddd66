"""The command `platypus`: finds the verb and hands over to its file.

Only the verb asked for is imported: an agent that starts need not wait for the
code of the demo. Exit codes are the same for all verbs, and in `--help`.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from platypus._version import __version__
from platypus.cli import exit_codes

# Collections while some 100 modules load find nothing and cost 5 ms; later, at 700 new objects
# each, they would run several times a call. This is the program's affair, not the library's.
COLLECT_AFTER = 20_000

# They are ready when they say so (`pages.end`).
ALL_DAY = ("agent",)

VERBS = {
    "agent": "run the phone without a window: JSON commands in, JSON events out",
    "ctl": "speak to a phone that runs, in the commands of the control protocol",
    "call": "call somebody, from start to end, with what the line is like",
    "register": "register an account and say what became of it",
    "devices": "list the sound devices",
    "pbx": "run the small built-in PBX, for trying and testing",
    "demo": "call the built-in PBX's echo and print what was measured",
}


class Verb(Protocol):
    """What each file of this package offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, parser: argparse.ArgumentParser, options: argparse.Namespace) -> int: ...


class _Help(argparse.RawDescriptionHelpFormatter):
    """argparse makes one for every option, which asks a large module how wide the terminal is."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (ValueError, OSError):  # no number; no terminal
        return 80


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `platypus` with these arguments (default: the program's) and give its exit code."""
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in VERBS:
        return _no_verb(words)
    name = words[0]
    if name in ALL_DAY:
        from platypus._media import pages

        pages.begin()
    verb = cast(Verb, import_module(f"platypus.cli.{name}"))
    parser = argparse.ArgumentParser(
        prog=f"platypus {name}",
        description=VERBS[name][0].upper() + VERBS[name][1:] + ".",
        epilog=exit_codes.TEXT,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    verb.add_arguments(parser)
    options = parser.parse_args(words[1:])
    try:
        return verb.run(parser, options)
    except KeyboardInterrupt:
        return 130  # as a shell reports a program ended by SIGINT


def _no_verb(words: list[str]) -> int:
    verbs = "\n".join(f"  {name:10}{what}" for name, what in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="platypus",
        usage="platypus COMMAND [OPTION ...]",
        description="A SIP phone for any PBX.",
        epilog=f"commands (each has a --help of its own):\n{verbs}\n\n{exit_codes.TEXT}",
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"platypus {__version__}")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.command is not None:
        parser.error(f"there is no command {options.command!r}; there are: {', '.join(VERBS)}")
    parser.print_help(sys.stderr)
    return exit_codes.USAGE

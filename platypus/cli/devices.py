"""`platypus devices`: the sound devices, by the names that `--input` and `--output` take."""

from __future__ import annotations

import argparse
import sys

from platypus.cli.exit_codes import DONE, FAILED
from platypus.errors import DeviceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """List them, one a line."""
    from platypus.audio.portaudio import NO_DEVICES, devices

    try:
        inputs, outputs = devices()
    except DeviceError as error:
        print(f"platypus devices: {error}", file=sys.stderr)
        return FAILED
    for name in inputs:
        print(f"input: {name}")
    for name in outputs:
        print(f"output: {name}")
    if not inputs and not outputs:
        print(f"platypus devices: {NO_DEVICES}", file=sys.stderr)
    return DONE

"""`platypus devices`: the sound devices, by the names that `--input`, `--output`, `--ring` take."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from platypus.audio.device import NO_DEVICES, SoundDevice
from platypus.cli.exit_codes import DONE, FAILED
from platypus.errors import DeviceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """List them, one a line; a star is at those the system prefers."""
    from platypus.audio.lists import list_devices

    try:
        lists = list_devices()
    except DeviceError as error:
        print(f"platypus devices: {error}", file=sys.stderr)
        return FAILED
    _show("input", lists.inputs, lists.default_input)
    _show("output", lists.outputs, lists.default_output)
    if not lists.inputs and not lists.outputs:
        print(f"platypus devices: {NO_DEVICES}", file=sys.stderr)
    return DONE


def _show(kind: str, devices: Iterable[SoundDevice], default: str | None) -> None:
    for device in devices:
        star = " *" if device.name == default else ""
        label = f"  {device.label}" if device.label != device.name else ""
        print(f"{kind}: {device.name}{star}{label}")

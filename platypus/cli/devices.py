"""`platypus devices`: the sound devices, by the names that `--input`, `--output`, `--ring` take.

With `--test` they are tried: notes on the speakers, the microphone's level, and what it heard.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from platypus.audio.device import NO_DEVICES, SoundDevice
from platypus.cli.exit_codes import DONE, FAILED
from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus.sound import Sound

SECONDS = 3.0
BAR = 40  # characters of the meter
FLOOR_DB = -60.0  # below is what a microphone gives that hears nothing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `devices`."""
    parser.add_argument(
        "--test", action="store_true", help="play notes, show the microphone's level, play it back"
    )
    parser.add_argument("--input", metavar="NAME", help="the microphone to test")
    parser.add_argument("--output", metavar="NAME", help="the speaker to test")
    parser.add_argument("--ring", metavar="NAME", help="where it rings, to be tested as well")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """List them, one a line, with a star at those the system prefers; or try them."""
    if options.test:
        return _test(options)
    if options.input or options.output or options.ring:
        parser.error("--input, --output and --ring say what to test: add --test")
    from platypus.audio import echo
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
    elif not echo.available():
        print(f"platypus devices: {echo.MISSING}", file=sys.stderr)
    return DONE


def _show(kind: str, devices: Iterable[SoundDevice], default: str | None) -> None:
    for device in devices:
        star = " *" if device.name == default else ""
        label = f"  {device.label}" if device.label != device.name else ""
        print(f"{kind}: {device.name}{star}{label}")


def _test(options: argparse.Namespace) -> int:
    from platypus.options import MediaOptions
    from platypus.sound import Sound

    logging.getLogger("platypus").addHandler(logging.NullHandler())  # what matters is printed
    asked = MediaOptions(
        audio="system", input=options.input, output=options.output, ring=options.ring
    )
    sound = Sound(asked, lambda event: None)
    try:
        return asyncio.run(_try(sound, ring=options.ring is not None))
    except DeviceError as error:
        print(f"platypus devices: {error}", file=sys.stderr)
        return FAILED


async def _try(sound: Sound, *, ring: bool) -> int:
    try:
        await _check_names(sound)
        print(f"speaker: three notes were played on {await sound.test_output()}", flush=True)
        if ring:
            print(f"bell: and on {await sound.test_output(ring=True)}", flush=True)
        print(f"microphone: say something for {SECONDS:g} s", flush=True)
        peak = _decibels(await sound.test_input(SECONDS, level=_meter))
    finally:
        sound.close()
    heard = "what it heard was played back" if peak > FLOOR_DB else "silence"
    print(f"\rmicrophone: peak {peak:.0f} dBFS, {heard}{' ' * BAR}")
    if peak > FLOOR_DB:
        return DONE
    print(
        "platypus devices: nothing was heard: is it muted, or another one meant (--input)?",
        file=sys.stderr,
    )
    return FAILED


async def _check_names(sound: Sound) -> None:
    """A device that was asked for and is not there must not become another one in a test."""
    lists = await sound.devices()
    for line in (sound.desk.talking, sound.desk.listening, sound.desk.ringing):
        if (problem := line.missing(lists)) is not None:
            devices = lists.inputs if line.capture else lists.outputs
            raise DeviceError(problem, available=[device.name for device in devices])


def _meter(level: float) -> None:
    """On a terminal only: a bar that follows the voice."""
    if sys.stdout.isatty():
        length = round(BAR * max(0.0, 1 - _decibels(level) / FLOOR_DB))
        print(f"\r  [{'#' * length}{' ' * (BAR - length)}]", end="", flush=True)


def _decibels(level: float) -> float:
    return 20 * math.log10(level) if level > 0 else -96.0

"""Sound devices by the word of PulseAudio, or PipeWire in its clothes: `pactl -f json`.

PortAudio sees a sound server as one device of ALSA's, called `pulse`. Which sinks and sources
stand behind it, and what their names are, is asked of the server by its own tool (5 ms); ALSA
opens one of them by the name `pulse:NAME`. Not for systems without that tool, or older than its
JSON (PulseAudio 15).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from platypus.audio.device import RATE, DeviceLists, SoundDevice
from platypus.errors import DeviceError

TOOL = "pactl"
TIMEOUT = 1.5  # seconds: a server that hangs must not take the phone with it
HANGS = "the sound server does not answer"
LEAST_RATE, GREATEST_RATE = 8_000, 192_000
SUBSCRIBE = (TOOL, "subscribe")
_HEADSET = re.compile(r"head-?(set|phone)|hands-?free|earpiece|earbud", re.IGNORECASE)
# `Event 'remove' on sink #3`; streams of other programs come and go all the time.
_EVENT = re.compile(r"Event '(new|change|remove)' on (sink|source|server|card) ")


def available() -> bool:
    """Whether the tool is there; a server may still be missing."""
    return sys.platform.startswith("linux") and shutil.which(TOOL) is not None


def list_devices(timeout: float = TIMEOUT) -> DeviceLists | None:
    """None where there is no server to ask; DeviceError where it does not answer in time."""
    until = time.monotonic() + timeout
    try:
        info = _ask("info", until=until)
        sinks, sources = _ask("list", "sinks", until=until), _ask("list", "sources", until=until)
        return parse_lists(info, sinks, sources)
    except subprocess.TimeoutExpired as error:
        raise DeviceError(HANGS) from error
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None


def concerns_devices(line: str) -> bool:
    """Whether a line of `pactl subscribe` says that the lists may have changed."""
    return _EVENT.match(line) is not None


def parse_lists(
    info: Mapping[str, Any],
    sinks: Iterable[Mapping[str, Any]],
    sources: Iterable[Mapping[str, Any]],
) -> DeviceLists:
    """From the three answers; raises KeyError, TypeError or ValueError for what is none."""
    sources = list(sources)
    inputs = [_device(each) for each in sources if not _is_dummy(each)]
    inputs.sort(key=lambda device: device.monitor)
    outputs = [_device(each) for each in sinks if not _is_dummy(each)]
    default_output = _known(info.get("default_sink_name"), outputs)
    default_input = _known(info.get("default_source_name"), inputs)
    # What a server prefers where there is no microphone: far ends would hear themselves.
    if default_output is not None and default_input in _monitors_of(default_output, sources):
        default_input = None
    return DeviceLists(_told_apart(inputs), _told_apart(outputs), default_input, default_output)


def _ask(*what: str, until: float) -> Any:
    left = max(0.001, until - time.monotonic())
    done = subprocess.run(
        [TOOL, "-f", "json", *what], capture_output=True, timeout=left, check=True
    )
    # Descriptions come from hardware and other programs, in whatever encoding.
    return json.loads(done.stdout.decode("utf-8", "replace"))


def _is_dummy(entry: Mapping[str, Any]) -> bool:
    """What the server puts up when there is no device: nobody would hear it."""
    return str(entry["name"]).startswith("auto_null")


def _device(entry: Mapping[str, Any]) -> SoundDevice:
    name, label = str(entry["name"]), str(entry.get("description") or entry["name"])
    properties = entry.get("properties") or {}
    port = str(entry.get("active_port") or "")
    kind = f"{properties.get('device.form_factor', '')} {port}"
    return SoundDevice(
        name,
        label,
        rate=_rate(str(entry.get("sample_specification", ""))),
        monitor=properties.get("device.class") == "monitor",
        headset=bool(_HEADSET.search(kind) or _HEADSET.search(label)),
        virtual="HARDWARE" not in (entry.get("flags") or ()),
        suspended=entry.get("state") == "SUSPENDED",
    )


def _monitors_of(sink: str, sources: Iterable[Mapping[str, Any]]) -> list[str]:
    """The tool calls the field `monitor_source`, of a source too."""
    return [str(each["name"]) for each in sources if each.get("monitor_source") == sink]


def _rate(specification: str) -> int:
    found = re.search(r"(\d+) ?Hz", specification)
    rate = int(found[1]) if found else RATE
    return rate if LEAST_RATE <= rate <= GREATEST_RATE else RATE


def _told_apart(devices: Iterable[SoundDevice]) -> tuple[SoundDevice, ...]:
    """Labels that two devices share get their names behind them."""
    devices = list(devices)
    labels = [device.label for device in devices]
    return tuple(
        replace(device, label=f"{device.label} ({device.name})")
        if labels.count(device.label) > 1
        else device
        for device in devices
    )


def _known(name: object, devices: Iterable[SoundDevice]) -> str | None:
    return next((device.name for device in devices if device.name == name), None)

"""Which sound devices there are, asked anew each time and without disturbing a call.

a sound server            its own tool, `pactl`
PortAudio, on Linux       a child process: it may wait for a sound server without end
PortAudio, with streams   a child process: here the lists are those of its start
PortAudio, elsewhere      this process: it is initialised, and ended again
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from platypus.audio import portaudio, pulse
from platypus.audio.device import DeviceLists, SoundDevice
from platypus.errors import DeviceError

CHILD = (sys.executable, "-m", portaudio.__name__)
CHILD_TIMEOUT = 10.0
QUICK_TIMEOUT = 1.0
WAITS = sys.platform.startswith("linux")  # for a server that hangs, when PortAudio starts


def list_devices(timeout: float = pulse.TIMEOUT, *, quick: bool = False) -> DeviceLists:
    """Takes milliseconds with a sound server, else up to a second.

    With `quick` nobody else is asked where there may be a server, and without one there is
    nothing. DeviceError without PyAudio, and where the server does not answer within `timeout`
    seconds: PortAudio would wait for it without end.
    """
    if not pulse.available():
        return _of_portaudio(QUICK_TIMEOUT if quick else CHILD_TIMEOUT)
    known = _of_server(timeout)
    if known is None and quick:
        return DeviceLists()
    if known is None:
        own = _of_portaudio(CHILD_TIMEOUT)
        # A server that has come up since: what it has is better known by its own names.
        came = any(device.name == portaudio.SERVER for device in own.outputs)
        known = (_of_server(timeout) if came else None) or own
    return known


def _of_server(timeout: float) -> DeviceLists | None:
    lists = pulse.list_devices(timeout)
    return lists if lists is not None and (lists.inputs or lists.outputs) else None


def _of_portaudio(timeout: float) -> DeviceLists:
    return _by_child(timeout) if WAITS or portaudio.in_use() else portaudio.list_devices()


def _by_child(timeout: float) -> DeviceLists:
    portaudio.require()
    try:
        done = subprocess.run(CHILD, capture_output=True, timeout=timeout, check=True)
        return parse_lists(json.loads(done.stdout))
    except subprocess.TimeoutExpired as error:
        raise DeviceError(pulse.HANGS) from error
    except (OSError, ValueError, TypeError, KeyError, subprocess.SubprocessError) as error:
        raise DeviceError(f"the sound devices can't be listed: {error}") from error


def parse_lists(lists: dict[str, Any]) -> DeviceLists:
    """What `python -m platypus.audio.portaudio` printed."""
    return DeviceLists(
        tuple(SoundDevice(**each) for each in lists["inputs"]),
        tuple(SoundDevice(**each) for each in lists["outputs"]),
        lists["default_input"],
        lists["default_output"],
    )

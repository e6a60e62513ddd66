"""Echo cancelling, noise suppression and gain control: WebRTC's, from livekit's wheel.

The wheel is 30 MB, so it is an extra, and nothing of it is imported: its library is found beside
its Python files and opened by itself. Only a speaker in the air has an echo: a headset has none,
and a virtual device (a sound server's echo canceller, a cable between programs) is left alone.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus._media.canceller import Canceller as Canceller  # for whoever holds one
    from platypus.audio.device import SoundDevice

LIBRARIES = {"linux": "liblivekit_ffi.so", "darwin": "liblivekit_ffi.dylib"}
WINDOWS = "livekit_ffi.dll"
ENTRIES = ("livekit_ffi_request", "livekit_ffi_drop_handle")
MISSING = (
    "without echo cancelling a loudspeaker is heard by the far end: use a headset,"
    " or pip install 'platypus-phone[aec]'"
)


def available() -> bool:
    """Whether the extra is installed."""
    return _library() is not None


def make_canceller() -> Canceller:
    """Takes some tens of milliseconds the first time. DeviceError with a sentence."""
    from platypus._media.canceller import Canceller

    found = functions()
    if found is None:
        raise DeviceError(MISSING)
    try:
        return Canceller(found)
    except ValueError as error:
        raise DeviceError(f"livekit's echo cancelling can't be used: {error}") from error


def needed(microphone: SoundDevice | None, speaker: SoundDevice | None) -> bool:
    """Whether the microphone can hear the speaker."""
    devices = (microphone, speaker)
    return not any(each is None or each.headset or each.virtual for each in devices)


def _library() -> Path | None:
    try:
        found = importlib.util.find_spec("livekit")
    except (ImportError, ValueError):
        return None
    name = WINDOWS if sys.platform == "win32" else LIBRARIES.get(sys.platform)
    if found is None or name is None:
        return None
    folders = (Path(folder) for folder in found.submodule_search_locations or ())
    places = (folder / "rtc" / "resources" / name for folder in folders)
    return next((place for place in places if place.is_file()), None)


@lru_cache(maxsize=1)
def functions() -> Mapping[str, int] | None:
    """The addresses of the library's entries; None without the extra."""
    path = _library()
    if path is None:
        return None
    try:
        library = ctypes.CDLL(str(path))  # stays loaded: what it started can't be ended
        return {
            entry: ctypes.cast(getattr(library, entry), ctypes.c_void_p).value or 0
            for entry in ENTRIES
        }
    except (OSError, AttributeError):
        return None

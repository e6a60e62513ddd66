"""libopus, where the machine has it: found by its name, called by address from the media loop.

No wheel carries it that is small, so it is the system's (`libopus0` on Debian) or none: then
Opus isn't offered. Looked for once, when first asked for.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

logger = logging.getLogger("platypus.media")

_NAMES: Mapping[str, tuple[str, ...]] = {
    "linux": ("libopus.so.0", "libopus.so"),
    "darwin": (
        *("libopus.0.dylib", "/opt/homebrew/lib/libopus.0.dylib"),
        *("/usr/local/lib/libopus.0.dylib", "/opt/local/lib/libopus.0.dylib"),
    ),
    "win32": ("opus.dll", "libopus-0.dll", "libopus.dll"),
}
LEAST_BITRATE = 6000  # RFC 7587, 6.1
DEFAULT_BITRATE = 32000  # speech in full; more would only help music
HOW_TO_GET_IT: Mapping[str, str] = {
    "linux": "install it (Debian: apt install libopus0)",
    "darwin": "install it (brew install opus)",
    "win32": "put opus.dll into a folder on PATH",
}


def settings(parameters: Mapping[str, str]) -> Mapping[str, int]:
    """How the far end wants to be sent to (RFC 7587, 6.1), in the words of `Leg.configure_send`."""
    found: dict[str, int] = {}
    bitrate = _whole(parameters, "maxaveragebitrate")
    if bitrate is not None:
        found["bitrate"] = min(max(bitrate, LEAST_BITRATE), DEFAULT_BITRATE)
    max_rate = _whole(parameters, "maxplaybackrate")
    if max_rate is not None and max_rate >= 8000:
        found["max_rate"] = min(max_rate, 48000)
    for name, key in (("useinbandfec", "fec"), ("usedtx", "dtx"), ("cbr", "cbr")):
        if parameters.get(name) == "1":
            found[key] = 1
    return found


def _whole(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else None


def how_to_get_it() -> str:
    return HOW_TO_GET_IT.get(sys.platform, HOW_TO_GET_IT["linux"])


@lru_cache(maxsize=1)
def available() -> bool:
    """Whether Opus can be used; the library is loaded by this, for good."""
    from platypus._media import opus  # compiled, and ctypes: a phone that only registers needs none

    library = _load()
    if library is None:
        logger.info("no libopus here: no Opus")
        return False
    try:
        opus.install({name: _address(library, name) for name in opus.FUNCTIONS})
    except (AttributeError, ValueError) as problem:
        logger.warning("this libopus can't be used: %s", problem)
        return False
    return True


def _load() -> ctypes.CDLL | None:
    import ctypes

    for name in _NAMES.get(sys.platform, _NAMES["linux"]):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _address(library: ctypes.CDLL, name: str) -> int:
    import ctypes

    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0

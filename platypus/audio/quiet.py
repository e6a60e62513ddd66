"""Silences what ALSA and JACK print: some 100 lines at start that nobody can act on."""

from __future__ import annotations

import ctypes
import sys

from platypus._media.device import quiet_handler

HANDLERS = {
    "libasound.so.2": ("snd_lib_error_set_handler",),
    "libjack.so.0": ("jack_set_error_function", "jack_set_info_function"),
}


def silence() -> None:
    """Call once before PortAudio starts: it loads both libraries."""
    if not sys.platform.startswith("linux"):
        return
    for library, setters in HANDLERS.items():
        try:
            loaded = ctypes.CDLL(library)
        except OSError:
            continue
        for setter in setters:
            function = getattr(loaded, setter)
            function.argtypes = (ctypes.c_void_p,)
            function(quiet_handler())

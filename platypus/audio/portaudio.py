"""The sound card through PyAudio: its list of devices, and streams on the PortAudio it loaded.

One owner a process (`_owner`, the one permitted global): PortAudio's list of devices freezes
when it is initialised, and terminating it closes every stream, so users are counted and it is
initialised anew only after the last has gone. Streams run in a C callback where PortAudio's
functions can be reached in the loaded library (Linux, macOS); elsewhere PyAudio's own callback
stands in, with deeper buffers. A device of a sound server, which PortAudio does not list, is
opened by ALSA's name for it. Which device is to be opened is decided elsewhere.

    python -m platypus.audio.portaudio      the lists as JSON, for a process that has streams
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from platypus._media.device import NativeStream
from platypus.audio.device import PERIOD_MS, RATE, DeviceLists, SoundDevice, Stream
from platypus.audio.fallback import FallbackStream
from platypus.audio.opened import AnyStream, PortAudioStream
from platypus.audio.priority import raise_priority
from platypus.audio.quiet import silence
from platypus.errors import DeviceError

FUNCTIONS = (
    "Pa_OpenStream",
    "Pa_StartStream",
    "Pa_AbortStream",
    "Pa_CloseStream",
    "Pa_IsStreamActive",
)
LIBRARIES = {"linux": "libportaudio.so.2", "darwin": "libportaudio.2.dylib"}
NO_PYAUDIO = (
    "PyAudio is not installed, so there is no sound card: pip install 'platypus-phone[desktop]'"
    " (on Debian with portaudio19-dev and gcc)"
)
INT16 = 8  # paInt16
SERVER = "pulse"  # ALSA's name for the sound server, and its device in PortAudio's list
# Which of its devices a stream opened without a name gets; read when it is opened.
CHOSEN_BY = {True: "PULSE_SOURCE", False: "PULSE_SINK"}


class _Owner:
    """Keeps the PyAudio object while somebody uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._pyaudio: Any = None

    @property
    def used(self) -> bool:
        return self._users > 0

    def acquire(self) -> Any:
        with self._lock:
            if self._users == 0:
                self._pyaudio = _initialise()
            self._users += 1
            return self._pyaudio

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._pyaudio.terminate()
                self._pyaudio = None

    @contextlib.contextmanager
    def use(self) -> Iterator[Any]:
        pyaudio = self.acquire()
        try:
            yield pyaudio
        finally:
            self.release()


_owner = _Owner()
_choosing = threading.Lock()  # of a server's device by the environment


def _initialise() -> Any:
    try:
        import pyaudio  # type: ignore[import-untyped]
    except ImportError as error:
        raise DeviceError(NO_PYAUDIO) from error
    silence()
    try:
        return pyaudio.PyAudio()
    except OSError as error:
        raise DeviceError(f"PortAudio does not start: {error}") from error


def require() -> None:
    """DeviceError without PyAudio, which need not be loaded to know."""
    if importlib.util.find_spec("pyaudio") is None:
        raise DeviceError(NO_PYAUDIO)


def native_functions() -> Mapping[str, int] | None:
    """The addresses of PortAudio's functions in the library PyAudio loaded; None elsewhere."""
    name = LIBRARIES.get(sys.platform)
    if name is None:
        return None
    try:
        # Only the one that is there already: a second PortAudio has devices of its own.
        library = ctypes.CDLL(name, mode=ctypes.DEFAULT_MODE | os.RTLD_NOLOAD)
    except OSError:
        return None
    addresses = {
        function: ctypes.cast(getattr(library, function), ctypes.c_void_p).value or 0
        for function in FUNCTIONS
    }
    return addresses if all(addresses.values()) else None


def in_use() -> bool:
    """Whether PortAudio runs in this process: its lists are then those of its start."""
    return _owner.used


def list_devices() -> DeviceLists:
    """What PortAudio lists; DeviceError without PyAudio."""
    with _owner.use() as pyaudio:
        return DeviceLists(
            tuple(_listed(pyaudio, "Input")),
            tuple(_listed(pyaudio, "Output")),
            _default(pyaudio, "input"),
            _default(pyaudio, "output"),
        )


def _listed(pyaudio: Any, direction: str) -> Iterator[SoundDevice]:
    """`direction` is Input or Output, as PortAudio's fields are called."""
    for number in range(pyaudio.get_device_count()):
        info = pyaudio.get_device_info_by_index(number)
        if info[f"max{direction}Channels"] > 0:
            name, rate = str(info["name"]), int(info["defaultSampleRate"])
            latency = float(info[f"defaultLow{direction}Latency"])
            yield SoundDevice(name, name, rate=rate, number=number, latency=latency)


def _default(pyaudio: Any, direction: str) -> str | None:
    try:
        return str(getattr(pyaudio, f"get_default_{direction}_device_info")()["name"])
    except OSError:
        return None


def open_stream(device: SoundDevice, *, capture: bool, native: bool | None = None) -> Stream:
    """Open and start one direction of a device.

    `native` False takes PyAudio's own callback even where the C callback could be had.
    DeviceError says what is wrong.
    """
    pyaudio = _owner.acquire()
    try:
        functions = native_functions() if native is not False else None
        stream: AnyStream
        if functions is None:
            stream = _start_fallback(pyaudio, device, capture)
        else:
            stream = _start_native(pyaudio, functions, device, capture)
        raise_priority()
        return PortAudioStream(stream, _owner.release)
    except BaseException as error:
        _owner.release()
        if not isinstance(error, OSError | ValueError):
            raise
        raise DeviceError(
            f"the sound device {device.label!r} can't be opened ({error}): it may be in use or gone"
        ) from error


def _start_native(
    pyaudio: Any, functions: Mapping[str, int], device: SoundDevice, capture: bool
) -> NativeStream:
    served = device.number is None  # by a sound server
    listed = device if served else _find(pyaudio, device, capture)
    rate = device.rate if served else _rate(pyaudio, listed, capture)
    end = (listed.number or 0, device.latency)
    stream = NativeStream(
        functions,
        capture=end if capture else None,
        playout=None if capture else end,
        rate=rate,
        period=rate * PERIOD_MS // 1000,
        name=f"{SERVER}:{device.name}".encode() if served else None,
    )
    try:
        stream.start()
    except OSError:
        stream.close()
        raise
    return stream


def _start_fallback(pyaudio: Any, device: SoundDevice, capture: bool) -> FallbackStream:
    if device.number is None:
        server = _find(pyaudio, SoundDevice(SERVER, SERVER), capture)
        with _chosen(device.name, capture):
            return FallbackStream(pyaudio, server, device.rate, capture=capture)
    listed = _find(pyaudio, device, capture)
    return FallbackStream(pyaudio, listed, _rate(pyaudio, listed, capture), capture=capture)


@contextlib.contextmanager
def _chosen(name: str, capture: bool) -> Iterator[None]:
    variable = CHOSEN_BY[capture]
    with _choosing:
        before = os.environ.get(variable)
        os.environ[variable] = name
        try:
            yield
        finally:
            if before is None:
                del os.environ[variable]
            else:
                os.environ[variable] = before


def _find(pyaudio: Any, device: SoundDevice, capture: bool) -> SoundDevice:
    """The device as this PortAudio knows it: numbers of another process may be others."""
    for listed in _listed(pyaudio, "Input" if capture else "Output"):
        if listed.name == device.name:
            return listed
    raise OSError("it came after PortAudio was started, and is taken once no sound is in use")


def _rate(pyaudio: Any, device: SoundDevice, capture: bool) -> int:
    """48 kHz, or the device's own where it does not take that."""
    direction = "input" if capture else "output"
    wanted = {
        f"{direction}_device": device.number,
        f"{direction}_channels": 1,
        f"{direction}_format": INT16,
    }
    try:
        pyaudio.is_format_supported(RATE, **wanted)
    except ValueError:
        return device.rate
    return RATE


if __name__ == "__main__":
    json.dump(asdict(list_devices()), sys.stdout)

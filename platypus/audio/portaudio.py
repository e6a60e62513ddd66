"""The sound card through PyAudio: its list of devices, and streams on the PortAudio it loaded.

One owner a process (`_owner`, the one permitted global): PortAudio's list of devices freezes
when it is initialised, and terminating it closes every stream, so users are counted and it is
initialised anew only after the last has gone. Streams run in a C callback where PortAudio's
functions can be reached in the loaded library (Linux, macOS); elsewhere PyAudio's own callback
stands in, with deeper buffers. Hot-plug and following a change of device are not done here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from platypus._media.device import NativeStream, quiet_handler
from platypus.audio.device import PERIOD_MS, RATE, Card, Device, choose
from platypus.audio.fallback import FallbackStream
from platypus.errors import DeviceError

if TYPE_CHECKING:
    from platypus._media.endpoint import RingSink, RingSource

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
NO_DEVICES = (
    "there is no sound device: start PulseAudio or PipeWire, or plug a sound card in;"
    " without one use --audio null, tone or wav:FILE"
)
CLOSE_S = 1.0
SILENT_MS = 2000  # a card whose callbacks stopped for so long is gone or suspended


class _Owner:
    """Keeps the PyAudio object while somebody uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._pyaudio: Any = None

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


def _initialise() -> Any:
    try:
        import pyaudio  # type: ignore[import-untyped]
    except ImportError as error:
        raise DeviceError(NO_PYAUDIO) from error
    _silence()
    try:
        return pyaudio.PyAudio()
    except OSError as error:
        raise DeviceError(f"PortAudio does not start: {error}") from error


def _silence() -> None:
    """ALSA and JACK print some 100 lines at start; nobody can act on them."""
    for library, setters in (
        ("libasound.so.2", ("snd_lib_error_set_handler",)),
        ("libjack.so.0", ("jack_set_error_function", "jack_set_info_function")),
    ):
        if sys.platform != "linux":
            return
        try:
            loaded = ctypes.CDLL(library)
        except OSError:
            continue
        for setter in setters:
            function = getattr(loaded, setter)
            function.argtypes = (ctypes.c_void_p,)
            function(quiet_handler())


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


def _listed(pyaudio: Any, direction: str) -> list[Device]:
    """`direction` is Input or Output, as PortAudio's fields are called."""
    found = []
    for number in range(pyaudio.get_device_count()):
        info = pyaudio.get_device_info_by_index(number)
        if info[f"max{direction}Channels"] > 0:
            latency = float(info[f"defaultLow{direction}Latency"])
            rate = int(info["defaultSampleRate"])
            found.append(Device(number, str(info["name"]), latency, rate))
    return found


def _default(pyaudio: Any, direction: str) -> int | None:
    try:
        info = getattr(pyaudio, f"get_default_{direction.lower()}_device_info")()
    except OSError:
        return None
    return int(info["index"])


def devices() -> tuple[list[str], list[str]]:
    """The names of the microphones and of the speakers; DeviceError without PyAudio."""
    with _owner.use() as pyaudio:
        inputs, outputs = _listed(pyaudio, "Input"), _listed(pyaudio, "Output")
    return [device.name for device in inputs], [device.name for device in outputs]


class PortAudioCard:
    """A card, open and running: one user of PortAudio until it is closed."""

    def __init__(
        self,
        stream: NativeStream | FallbackStream,
        names: tuple[str | None, str | None],
        release: Callable[[], None],
    ) -> None:
        self._stream = stream
        self.input, self.output = names
        self._release = release
        self._closed = False

    @property
    def source(self) -> RingSource | None:
        return self._stream.source

    @property
    def sink(self) -> RingSink | None:
        return self._stream.sink

    @property
    def rate(self) -> int:
        return self._stream.rate

    @property
    def native(self) -> bool:
        """Whether its callback is in C."""
        return isinstance(self._stream, NativeStream)

    @property
    def alive(self) -> bool:
        silent_ms = self._stream.silent_ms
        return (
            not self._closed
            and self._stream.active
            and (silent_ms is None or silent_ms < SILENT_MS)
        )

    def statistics(self) -> dict[str, int]:
        return self._stream.statistics()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        closing = threading.Thread(target=self._close, daemon=True, name="platypus-card-close")
        closing.start()
        # A sound server that hangs keeps its stream, our memory and PortAudio with it.
        closing.join(CLOSE_S)

    def _close(self) -> None:
        try:
            self._stream.close()
        except OSError:
            return  # PortAudio may still use it: its user stays counted
        self._release()


def open_card(
    input: str | None = None, output: str | None = None, *, native: bool | None = None
) -> Card:
    """Open and start the default devices, or those of these names.

    `native` False takes PyAudio's own callback even where the C callback could be had. A card
    with no microphone, or no speaker, has that end None. DeviceError says what is missing.
    """
    pyaudio = _owner.acquire()
    try:
        return _open(pyaudio, input, output, native is not False)
    except BaseException:
        _owner.release()
        raise


def _open(pyaudio: Any, input: str | None, output: str | None, native: bool) -> PortAudioCard:
    microphone = _choose(pyaudio, "Input", input)
    speaker = _choose(pyaudio, "Output", output)
    if microphone is None and speaker is None:
        raise DeviceError(NO_DEVICES)
    functions = native_functions() if native else None
    try:
        stream = _start(pyaudio, functions, microphone, speaker)
    except (OSError, ValueError) as error:
        names = " and ".join(repr(end.name) for end in (microphone, speaker) if end)
        raise DeviceError(
            f"the sound device {names} can't be opened ({error}): it may be in use or gone"
        ) from error
    return PortAudioCard(
        stream,
        (microphone.name if microphone else None, speaker.name if speaker else None),
        _owner.release,
    )


def _choose(pyaudio: Any, direction: str, name: str | None) -> Device | None:
    found = _listed(pyaudio, direction)
    default = _default(pyaudio, direction)
    if name is None and default is None:
        return None
    return choose(found, name, default)


def _start(
    pyaudio: Any,
    functions: Mapping[str, int] | None,
    microphone: Device | None,
    speaker: Device | None,
) -> NativeStream | FallbackStream:
    rate = _rate(pyaudio, microphone, speaker)
    period = rate * PERIOD_MS // 1000
    if functions is None:
        return FallbackStream(pyaudio, microphone, speaker, rate)
    stream = NativeStream(
        functions,
        capture=(microphone.number, microphone.latency) if microphone else None,
        playout=(speaker.number, speaker.latency) if speaker else None,
        rate=rate,
        period=period,
    )
    try:
        stream.start()
    except OSError:
        stream.close()
        raise
    return stream


def _rate(pyaudio: Any, microphone: Device | None, speaker: Device | None) -> int:
    """48 kHz, or what the speaker says where it does not take that."""
    wanted: dict[str, Any] = {}
    if microphone:
        wanted |= {"input_device": microphone.number, "input_channels": 1, "input_format": 8}
    if speaker:
        wanted |= {"output_device": speaker.number, "output_channels": 1, "output_format": 8}
    try:
        pyaudio.is_format_supported(RATE, **wanted)
    except ValueError:
        return (speaker or microphone or Device(0, "", 0.0, RATE)).default_rate
    return RATE

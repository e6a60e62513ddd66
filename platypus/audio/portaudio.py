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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

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
INT16 = 8  # paInt16
CLOSE_S = 1.0
SILENT_MS = 2000  # a card whose callbacks stopped for so long is gone or suspended


Stream: TypeAlias = NativeStream | FallbackStream


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
    """A card, open and running: one user of PortAudio until it is closed.

    The microphone and the speaker have a stream each: they may be on two cards with two clocks,
    and in one stream for both what piles up at the microphone while the machine stands still
    stays there as delay.
    """

    def __init__(
        self,
        microphone: Stream | None,
        speaker: Stream | None,
        names: tuple[str | None, str | None],
        release: Callable[[], None],
    ) -> None:
        self._microphone, self._speaker = microphone, speaker
        self._streams = [stream for stream in (microphone, speaker) if stream]
        self.input, self.output = names
        self._release = release
        self._closed = False

    @property
    def source(self) -> RingSource | None:
        return self._microphone.source if self._microphone else None

    @property
    def sink(self) -> RingSink | None:
        return self._speaker.sink if self._speaker else None

    @property
    def rate(self) -> int:
        return self._streams[-1].rate

    @property
    def native(self) -> bool:
        """Whether its callbacks are in C."""
        return isinstance(self._streams[0], NativeStream)

    @property
    def alive(self) -> bool:
        return not self._closed and all(_runs(stream) for stream in self._streams)

    def statistics(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for stream in self._streams:
            total.update(stream.statistics())
        return dict(total)

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
            for stream in self._streams:
                stream.close()
        except OSError:
            return  # PortAudio may still use it: its user stays counted
        self._release()


def _runs(stream: Stream) -> bool:
    silent_ms = stream.silent_ms
    return stream.active and (silent_ms is None or silent_ms < SILENT_MS)


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
    streams: list[Stream | None] = []
    for device in (microphone, speaker):
        try:
            streams.append(
                _start(pyaudio, functions, device, capture=device is microphone) if device else None
            )
        except (OSError, ValueError) as error:
            for stream in streams:
                if stream is not None:
                    stream.close()
            name = device.name if device else ""
            raise DeviceError(
                f"the sound device {name!r} can't be opened ({error}): it may be in use or gone"
            ) from error
    names = (microphone.name if microphone else None, speaker.name if speaker else None)
    return PortAudioCard(streams[0], streams[1], names, _owner.release)


def _choose(pyaudio: Any, direction: str, name: str | None) -> Device | None:
    found = _listed(pyaudio, direction)
    default = _default(pyaudio, direction)
    if name is None and default is None:
        return None
    return choose(found, name, default)


def _start(
    pyaudio: Any, functions: Mapping[str, int] | None, device: Device, *, capture: bool
) -> Stream:
    """Open and start one direction of a device."""
    rate = _rate(pyaudio, device, capture)
    if functions is None:
        return FallbackStream(pyaudio, device, rate, capture=capture)
    end = (device.number, device.latency)
    stream = NativeStream(
        functions,
        capture=end if capture else None,
        playout=None if capture else end,
        rate=rate,
        period=rate * PERIOD_MS // 1000,
    )
    try:
        stream.start()
    except OSError:
        stream.close()
        raise
    return stream


def _rate(pyaudio: Any, device: Device, capture: bool) -> int:
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
        return device.default_rate
    return RATE

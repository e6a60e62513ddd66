"""The real PortAudio on a sound server of the test's own, and without any."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from platypus._media.endpoint import BufferSource, RingSink
from platypus._media.lateness import DoNothingThread
from platypus._media.loop import Leg, Loop
from platypus._media.ring import Ring
from platypus.audio import portaudio
from platypus.audio.device import SoundDevice, Stream, choose
from platypus.audio.lists import list_devices
from platypus.errors import DeviceError
from tests._media.peer import address_of, open_leg, running_loop, wait_for
from tests.harness.listening import noise
from tests.harness.soundserver import RATE, SoundServer, soundserver

SECONDS = 6
WINDOW_S = 0.1
STALL_MS = 30


class FakePyAudio:
    """As many devices as it is given, and counts how often it was started and ended."""

    started = ended = 0

    def __init__(self, devices: list[dict[str, object]]) -> None:
        FakePyAudio.started += 1
        self._devices = devices

    def get_device_count(self) -> int:
        return len(self._devices)

    def get_device_info_by_index(self, index: int) -> dict[str, object]:
        return self._devices[index]

    def get_default_input_device_info(self) -> dict[str, object]:
        raise OSError("No Default Input Device Available")

    get_default_output_device_info = get_default_input_device_info

    def terminate(self) -> None:
        FakePyAudio.ended += 1


def device(name: str, inputs: int, outputs: int) -> dict[str, object]:
    return {
        "name": name,
        "maxInputChannels": inputs,
        "maxOutputChannels": outputs,
        "defaultLowInputLatency": 0.01,
        "defaultLowOutputLatency": 0.01,
        "defaultSampleRate": 48_000.0,
    }


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What PortAudio lists; empty until a test fills it."""
    listed: list[dict[str, object]] = []
    FakePyAudio.started = FakePyAudio.ended = 0
    module = SimpleNamespace(PyAudio=lambda: FakePyAudio(listed))
    monkeypatch.setitem(sys.modules, "pyaudio", module)
    return listed


A = SoundDevice("Card A", "Card A", number=0)


class TestWithoutSound:
    def test_without_pyaudio_it_says_how_to_get_it(self, monkeypatch):
        monkeypatch.delitem(sys.modules, "pyaudio", raising=False)
        real = builtins.__import__

        def without(name, *rest, **options):
            if name == "pyaudio":
                raise ImportError(name)
            return real(name, *rest, **options)

        monkeypatch.setattr(builtins, "__import__", without)
        for use in (lambda: portaudio.open_stream(A, capture=True), portaudio.list_devices):
            with pytest.raises(DeviceError, match=r"pip install .*desktop"):
                use()

    def test_a_device_that_came_after_the_start_of_portaudio_is_named(self, devices):
        with pytest.raises(
            DeviceError, match=r"'Card A' can't be opened .*once no sound is in use"
        ):
            portaudio.open_stream(A, capture=True)

    def test_lists_microphones_and_speakers_apart(self, devices):
        devices += [device("Webcam", 1, 0), device("Monitor", 0, 2), device("Card", 2, 2)]
        lists = portaudio.list_devices()
        assert [(each.name, each.number) for each in lists.inputs] == [("Webcam", 0), ("Card", 2)]
        assert [each.name for each in lists.outputs] == ["Monitor", "Card"]
        assert lists.default_input is None

    def test_it_is_initialised_anew_once_nobody_uses_it(self, devices):
        portaudio.list_devices()
        devices += [device("Plugged in later", 1, 0)]
        assert [each.name for each in portaudio.list_devices().inputs] == ["Plugged in later"]
        assert (FakePyAudio.started, FakePyAudio.ended) == (2, 2)

    def test_a_failed_opening_is_no_user(self, devices):
        for _ in range(3):
            with pytest.raises(DeviceError):
                portaudio.open_stream(A, capture=True)
        assert (FakePyAudio.started, FakePyAudio.ended) == (3, 3)
        assert not portaudio.in_use()

    def test_importing_it_does_not_import_pyaudio(self):
        code = "import sys, platypus.audio.portaudio; sys.exit('pyaudio' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0

    def test_a_real_portaudio_without_a_sound_server_lists_nothing_and_is_quiet(self, tmp_path):
        pytest.importorskip("pyaudio")
        code = "from platypus.audio import portaudio; print(portaudio.list_devices().outputs)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ
            | {"PULSE_SERVER": f"unix:{tmp_path}/none", "HOME": str(tmp_path)}
            | {"ASAN_OPTIONS": "detect_leaks=0"},  # what ALSA leaves behind is not ours
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.stdout.strip() != "()":
            pytest.skip("this machine has a sound card")
        assert done.stderr == ""


class HangingStream:
    """One whose close waits for a sound server that does not answer."""

    rate, source, sink, active, silent_ms = RATE, None, None, True, 5.0

    def __init__(self) -> None:
        self.answers = threading.Event()

    def close(self) -> None:
        self.answers.wait()


def test_a_close_that_hangs_returns_and_portaudio_stays_initialised():
    stream = HangingStream()
    released = threading.Event()
    opened = portaudio.PortAudioStream(stream, released.set)
    opened.close()
    assert not opened.active
    assert not released.is_set()
    stream.answers.set()
    assert released.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    pytest.importorskip("pyaudio")
    with before_others(), soundserver(tmp_path) as server:
        yield server


@contextlib.contextmanager
def before_others() -> Iterator[None]:
    """This is about the path of the samples, not about a busy machine: what is started inside
    (the server, its clients, and ALSA's threads in this process) runs first, where root may."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def find(heard: np.ndarray, said: np.ndarray, at: float, rate: int) -> tuple[float, float]:
    """Where a tenth of a second of `said` is in `heard`: (delay in seconds, likeness 0 to 1)."""
    start, size = int(at * rate), int(WINDOW_S * rate)
    part = said[start : start + size].astype(float)
    length = len(heard) + size
    match = np.fft.irfft(
        np.fft.rfft(heard.astype(float), length) * np.conj(np.fft.rfft(part, length)), length
    )[: len(heard) - size]
    best = int(np.argmax(match))
    found = heard[best : best + size].astype(float)
    likeness = float(match[best] / (np.linalg.norm(part) * np.linalg.norm(found)))
    return (best - start) / rate, likeness


Heard = list[tuple[float, float]]


def follow(heard: np.ndarray, said: np.ndarray, rate: int) -> Heard:
    """The delay and the likeness of one piece of every second."""
    return [find(heard, said, at, rate) for at in range(1, SECONDS - 1)]


def assert_heard(measure: Callable[[], Heard]) -> None:
    """All through, and at the end no later than at the beginning.

    A thread of no priority that does nothing is beside it: where that stood still, so did the
    sound server's programs, and it is measured again.
    """
    for _ in range(3):
        idle = DoNothingThread(10, scheduled=False)
        idle.start()
        found = measure()
        idle.close()
        delays = [delay for delay, _ in found]
        whole = min(likeness for _, likeness in found) > 0.9
        if whole and max(delays) - min(delays) < 0.015:
            return
        if idle.lateness()["max_ms"] < STALL_MS:
            pytest.fail(f"(delay, likeness) second by second: {found}", pytrace=False)
    pytest.skip(f"this machine stood still for more than {STALL_MS} ms at each of three attempts")


def connect(loop: Loop) -> tuple[Leg, Leg]:
    """Two legs that send to one another."""
    one, other = open_leg(loop, ssrc=1), open_leg(loop, ssrc=2)
    one.configure_send(0, "pcmu", address_of(other))
    other.configure_send(0, "pcmu", address_of(one))
    return one, other


def find_device(name: str) -> SoundDevice:
    lists = list_devices()
    return choose((*lists.inputs, *lists.outputs), name, None)


@contextlib.contextmanager
def opened(name: str, *, capture: bool, native: bool | None = None) -> Iterator[Stream]:
    stream = portaudio.open_stream(find_device(name), capture=capture, native=native)
    try:
        yield stream
    finally:
        stream.close()


@pytest.mark.realtime
class TestOnASoundServer:
    def test_has_the_servers_devices_and_the_systems_choice(self, server):
        lists = list_devices()
        assert [device.name for device in lists.outputs] == ["speaker", "micfeed"]
        assert [device.name for device in lists.inputs if not device.monitor] == ["mic"]
        assert (lists.default_input, lists.default_output) == ("mic", "speaker")

    def test_a_callback_in_c_on_the_device_that_was_named(self, server):
        with opened("micfeed", capture=False) as stream:
            assert isinstance(stream, portaudio.PortAudioStream)
            assert stream.native == (sys.platform == "linux")
            assert stream.rate == RATE
            wait_for(lambda: stream.statistics()["callbacks"] > 3)
            assert stream.active
            sinks = {
                each["index"]: each["name"]
                for each in json.loads(server.control("-f", "json", "list", "sinks"))
            }
            inputs = json.loads(server.control("-f", "json", "list", "sink-inputs"))
            assert [sinks[each["sink"]] for each in inputs] == ["micfeed"]
        stream.close()
        assert not stream.active
        assert not portaudio.in_use()

    def test_pyaudios_own_callback_plays_on_the_device_that_was_named(self, server):
        with opened("micfeed", capture=False, native=False) as stream:
            wait_for(lambda: stream.statistics()["callbacks"] > 3)
            sinks = {
                each["index"]: each["name"]
                for each in json.loads(server.control("-f", "json", "list", "sinks"))
            }
            inputs = json.loads(server.control("-f", "json", "list", "sink-inputs"))
            assert [sinks[each["sink"]] for each in inputs] == ["micfeed"]

    @pytest.mark.parametrize("native", [True, False])
    def test_a_tune_is_heard_without_any_call(self, server, native, tmp_path):
        path = tmp_path / "heard"
        tune = noise(1.0, RATE)
        with opened("speaker", capture=False, native=native) as stream, server.hearing(path):
            wait_for(lambda: path.stat().st_size > RATE)
            assert stream.overlay.play(tune.tobytes())
            enough = path.stat().st_size + 2 * RATE * 2
            wait_for(lambda: path.stat().st_size > enough)
            assert not stream.overlay.playing
        heard = np.fromfile(path, dtype=np.int16)
        assert find(heard, tune, 0.5, RATE)[1] > 0.9

    @pytest.mark.parametrize("native", [True, False])
    def test_what_is_said_is_sent_all_through_without_growing_late(self, server, native):
        def measure() -> Heard:
            ring = Ring(8000 * (SECONDS + 5))
            with opened("mic", capture=True, native=native) as stream, running_loop() as loop:
                near, far = connect(loop)
                near.set_source(stream.source)
                far.set_sink(RingSink(ring, 8000))
                wait_for(lambda: near.statistics()["send"]["packets"] > 25)
                ring.discard(ring.capacity)
                with server.saying(noise(SECONDS, RATE).tobytes()):
                    wait_for(lambda: ring.available > 8000 * (SECONDS + 0.7))
                heard = np.frombuffer(ring.read(ring.capacity), dtype=np.int16)
            return follow(heard, noise(SECONDS, 8000), 8000)

        assert_heard(measure)

    @pytest.mark.parametrize("native", [True, False])
    def test_what_arrives_is_heard_all_through_without_growing_late(self, server, native, tmp_path):
        def measure() -> Heard:
            path = tmp_path / "heard"
            with (
                opened("speaker", capture=False, native=native) as stream,
                running_loop() as loop,
                server.hearing(path),
            ):
                near, far = connect(loop)
                near.set_sink(stream.sink)
                wait_for(lambda: path.stat().st_size > RATE)
                far.set_source(BufferSource(noise(SECONDS, 8000).tobytes(), 8000))
                enough = path.stat().st_size + int(2 * RATE * (SECONDS + 0.7))
                wait_for(lambda: path.stat().st_size > enough)
                assert stream.statistics()["playing"] < RATE * 0.1
            return follow(np.fromfile(path, dtype=np.int16), noise(SECONDS, RATE), RATE)

        assert_heard(measure)

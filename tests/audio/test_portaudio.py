"""The real PortAudio on a sound server of the test's own, and without any."""

from __future__ import annotations

import builtins
import contextlib
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
from platypus.errors import DeviceError
from tests._media.peer import address_of, open_leg, running_loop, wait_for
from tests.harness.soundserver import RATE, SoundServer, soundserver

SECONDS = 8
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


class TestWithoutSound:
    def test_without_pyaudio_it_says_how_to_get_it(self, monkeypatch):
        monkeypatch.delitem(sys.modules, "pyaudio", raising=False)
        real = builtins.__import__

        def without(name, *rest, **options):
            if name == "pyaudio":
                raise ImportError(name)
            return real(name, *rest, **options)

        monkeypatch.setattr(builtins, "__import__", without)
        for use in (portaudio.open_card, portaudio.devices):
            with pytest.raises(DeviceError, match=r"pip install .*desktop"):
                use()

    def test_with_no_device_it_says_what_to_start(self, devices):
        with pytest.raises(DeviceError, match="PulseAudio or PipeWire"):
            portaudio.open_card()

    def test_a_chosen_device_that_is_gone_is_named(self, devices):
        devices += [device("Card A", 1, 1)]
        with pytest.raises(DeviceError, match="'Card B'") as caught:
            portaudio.open_card("Card B", "Card A")
        assert caught.value.available == ("Card A",)

    def test_lists_microphones_and_speakers_apart(self, devices):
        devices += [device("Webcam", 1, 0), device("Monitor", 0, 2), device("Card", 2, 2)]
        assert portaudio.devices() == (["Webcam", "Card"], ["Monitor", "Card"])

    def test_it_is_initialised_anew_once_nobody_uses_it(self, devices):
        portaudio.devices()
        devices += [device("Plugged in later", 1, 0)]
        assert portaudio.devices() == (["Plugged in later"], [])
        assert (FakePyAudio.started, FakePyAudio.ended) == (2, 2)

    def test_a_failed_opening_is_no_user(self, devices):
        for _ in range(3):
            with pytest.raises(DeviceError):
                portaudio.open_card()
        assert (FakePyAudio.started, FakePyAudio.ended) == (3, 3)

    def test_importing_it_does_not_import_pyaudio(self):
        code = "import sys, platypus.audio.portaudio; sys.exit('pyaudio' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0

    def test_a_real_portaudio_without_a_sound_server_is_quiet_and_clear(self, tmp_path):
        pytest.importorskip("pyaudio")
        code = (
            "from platypus.audio import portaudio\n"
            "from platypus.errors import DeviceError\n"
            "try: portaudio.open_card()\n"
            "except DeviceError as error: print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ
            | {"PULSE_SERVER": f"unix:{tmp_path}/none", "HOME": str(tmp_path)}
            | {"ASAN_OPTIONS": "detect_leaks=0"},  # what ALSA leaves behind is not ours
            capture_output=True,
            text=True,
            timeout=60,
        )
        if not done.stdout:
            pytest.skip("this machine has a sound card")
        assert ("sound device" in done.stdout, done.stderr) == (True, "")


class HangingStream:
    """One whose close waits for a sound server that does not answer."""

    rate, source, sink, active, silent_ms = RATE, None, None, True, 5.0

    def __init__(self) -> None:
        self.answers = threading.Event()

    def statistics(self) -> dict[str, int]:
        return {"callbacks": 1}

    def close(self) -> None:
        self.answers.wait()


def test_a_close_that_hangs_returns_and_portaudio_stays_initialised():
    stream = HangingStream()
    released = threading.Event()
    card = portaudio.PortAudioCard(stream, None, ("mic", None), released.set)
    card.close()
    assert not card.alive
    assert not released.is_set()
    stream.answers.set()
    assert released.wait(10)


def test_a_card_whose_callbacks_stopped_is_not_alive():
    stream = HangingStream()
    card = portaudio.PortAudioCard(stream, None, ("mic", None), lambda: None)
    assert card.alive
    stream.silent_ms = 60_000.0
    assert not card.alive


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


def noise(seconds: float, rate: int) -> np.ndarray:
    """Noise up to 1500 Hz: what G.711 carries, and what is like itself at no other time."""
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(int(seconds * 8000)))
    spectrum[np.fft.rfftfreq(int(seconds * 8000), 1 / 8000) > 1500] = 0
    wide = np.zeros(int(seconds * rate) // 2 + 1, dtype=complex)
    wide[: len(spectrum)] = spectrum
    samples = np.fft.irfft(wide, int(seconds * rate))
    return (samples / np.abs(samples).max() * 16_000).astype(np.int16)


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


@pytest.mark.realtime
class TestOnASoundServer:
    def test_has_the_default_devices_and_a_callback_in_c(self, server):
        card = portaudio.open_card()
        try:
            assert (card.input, card.output, card.rate) == ("default", "default", RATE)
            assert isinstance(card, portaudio.PortAudioCard)
            assert card.native == (sys.platform == "linux")
            wait_for(lambda: card.statistics()["callbacks"] > 3)
            assert card.alive
        finally:
            card.close()
            card.close()
        assert not card.alive

    @pytest.mark.parametrize("native", [True, False])
    def test_what_is_said_is_sent_all_through_without_growing_late(self, server, native):
        def measure() -> Heard:
            ring = Ring(8000 * (SECONDS + 5))
            card = portaudio.open_card(native=native)
            try:
                with running_loop() as loop:
                    near, far = connect(loop)
                    near.set_source(card.source)
                    far.set_sink(RingSink(ring, 8000))
                    wait_for(lambda: near.statistics()["send"]["packets"] > 25)
                    ring.discard(ring.capacity)
                    with server.saying(noise(SECONDS, RATE).tobytes()):
                        wait_for(lambda: ring.available > 8000 * (SECONDS + 0.7))
                    heard = np.frombuffer(ring.read(ring.capacity), dtype=np.int16)
            finally:
                card.close()
            return follow(heard, noise(SECONDS, 8000), 8000)

        assert_heard(measure)

    @pytest.mark.parametrize("native", [True, False])
    def test_what_arrives_is_heard_all_through_without_growing_late(self, server, native, tmp_path):
        def measure() -> Heard:
            path = tmp_path / "heard"
            card = portaudio.open_card(native=native)
            try:
                with running_loop() as loop, server.hearing(path):
                    near, far = connect(loop)
                    near.set_sink(card.sink)
                    wait_for(lambda: path.stat().st_size > RATE)
                    far.set_source(BufferSource(noise(SECONDS, 8000).tobytes(), 8000))
                    enough = path.stat().st_size + int(2 * RATE * (SECONDS + 0.7))
                    wait_for(lambda: path.stat().st_size > enough)
                assert card.statistics()["playing"] < RATE * 0.1
            finally:
                card.close()
            return follow(np.fromfile(path, dtype=np.int16), noise(SECONDS, RATE), RATE)

        assert_heard(measure)

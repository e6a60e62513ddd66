"""A PulseAudio of the test's own, with one speaker and one microphone that are not there.

The speaker is a null sink whose monitor is what would be heard. The microphone is the monitor
of a second null sink, into which the test plays what is to be said:

    saying(pcm) -> micfeed -> mic -> phone -> speaker -> hearing(path) -> pcm

Without `norewinds` a null sink lets its clients wait for a second before the first callback.
Whoever opens sound in this process must have `environment` set: ALSA's `pulse` plugin reads it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.harness.programs import Program, find_program

RATE = 48000
SCRIPT = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink norewinds=1 sink_name=speaker rate=48000 channels=1
load-module module-null-sink norewinds=1 sink_name=micfeed rate=48000 channels=1
load-module module-remap-source master=micfeed.monitor source_name=mic channels=1
set-default-sink speaker
set-default-source mic
"""
# The test's own programs have no priority: deep buffers keep them from losing anything.
DEEP = ("--latency-msec=250",)


def raw(*channels: str) -> tuple[str, ...]:
    names = (f"--channels={len(channels)}", f"--channel-map={','.join(channels)}")
    return ("--raw", "--format=s16le", f"--rate={RATE}", *names)


class SoundServer:
    """Runs from construction to `stop`; missing programs skip the test by name."""

    def __init__(self, folder: Path, script: str = SCRIPT) -> None:
        for program in ("pacat", "parec", "pactl"):
            find_program(program)
        folder.chmod(0o700)
        socket = folder / "native"
        path = folder / "server.pa"
        path.write_text(script.format(socket=socket))
        self.environment = {
            "PULSE_SERVER": f"unix:{socket}",
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "pulse"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "HOME": str(folder),
        }
        command = [find_program("pulseaudio"), "-n", "-F", str(path), "--daemonize=no"]
        command += ["--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
        command += ["--realtime=yes", "--high-priority=yes", "--log-target=stderr", "-v"]
        # A sanitiser's runtime that this process runs under is not for them.
        self._environment = os.environ | self.environment | {"LD_PRELOAD": ""}
        self._command = command
        self.start()

    def start(self) -> None:
        """Again, after `stop`: as a new one with the same devices."""
        self._program = Program("pulseaudio", self._command, environment=self._environment)
        self._program.expect("Daemon startup complete|Startup complete", 10.0)
        # It stands for hardware, which no program on the machine can hold up.
        with contextlib.suppress(PermissionError):
            for thread in Path(f"/proc/{self._program.pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(2))

    def control(self, *words: str) -> str:
        """What `pactl` answers."""
        command = [find_program("pactl"), *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, check=True)
        return done.stdout.decode().strip()

    @property
    def running(self) -> bool:
        return self._program.running

    @contextlib.contextmanager
    def saying(self, pcm: bytes, device: str = "micfeed") -> Iterator[None]:
        """While inside, int16 samples at 48 kHz are played into the microphone."""
        with tempfile.TemporaryFile() as spool:
            spool.write(pcm)
            spool.seek(0)
            player = subprocess.Popen(
                [find_program("pacat"), f"--device={device}", *DEEP, *raw("mono")],
                env=self._environment,
                stdin=spool,
            )
            try:
                yield
            finally:
                player.terminate()
                player.wait(5)

    @contextlib.contextmanager
    def hearing(
        self, path: Path, device: str = "speaker.monitor", *, channels: Sequence[str] = ("mono",)
    ) -> Iterator[None]:
        """While inside, what the speaker plays is written to `path` (int16 at 48 kHz)."""
        with path.open("wb") as file:
            recorder = subprocess.Popen(
                [find_program("parec"), f"--device={device}", *DEEP, *raw(*channels)],
                env=self._environment,
                stdout=file,
            )
            try:
                yield
            finally:
                recorder.terminate()
                recorder.wait(5)

    def kill(self) -> None:
        """As a crash would; `start` begins anew."""
        os.kill(self._program.pid, signal.SIGKILL)
        self._program.stop()

    def pause(self) -> None:
        """It is there and does nothing, until `go_on`."""
        os.kill(self._program.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._program.pid, signal.SIGCONT)

    def stop(self) -> None:
        self._program.stop()


@contextlib.contextmanager
def soundserver(folder: Path, script: str = SCRIPT) -> Iterator[SoundServer]:
    """A running server, whose address this process has in its environment meanwhile."""
    server = SoundServer(folder, script)
    before = {key: os.environ.get(key) for key in server.environment}
    os.environ.update(server.environment)
    try:
        yield server
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        server.stop()

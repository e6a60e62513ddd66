"""An agent under measurement, and a registrar that says yes to everything."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Registrar:
    """Answers every REGISTER with 200, from a thread of the measuring process."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.registered = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            data, source = self.socket.recvfrom(4096)
            if not data.startswith(b"REGISTER"):
                continue
            lines = data.decode().split("\r\n")
            kept = [x for x in lines if re.match(r"(?i)(via|from|call-id|cseq|contact):", x)]
            to = next(x for x in lines if x.lower().startswith("to:"))
            answer = ["SIP/2.0 200 OK", *kept, f"{to};tag=1", "Expires: 3600", "Content-Length: 0"]
            self.socket.sendto("\r\n".join([*answer, "", ""]).encode(), source)
            self.registered.set()


def environment() -> dict[str, str]:
    """Ours, with a password; compiled modules are cached, as they are for everybody."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PASSWORD": "secret"}


def command(port: int | None, *options: str) -> list[str]:
    account = ["--account", f"sip:bench@127.0.0.1:{port}", "--password-env", "PASSWORD"]
    start = [sys.executable, "-m", "platypus", "agent", "--listen", "127.0.0.1:0"]
    return [*start, "--audio", "null", *(account if port else []), *options]


@contextlib.contextmanager
def agent(port: int | None, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A running agent that has said it is ready."""
    process = subprocess.Popen(
        command(port, *options),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Lines:
    """What an agent says, read all the time: one whose output nobody takes has less to do."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._stdout = process.stdout
        ready = json.loads(self._stdout.readline())
        self.address = str(ready["listen"][0]).partition(":")[2]
        self.confirmed = self.ended = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self, done: Callable[[Lines], bool], seconds: float) -> None:
        """Until so many calls have come so far; a benchmark without them is none."""
        with self._changed:
            if not self._changed.wait_for(lambda: done(self), seconds):
                raise SystemExit(
                    f"benchmarks: after {seconds:g} s {self.confirmed} calls were answered"
                    f" and {self.ended} ended"
                )

    def _read(self) -> None:
        for line in self._stdout:
            with self._changed:
                self.confirmed += '"state":"confirmed"' in line
                self.ended += '"state":"ended","hold"' in line
                self._changed.notify_all()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, with the threads that have ended, from its own clock."""
    return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it


def resident_mb(pid: int) -> float:
    status = Path("/proc", str(pid), "status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

"""An agent under measurement, and a registrar that says yes to everything."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
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


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads, from the scheduler: `stat` counts in steps of 10 ms."""
    tasks = Path("/proc", str(pid), "task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def resident_mb(pid: int) -> float:
    status = Path("/proc", str(pid), "status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

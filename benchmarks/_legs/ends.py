"""Runs the two ends of the legs benchmark, each on a processor of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".venv" / "bench-peers"
PEER_SECONDS = 600  # longer than any run: it is ended with it

# The wheel's libsrtp, which the loop uses too, comes before the one that the library was linked
# to: otherwise the two libraries would be compared, and Debian's (by NSS) takes twice as long.
IN_C = """
import ctypes, sys
try:
    import pylibsrtp._binding as binding
    ctypes.CDLL(binding.__file__, mode=ctypes.RTLD_GLOBAL)
except OSError:
    pass
arguments = [b"legs", *(each.encode() for each in sys.argv[2:])]
ctypes.CDLL(sys.argv[1]).main(
    len(arguments), (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None))
ctypes.CDLL(None).fflush(None)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one end: processor time a packet received and one sent."""

    pair_us: float
    packets: int
    said: str


def free_ports(count: int) -> tuple[int, int]:
    """A range for the legs, below what the system gives out by itself, and the peer's port."""
    base = 1024 + 2 * (os.getpid() % 2000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        peer = int(sock.getsockname()[1])
    return base if base + 2 * count < 32_000 else 1024, peer


def on(processor: int) -> list[str]:
    """A prefix that pins a program; nothing where there is only one processor."""
    usable = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(usable[processor % len(usable)])]


def command(kind: str, library: Path, numbers: Sequence[str]) -> list[str]:
    count, *_, seconds = numbers
    if kind in ("least", "one", "peer"):
        return [sys.executable, "-c", IN_C, str(library), kind, *numbers]
    if kind == "ours":
        return [sys.executable, "-m", "benchmarks._legs.ours", *numbers]
    if kind == "aiortc":
        return [sys.executable, "-m", "benchmarks._legs.aiortc_peer", count, seconds]
    return [sys.executable, "-m", "benchmarks._legs.python_peers", kind, *numbers]


def measure(kind: str, library: Path, count: int, suite: str, seconds: int) -> Cost:
    """Raises SystemExit where an end fails, or hardly any packets came through."""
    port, peer = free_ports(count)
    numbers = [str(count), suite, str(port), str(peer), str(seconds)]
    other = [*on(1), *command("peer", library, [*numbers[:-1], str(PEER_SECONDS)])]
    path = os.pathsep.join([str(ROOT), str(PEERS)])
    far = subprocess.Popen(other, stdout=subprocess.DEVNULL)
    try:
        result = subprocess.run(
            [*on(0), *command(kind, library, numbers)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120 + 2 * seconds,
        )
    finally:
        far.kill()
        far.wait()
    found = re.search(r"^(\d+) (\d+)$", result.stdout, re.MULTILINE)
    if result.returncode or found is None or int(found[2]) == 0:
        raise SystemExit(f"benchmarks: {kind} failed\n{result.stdout}{result.stderr[-2000:]}")
    used, packets = int(found[1]), int(found[2])
    return Cost(used / packets / 1000, packets, result.stdout[found.end() :].strip())


def install_peers() -> None:
    """The programs that are compared, beside the virtual environment: nothing else needs them."""
    if PEERS.exists():
        return
    wanted = ["uvloop", "pyVoIP", "aiortc"]
    target = ["--quiet", "--disable-pip-version-check", "--target", str(PEERS)]
    subprocess.run([sys.executable, "-m", "pip", "install", *target, *wanted], check=False)

"""How long from exec to the first REGISTER on the wire, beside what asyncio alone needs.

python -m benchmarks start
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from benchmarks._agent import ROOT, command, environment

TARGETS = {"first_register_ms": 100.0}
ROUNDS = 9
ASYNCIO_ALONE = """
import asyncio, socket, sys
async def main():
    await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"REGISTER", ("127.0.0.1", int(sys.argv[1])))
asyncio.run(main())
"""


def first_packet_ms(arguments: Sequence[str], receiver: socket.socket) -> float:
    receiver.setblocking(False)
    while True:  # what an earlier round still sent
        try:
            receiver.recv(4096)
        except BlockingIOError:
            break
    receiver.settimeout(10)
    begun = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        data = receiver.recv(4096)
        elapsed = time.perf_counter() - begun
    finally:
        process.kill()
        process.wait()
    assert data.startswith(b"REGISTER"), data[:40]
    return elapsed * 1e3


def run() -> Mapping[str, float]:
    """Median and best, in milliseconds; the first round, with cold files, does not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        bare = [sys.executable, "-c", ASYNCIO_ALONE, str(port)]
        times = [first_packet_ms(command(port), receiver) for _ in range(ROUNDS + 1)][1:]
        alone = [first_packet_ms(bare, receiver) for _ in range(ROUNDS + 1)][1:]
    return {
        "first_register_ms": statistics.median(times),
        "first_register_best_ms": min(times),
        "asyncio_alone_ms": statistics.median(alone),
    }

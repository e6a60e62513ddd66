"""What Python programs do for the same packets, without a jitter buffer or anything else.

    python -m benchmarks._legs.python_peers asyncio|uvloop|pyvoip COUNT SUITE PORT PEER SECONDS

`asyncio` and `uvloop` have a datagram endpoint for each leg and one timer for all, with mu-law
by the standard library's audioop. `pyvoip` has its RTPClient. SUITE is plain. Prints
"CPU-NS PACKETS" after the first second.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
import warnings
from typing import Any

WARM_S = 1.0
FRAME = 160

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop  # left Python with 3.13, and there is nothing as fast in its place


class Endpoint(asyncio.DatagramProtocol):
    received = 0

    def __init__(self, ssrc: int, peer: tuple[str, int]) -> None:
        self.ssrc, self.peer = ssrc, peer
        self.sequence = self.timestamp = 1
        self.heard = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        Endpoint.received += 1
        self.heard = audioop.ulaw2lin(data[12:], 2)

    def send(self, pcm: bytes) -> None:
        header = struct.pack("!BBHII", 0x80, 0, self.sequence, self.timestamp, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + FRAME) & 0xFFFFFFFF
        self.transport.sendto(header + audioop.lin2ulaw(pcm, 2), self.peer)


async def endpoints(count: int, port: int, peer: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    legs: list[Endpoint] = []
    for number in range(count):
        leg = Endpoint(5000 + number, ("127.0.0.1", peer))
        await loop.create_datagram_endpoint(
            lambda leg=leg: leg, local_addr=("127.0.0.1", port + 2 * number)
        )
        legs.append(leg)
    print("ready", flush=True)
    pcm = bytes(range(256)) + bytes(2 * FRAME - 256)
    due = began = time.monotonic()
    used = received = 0
    while due < began + WARM_S + seconds:
        if used == 0 and due >= began + WARM_S:
            used, received = time.process_time_ns(), Endpoint.received
        for leg in legs:
            leg.send(pcm)
        due += 0.02
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    print(time.process_time_ns() - used, Endpoint.received - received, flush=True)


def pyvoip(count: int, port: int, peer: int, seconds: float) -> None:
    from pyVoIP.RTP import PayloadType, RTPClient, TransmitType

    codecs = {0: PayloadType.PCMU}
    legs = [
        RTPClient(codecs, "127.0.0.1", port + 2 * number, "127.0.0.1", peer, TransmitType.SENDRECV)
        for number in range(count)
    ]
    for leg in legs:
        leg.start()
    print("ready", flush=True)
    time.sleep(WARM_S)
    used, began = time.process_time_ns(), time.monotonic()
    while time.monotonic() < began + seconds:
        for leg in legs:
            leg.read(FRAME, blocking=False)
            leg.write(bytes(FRAME))
        time.sleep(0.02)
    # It counts nothing: both directions have 50 packets a second.
    print(time.process_time_ns() - used, int(count * seconds * 50), flush=True)
    import os

    os._exit(0)  # its threads are never told to end


def main() -> None:
    kind, count, _suite, port, peer, seconds = sys.argv[1:]
    numbers = int(count), int(port), int(peer), float(seconds)
    if kind == "pyvoip":
        pyvoip(*numbers)
        return
    if kind == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(endpoints(*numbers))


if __name__ == "__main__":
    main()

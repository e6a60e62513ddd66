"""Pairs of aiortc's connections that talk to one another: encrypted by DTLS-SRTP, as it always is.

    python -m benchmarks._legs.aiortc_peer COUNT SECONDS

Prints "CPU-NS PACKETS" once the connections stand; each of COUNT legs sends and receives 50
packets a second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

SETTLE_S = 2.0


async def connect(first: Any, second: Any) -> None:
    await first.setLocalDescription(await first.createOffer())
    await second.setRemoteDescription(first.localDescription)
    await second.setLocalDescription(await second.createAnswer())
    await first.setRemoteDescription(second.localDescription)


async def listen(track: Any) -> None:
    while True:
        await track.recv()


async def run(count: int, seconds: float) -> None:
    from aiortc import RTCPeerConnection, RTCRtpSender
    from aiortc.mediastreams import AudioStreamTrack

    pcmu = [
        each
        for each in RTCRtpSender.getCapabilities("audio").codecs
        if each.mimeType == "audio/PCMU"
    ]
    connections: list[Any] = []
    tasks: list[asyncio.Task[None]] = []
    for _ in range(count // 2):
        pair = RTCPeerConnection(), RTCPeerConnection()
        for connection in pair:
            connection.addTrack(AudioStreamTrack())
            connection.getTransceivers()[0].setCodecPreferences(pcmu)
            connection.on("track", lambda track: tasks.append(asyncio.create_task(listen(track))))
        await connect(*pair)
        connections += pair
    await asyncio.sleep(SETTLE_S)
    before, used = await received(connections), time.process_time_ns()
    await asyncio.sleep(seconds)
    used = time.process_time_ns() - used
    print(used, await received(connections) - before, flush=True)
    for connection in connections:
        await connection.close()


async def received(connections: list[Any]) -> int:
    total = 0
    for connection in connections:
        for stats in (await connection.getStats()).values():
            if stats.type == "inbound-rtp":
                total += stats.packetsReceived
    return total


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))

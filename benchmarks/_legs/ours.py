"""This media loop under measurement, with all that a real call has.

    python -m benchmarks._legs.ours COUNT SUITE PORT PEER SECONDS

Each leg has RTP and RTCP sockets, sound that repeats, its jitter buffer, concealment, reports
and figures; SUITE is plain, cm or gcm. Prints, as `legs.c` does, "CPU-NS PACKETS" after the first
second (and as many more as the loop needs to be in time again: thousands of legs are opened on
the processor that serves them), and then the figures of the loop's slots.
"""

from __future__ import annotations

import json
import random
import resource
import socket
import sys
import time
from array import array

from platypus._media.endpoint import BufferSource
from platypus._media.loop import Leg, Loop

WARM_S = 1.0
WARM_MOST = 10  # a processor that is too slow never comes to be in time
KEY = bytes(range(64))
SUITES = {"cm": "AES_CM_128_HMAC_SHA1_80", "gcm": "AEAD_AES_128_GCM"}


def bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    return sock


def sound() -> bytes:
    chosen = random.Random(1)
    return array("h", (chosen.randrange(-8000, 8000) for _ in range(8000))).tobytes()


def open_leg(loop: Loop, number: int, suite: str, port: int, peer: int, pcm: bytes) -> Leg:
    leg = loop.open_leg(bound(port), bound(port + 1), ssrc=5000 + number, sequence=1, timestamp=1)
    if suite in SUITES:
        from platypus.media import srtp

        name = SUITES[suite]
        master = KEY[: srtp.PROFILES[name].master_length]
        leg.protect(srtp.context(name, master, outbound=True))
        leg.unprotect(srtp.context(name, master, outbound=False))
    leg.configure_receive({0: "pcmu"})
    leg.set_source(BufferSource(pcm, 8000, loop=True))
    leg.configure_send(0, "pcmu", ("127.0.0.1", peer))
    leg.configure_rtcp(("127.0.0.1", peer), voip_metrics=True)
    return leg


def main() -> None:
    count, suite, port, peer, seconds = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop, pcm = Loop(), sound()
    loop.start()
    legs = []
    for number in range(int(count)):
        legs.append(open_leg(loop, number, suite, int(port) + 2 * number, int(peer), pcm))
        if number % 20 == 19:  # the queue of commands is bounded, and a busy loop is slower
            time.sleep(0.05)
            loop.drain_events()
    print("ready", flush=True)
    settle(loop)
    before, cpu = packets(legs), time.process_time_ns()
    loop.reset_lateness()
    turns, overrun = loop.turns()
    time.sleep(float(seconds))
    used, received = time.process_time_ns() - cpu, packets(legs) - before
    print(used, received)
    after = loop.turns()
    figures = {
        "lateness": loop.lateness(),
        "reports": sum(reports(leg) for leg in legs),
        "turns": after[0] - turns,
        "overrun": after[1] - overrun,
    }
    print(json.dumps(figures))
    loop.close()


def settle(loop: Loop) -> None:
    """Until no turn of a whole second ended too late."""
    for _ in range(WARM_MOST):
        before = loop.turns()[1]
        time.sleep(WARM_S)
        if loop.turns()[1] == before:
            return


def packets(legs: list[Leg]) -> int:
    return sum(leg.statistics()["receive"]["packets"] for leg in legs)


def reports(leg: Leg) -> int:
    return int(leg.statistics()["rtcp_packets"])


if __name__ == "__main__":
    main()

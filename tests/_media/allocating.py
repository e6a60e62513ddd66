"""Two legs that call each other, as a program: prints how often their threads allocated.

    LD_PRELOAD=counting.so python -m tests._media.allocating plain|PROFILE

Run by test_allocation.py. The last line is of the first packets, where SRTP may allocate for
the SSRC of the far end, and of the seconds after them.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from pathlib import Path

from platypus._media.endpoint import RingSink, ToneSource
from platypus._media.loop import Leg, Loop
from platypus._media.ring import Ring
from platypus.media import srtp
from tests._media.peer import TYPES, udp_socket, wait_for
from tests.media.test_srtp import master

SECONDS = 2
FIRST = 25  # packets until a call is on its way


def threads() -> set[int]:
    return {int(each) for each in os.listdir("/proc/self/task")}


def opened(loop: Loop, ssrc: int) -> tuple[Leg, tuple[str, int], tuple[str, int]]:
    """A leg with RTP and RTCP, and the addresses of both."""
    rtp, rtcp = udp_socket(), udp_socket()
    addresses = rtp.getsockname(), rtcp.getsockname()
    leg = loop.open_leg(rtp, rtcp, ssrc=ssrc, sequence=65_500, timestamp=1)
    leg.configure_receive(TYPES)
    leg.set_source(ToneSource([(440, 8000)]))
    leg.set_sink(RingSink(Ring(1 << 16), 8000))
    return leg, *addresses


def encrypt(one: Leg, other: Leg, profile: str, seed: int) -> None:
    """What `one` says to `other`."""
    one.protect(srtp.context(profile, master(profile, seed), outbound=True))
    other.unprotect(srtp.context(profile, master(profile, seed), outbound=False))


def main(profile: str) -> None:
    count = ctypes.CDLL(None).allocations_of
    count.restype = ctypes.c_ulong
    before = threads()
    loop = Loop()
    loop.start()
    ours = threads() - before
    assert ours

    begun = sum(count(thread) for thread in ours)

    def counted() -> int:
        return sum(count(thread) for thread in ours) - begun

    ends = [opened(loop, ssrc) for ssrc in (1, 2)]
    if profile != "plain":
        encrypt(ends[0][0], ends[1][0], profile, 1)
        encrypt(ends[1][0], ends[0][0], profile, 2)
    folder = Path(tempfile.mkdtemp())
    for (leg, _, _), (_, rtp, rtcp) in zip(ends, reversed(ends), strict=True):
        leg.start_record(os.open(folder / f"{leg.id}.wav", os.O_CREAT | os.O_RDWR))
        leg.configure_rtcp(rtcp, voip_metrics=True)
        leg.configure_send(0, "pcmu", rtp, 101)
    legs = [leg for leg, _, _ in ends]

    def received(number: int) -> bool:
        loop.drain_events()
        return all(leg.statistics()["receive"]["packets"] >= number for leg in legs)

    wait_for(lambda: received(FIRST))
    legs[0].send_dtmf("12")
    first = counted()
    wait_for(lambda: received(FIRST + 50 * SECONDS))
    assert all(leg.statistics()["forged"] == 0 for leg in legs)
    print(first, counted() - first)
    loop.close()


if __name__ == "__main__":
    main(sys.argv[1])

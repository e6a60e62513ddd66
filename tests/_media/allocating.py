"""Legs that call each other, as a program: prints how often their threads allocated.

    LD_PRELOAD=counting.so python -m tests._media.allocating plain|g722|opus|conference|PROFILE

Run by test_allocation.py. The last line is of the first packets, where SRTP may allocate for
the SSRC of the far end, and of the seconds after them. A conference is of a call in G.711 and one
in Opus.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from pathlib import Path

from platypus._media.conference import Conference
from platypus._media.endpoint import RingSink, ToneSource
from platypus._media.loop import Leg, Loop
from platypus._media.ring import Ring
from platypus.media import opus, srtp
from tests._media.peer import udp_socket, wait_for
from tests.media.test_srtp import master

SECONDS = 2
FIRST = 25  # packets until a call is on its way
TYPES = {0: "pcmu", 9: "g722", 13: "cn", 101: "telephone-event", 107: "opus"}
NUMBERS = {codec: number for number, codec in TYPES.items()}
# What each pair of legs speaks.
CALLS = {"g722": ["g722"], "opus": ["opus"], "conference": ["pcmu", "opus"]}


def threads() -> set[int]:
    return {int(each) for each in os.listdir("/proc/self/task")}


def opened(loop: Loop, ssrc: int) -> tuple[Leg, tuple[str, int], tuple[str, int]]:
    """A leg with RTP and RTCP, and the addresses of both."""
    rtp, rtcp = udp_socket(), udp_socket()
    addresses = rtp.getsockname(), rtcp.getsockname()
    leg = loop.open_leg(rtp, rtcp, ssrc=ssrc, sequence=65_500, timestamp=1)
    known = opus.available()
    leg.configure_receive({n: codec for n, codec in TYPES.items() if codec != "opus" or known})
    leg.set_source(ToneSource([(440, 8000)]))
    leg.set_sink(RingSink(Ring(1 << 16), 8000))
    return leg, *addresses


def encrypt(one: Leg, other: Leg, profile: str, seed: int) -> None:
    """What `one` says to `other`."""
    one.protect(srtp.context(profile, master(profile, seed), outbound=True))
    other.unprotect(srtp.context(profile, master(profile, seed), outbound=False))


def call(loop: Loop, codec: str, kind: str) -> list[Leg]:
    """Two legs, with all that a call can have beside it."""
    ends = [opened(loop, ssrc) for ssrc in (1, 2)]
    if kind in srtp.PROFILES:
        encrypt(ends[0][0], ends[1][0], kind, 1)
        encrypt(ends[1][0], ends[0][0], kind, 2)
    folder = Path(tempfile.mkdtemp())
    for (leg, _, _), (_, rtp, rtcp) in zip(ends, reversed(ends), strict=True):
        for place, stereo in enumerate((False, True)):
            file = os.open(folder / f"{leg.id}-{place}.wav", os.O_CREAT | os.O_RDWR)
            leg.start_record(file, 8000, stereo=stereo, place=place)
        leg.configure_rtcp(rtcp, voip_metrics=True)
        settings = {"fec": 1, "dtx": 1} if codec == "opus" else None
        noise = 13 if codec != "opus" else None
        leg.configure_send(
            NUMBERS[codec], codec, rtp, 101, noise_payload_type=noise, settings=settings
        )
        leg.watch_voice(True)
        leg.listen_for_keys(True)
    return [leg for leg, _, _ in ends]


def main(kind: str) -> None:
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

    legs = [leg for codec in CALLS.get(kind, ["pcmu"]) for leg in call(loop, codec, kind)]
    if kind == "conference":
        table = Conference(16_000)
        for leg in legs[::2]:
            leg.join(table)

    def received(listeners: list[Leg], number: int) -> bool:
        loop.drain_events()
        return all(leg.statistics()["receive"]["packets"] >= number for leg in listeners)

    wait_for(lambda: received(legs, FIRST))
    legs[0].send_dtmf("12")
    legs[0].set_mute(True)  # its silence is described or left out
    legs[1].press("12")
    first = counted()
    wait_for(lambda: received(legs[::2], FIRST + 50 * SECONDS))
    assert all(leg.statistics()["forged"] == 0 for leg in legs)
    print(first, counted() - first)
    loop.close()


if __name__ == "__main__":
    main(sys.argv[1])

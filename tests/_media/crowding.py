"""Contexts of SRTP and what their memory lies on, as a program: prints it as JSON.

    python -m tests._media.crowding

Run by test_crowd.py: what lies where depends on all that a program did before.
"""

from __future__ import annotations

import json
import mmap
import re
from pathlib import Path

from platypus._media.crowd import gathered
from platypus._media.endpoint import ToneSource
from platypus._media.loop import Leg, Loop
from platypus._media.srtp import Context
from platypus.media import srtp
from tests._media.peer import TYPES, udp_socket, wait_for
from tests.media.test_srtp import master, rtp

FEW, MANY = 2, 40
LEGS = 20
RANGE = 2 << 20
ARENA = 64 << 20  # glibc's for a thread begins at a multiple of it
GCM = "AEAD_AES_128_GCM"


def large(address: int) -> int:
    """kB on large pages in the mapping that an address lies in."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            inside = int(found[1], 16) <= address < int(found[2], 16)
        elif inside and line.startswith("AnonHugePages:"):
            return int(line.split()[1])
    return 0


def system_has_large_pages() -> bool:
    with mmap.mmap(-1, 2 * RANGE) as fresh:
        fresh.madvise(mmap.MADV_HUGEPAGE)
        fresh.write(b"\1" * (2 * RANGE))
        return bool(re.search(r"AnonHugePages: +[1-9]", Path("/proc/self/smaps").read_text()))


def made(seeds: range) -> list[tuple[Context, Context]]:
    return [
        (
            srtp.context(GCM, master(GCM, seed), outbound=True),
            srtp.context(GCM, master(GCM, seed), outbound=False),
        )
        for seed in seeds
    ]


def works(contexts: list[tuple[Context, Context]], sequence: int) -> bool:
    """And to the bit what a session of pylibsrtp's own makes of it."""
    return all(
        here.unprotect(sealed := there.protect(rtp(sequence))) == rtp(sequence)
        and sealed == srtp.session(GCM, master(GCM, seed), outbound=True).protect(rtp(sequence))
        for seed, (there, here) in enumerate(contexts)
    )


def called() -> tuple[list[int], bool]:
    """Legs that hear each other: of where their thread allocates how much is on large pages."""
    before = set(gathered()[1])
    loop = Loop()
    loop.start()
    sockets = [udp_socket() for _ in range(LEGS)]
    addresses = [each.getsockname() for each in sockets]
    legs: list[Leg] = []
    for number, sock in enumerate(sockets):
        leg = loop.open_leg(sock, ssrc=number + 1, sequence=1, timestamp=1)
        leg.protect(srtp.context(GCM, master(GCM, number), outbound=True))
        leg.unprotect(srtp.context(GCM, master(GCM, number ^ 1), outbound=False))
        leg.configure_receive(TYPES)
        leg.set_source(ToneSource([(440, 8000)]))
        leg.configure_send(0, "pcmu", addresses[number ^ 1])
        legs.append(leg)

    def heard() -> bool:
        loop.drain_events()
        return all(leg.statistics()["receive"]["packets"] > 10 for leg in legs)

    wait_for(heard)
    arenas = [base for base in gathered()[1] if base not in before and base % ARENA == 0]
    kilobytes = [large(base) for base in arenas]
    well = all(leg.statistics()["forged"] == 0 for leg in legs)
    loop.close()
    return kilobytes, well


def main() -> None:
    few = made(range(FEW // 2))
    said: dict[str, object] = {"few": gathered()}
    contexts = few + made(range(FEW // 2, MANY // 2))
    said["works"] = works(contexts, 1)
    said["many"] = gathered()[0], [large(base) for base in gathered()[1]]
    said["thread"], said["called"] = called()
    said["still works"] = works(contexts, 2)
    few.clear()
    contexts.clear()
    said["none"] = gathered()
    contexts = made(range(MANY // 2))
    said["anew"] = gathered()[0], [large(base) for base in gathered()[1]]
    said["works anew"] = works(contexts, 1)
    said["system"] = system_has_large_pages()
    print(json.dumps(said))


if __name__ == "__main__":
    main()

"""Whether anything grows in an hour of calls: streams driven through it in virtual time.

    python -m benchmarks hour

Calls of every suite, and plain ones, between two streams each: G.711 with loss, jitter and
reordering, digits, SRTCP or RTCP with VoIP metrics, a far end that begins anew with another SSRC
now and then, and new keys with it. What the process holds is compared between the tenth minute
and the sixtieth. HOUR_SECONDS makes it shorter.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
from collections import deque
from collections.abc import Mapping

from benchmarks._agent import resident_mb
from platypus._media.arena import chunks
from platypus._media.reports import Reports
from platypus._media.srtp import Context
from platypus._media.stream import Stream
from platypus.media import srtp

BY_NAME_ONLY = True
SECONDS = int(os.environ.get("HOUR_SECONDS", "3600"))
WARM = SECONDS // 6
FRAME_NS = 20_000_000
SUITES = (None, *srtp.PROFILES)
TYPES = {0: "pcmu", 101: "telephone-event"}
LOST, LATE = 0.02, 0.05
ANEW = 7_001  # frames until a far end begins anew
DIGIT = 499  # frames between digits
TARGETS = {"refused": 0.0, "grown_kb": 10.0, "grown_blocks": 0.0, "resident_grown_mb": 0.2}


class Mallinfo(ctypes.Structure):
    """glibc's mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks"),
            *("fordblks", "keepcost"),
        )
    ]


def held_bytes() -> int:
    """What malloc has given out: libsrtp's, Python's larger objects, everything in C."""
    gc.collect()
    told = ctypes.CDLL(None).mallinfo2
    told.restype = Mallinfo
    info = told()
    return int(info.uordblks + info.hblkhd)


class Side:
    """One end of a call: a stream, its reports, and what protects them."""

    def __init__(self, suite: str | None, number: int) -> None:
        self.stream = Stream(ssrc=number, sequence=number & 0xFFFF, timestamp=number)
        self.stream.configure_send(0, "pcmu", event_payload_type=101)
        self.stream.configure_receive(TYPES)
        self.reports = Reports(self.stream, b"hour")
        self.reports.start(0)
        self.waiting: deque[tuple[int, bytes, bool]] = deque()
        self.outbound: Context | None = None
        self.inbound: Context | None = None
        self.renew_key(suite, number)

    def renew_key(self, suite: str | None, number: int) -> None:
        if suite is not None:
            length = srtp.PROFILES[suite].master_length
            self.master = bytes((number + byte) & 255 for byte in range(length))
            self.outbound = srtp.context(suite, self.master, outbound=True)

    def hear(self, suite: str | None, other: Side) -> None:
        if suite is not None:
            self.inbound = srtp.context(suite, other.master, outbound=False)

    def send(self, other: Side, now_ns: int, frame: bytes, chance: random.Random) -> None:
        packet = self.stream.capture(frame)
        if packet and chance.random() > LOST:
            delay = FRAME_NS * (2 if chance.random() < LATE else 0)
            delay += chance.randrange(5_000_000)
            other.waiting.append((now_ns + delay, sealed(self.outbound, packet, False), False))
        if self.reports.due(now_ns):
            report = self.reports.write(now_ns, voip=True)
            other.waiting.append((now_ns, sealed(self.outbound, report, True), True))

    def take(self, now_ns: int) -> int:
        """What has arrived by now; how many packets were refused."""
        refused = 0
        for _ in range(len(self.waiting)):
            arrival_ns, packet, rtcp = self.waiting.popleft()
            if arrival_ns > now_ns:
                self.waiting.append((arrival_ns, packet, rtcp))
                continue
            try:
                if self.inbound is not None:
                    packet = self.inbound.unprotect(packet, rtcp=rtcp)
            except ValueError:
                refused += 1
                continue
            if rtcp:
                self.reports.receive(packet, arrival_ns)
            else:
                self.stream.receive(packet, arrival_ns)
        self.stream.playout(now_ns)
        while self.stream.next_event() is not None:
            pass
        return refused


def sealed(context: Context | None, packet: bytes, rtcp: bool) -> bytes:
    return packet if context is None else context.protect(packet, rtcp=rtcp)


class Call:
    """Two sides; the second is replaced now and then, as after a transfer."""

    def __init__(self, suite: str | None, number: int) -> None:
        self.suite, self.number = suite, number
        self.chance = random.Random(number)
        self.near = Side(suite, number)
        self.begin_anew()

    def begin_anew(self) -> None:
        self.number += 101
        self.far = Side(self.suite, self.number)
        self.near.renew_key(self.suite, self.number + 1)
        self.near.hear(self.suite, self.far)
        self.far.hear(self.suite, self.near)
        self.near.waiting.clear()

    def turn(self, index: int, frame: bytes) -> int:
        now_ns = (index + 1) * FRAME_NS
        if index % ANEW == ANEW - 1:
            self.begin_anew()
        if index % DIGIT == 0:
            self.near.stream.send_event(5, 120)
        self.near.send(self.far, now_ns, frame, self.chance)
        self.far.send(self.near, now_ns, frame, self.chance)
        return self.near.take(now_ns) + self.far.take(now_ns)


def run() -> Mapping[str, float]:
    chance = random.Random(5)
    frames = [chance.randbytes(320) for _ in range(50)]
    calls = [Call(suite, 1000 * index) for index, suite in enumerate(SUITES)]
    refused = 0
    before = before_mb = 0.0
    blocks = 0
    for index in range(SECONDS * 50):
        for call in calls:
            refused += call.turn(index, frames[index % 50])
        if index == WARM * 50:
            before, before_mb, blocks = held_bytes(), resident_mb(os.getpid()), chunks()[1]
    figures = [call.near.stream.statistics()["receive"] for call in calls]
    return {
        "virtual_s": SECONDS,
        "packets": sum(float(each["packets"] or 0) for each in figures),
        "lost": sum(float(each["lost"] or 0) for each in figures),
        "refused": refused,
        "grown_kb": (held_bytes() - before) / 1000,
        "grown_blocks": chunks()[1] - blocks,
        "resident_mb": resident_mb(os.getpid()),
        "resident_grown_mb": resident_mb(os.getpid()) - before_mb,
    }

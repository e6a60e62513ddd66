"""What the far end or our own machine may do to a stream in its midst, and how long it is heard.

A fault happens at a packet in the midst of speech; on either side of it the path is clean. PCMU is
heard bit for bit where all is well, so that what is right can be told from what is made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks._receiver.codings import PCMU
from benchmarks._receiver.receivers import MS, SLOT_MS
from benchmarks._receiver.score import delays
from benchmarks._receiver.speech import RATE, Pcm
from platypus._media import rtp

BEFORE = 400  # packets, until the fault
AFTER = 200
FRAME = PCMU.frame
QUIET = 200.0  # RMS: below, anything may be done to a block
HOUR = 3600 * RATE

# From one packet and its number behind the fault to the one that is sent instead.
Fault = Callable[[rtp.Packet, int], rtp.Packet]

FAULTS: dict[str, Fault] = {
    "ssrc_change": lambda packet, since: packet._replace(
        ssrc=0xC0FFEE,
        sequence=(40000 + since) % 2**16,
        timestamp=(0xDEADBEEF + since * FRAME) % 2**32,
    ),
    "hour_jump": lambda packet, since: packet._replace(timestamp=(packet.timestamp + HOUR) % 2**32),
    "sequence_reset": lambda packet, since: packet._replace(sequence=since),
    "count_reset": lambda packet, since: packet._replace(sequence=since, timestamp=since * FRAME),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Speech around the fault, and the slots' place between the packets."""

    sent: Pcm
    phase_ms: float

    @property
    def fault_ms(self) -> float:
        return BEFORE * SLOT_MS


def part(speech: Pcm, random: np.random.Generator) -> Part:
    """A stretch whose fault falls on something loud."""
    length = (BEFORE + AFTER) * FRAME
    while True:
        begin = int(random.integers(0, len(speech) - length))
        sent = speech[begin : begin + length]
        around = sent[(BEFORE - 2) * FRAME : (BEFORE + 3) * FRAME].astype(float)
        if np.sqrt(np.mean(around**2)) > 5 * QUIET:
            return Part(sent, random.uniform(0.0, SLOT_MS))


def heard(part: Part, fault: Fault | None, stall_ms: float = 0.0) -> Pcm:
    """What is played from 0 ms on; in a stall of ours nothing is read or played."""
    stream = PCMU.listener()
    packets = [rtp.parse(packet) for packet in PCMU.packets(part.sent)]
    if fault is not None:
        packets[BEFORE:] = [fault(packet, at) for at, packet in enumerate(packets[BEFORE:])]
    frames = [np.zeros(round(part.phase_ms * RATE / 1000), dtype=np.int16)]
    at = 0
    for slot in range(len(packets)):
        now = part.phase_ms + slot * SLOT_MS
        if part.fault_ms <= now < part.fault_ms + stall_ms:
            frames.append(np.zeros(FRAME, dtype=np.int16))
            continue
        while at < len(packets) and at * SLOT_MS <= now:
            stream.receive(rtp.serialize(packets[at]), round(at * SLOT_MS * MS) + 10**9)
            at += 1
        frames.append(np.frombuffer(stream.playout(round(now * MS) + 10**9), dtype=np.int16))
    return np.concatenate(frames)


def until_right_ms(part: Part, played: Pcm) -> float:
    """From when the first packet behind the fault would have been heard to the last wrong block."""
    left = PCMU.left(part.sent).tobytes()
    lead = round(part.phase_ms * RATE / 1000)
    delay = 0
    wrong_until = 0.0
    for begin in range(lead, len(played) - FRAME, FRAME):
        block = played[begin : begin + FRAME]
        place = left.find(block.tobytes())
        if begin * 1000 / RATE < part.fault_ms:
            delay = begin - place // 2 if place >= 0 and block.any() else delay
        elif place < 0 and np.sqrt(np.mean(block.astype(float) ** 2)) > QUIET:
            wrong_until = (begin + FRAME - delay) * 1000 / RATE - part.fault_ms
    return max(0.0, wrong_until)


def until_normal_ms(part: Part, played: Pcm, stall_ms: float) -> float:
    """From the end of a stall to where the delay is again within 5 ms of what it was."""
    found = delays(part.sent, played)
    times = (found[:, 0] + found[:, 1]) * 1000 / RATE  # of listening
    lags = found[:, 1] * 1000 / RATE
    normal = float(np.median(lags[times < part.fault_ms]))
    end = part.fault_ms + stall_ms
    off = times[(times >= end) & (np.abs(lags - normal) > 5.0)]
    return float(off.max()) - end + 200.0 if len(off) else 0.0  # a stretch is 200 ms

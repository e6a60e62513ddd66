"""The rows of `receiver` in real time: the same speech and traces to `platypus agent --record`, and
to baresip beside it.

    python -m benchmarks receiver_live         a minute a row; RECEIVER_PATHS, RECEIVER_HALF

Every packet leaves when the trace has it arrive, to both at once. The agent's recording is
followed as it grows, which tells when each sample was played. baresip plays into `aubridge`, which
sends back what it was given: its echo tells the same. `same trace` is what the phone's stream makes
of it offline. Wants a quiet machine: how late the sender itself was is printed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks._receiver.caller import Caller
from benchmarks._receiver.codings import PCMU
from benchmarks._receiver.paths import PATHS, Trace
from benchmarks._receiver.receivers import TAIL_MS, arrivals, phone
from benchmarks._receiver.rows import half, tell
from benchmarks._receiver.score import Score, score
from benchmarks._receiver.speech import RATE, Pcm, speech
from platypus._media import g711, rtp
from tests.harness.agent import Agent
from tests.harness.baresip import Baresip

BY_NAME_ONLY = True
CHOSEN = ("clean", "loss_5", "bursts_5", "queue_20", "stalls", "wifi", "everything")
FRAME = PCMU.frame
HEADER = 44  # octets of a WAV file before its samples
JITTER = "5-10"  # baresip's own default
PAUSE_S = 0.001
SETTLING_S = 0.5


@dataclass(slots=True)
class Recording:
    """What the agent writes: sample 0 was played at `origin`, by the earliest it was seen."""

    path: Path
    origin: float = float("inf")
    _size: int = 0

    def look(self, now: float) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        if size > max(self._size, HEADER):
            samples = (size - HEADER) // 2
            # The frame that was written last was pulled just now.
            self.origin = min(self.origin, now - (samples - FRAME) / RATE)
        self._size = size

    def pcm(self) -> Pcm:
        return np.frombuffer(self.path.read_bytes()[HEADER:], dtype="<i2").astype(np.int16)


@dataclass(slots=True)
class Echo:
    """What baresip played, as it sent it back."""

    caller: Caller
    origin: float = float("inf")
    _first: int | None = None
    _parts: list[tuple[int, bytes]] = field(default_factory=list)

    def look(self, now: float) -> None:
        for data in self.caller.received():
            packet = rtp.parse(data)
            if self._first is None:
                self._first = packet.timestamp
            at = (packet.timestamp - self._first) % 2**32
            self._parts.append((at, g711.decode_ulaw(packet.payload)))
            self.origin = min(self.origin, now - at / RATE)

    def pcm(self) -> Pcm:
        end = max((at + len(part) // 2 for at, part in self._parts), default=0)
        out = np.zeros(end, dtype=np.int16)
        for at, part in self._parts:
            out[at : at + len(part) // 2] = np.frombuffer(part, dtype=np.int16)
        return out


def from_begin(pcm: Pcm, origin: float, begun: float, count: int) -> Pcm:
    """What was heard from `begun` on."""
    if not np.isfinite(origin):
        return np.zeros(count, dtype=np.int16)
    lead = round((origin - begun) * RATE)
    pcm = np.concatenate([np.zeros(max(0, lead), dtype=np.int16), pcm[max(0, -lead) :]])
    return np.concatenate([pcm, np.zeros(max(0, count - len(pcm)), dtype=np.int16)])[:count]


def sent_live(
    packets: list[bytes], made: Trace, callers: list[Caller], look: Callable[[float], None]
) -> tuple[float, float]:
    """When packet 0 was due, and the 99th percentile of how late packets left, in ms."""
    waiting = arrivals(made)
    begun = time.monotonic() + SETTLING_S
    late: list[float] = []
    end = begun + (float(made.due[-1]) + TAIL_MS) / 1000
    at = 0
    while (now := time.monotonic()) < end:
        while at < len(waiting) and begun + waiting[at][0] / 1000 <= now:
            for caller in callers:
                caller.send(packets[waiting[at][1]])
            late.append(now - begun - waiting[at][0] / 1000)
            at += 1
        look(now)
        following = begun + waiting[at][0] / 1000 if at < len(waiting) else end
        time.sleep(max(0.0, min(PAUSE_S, following - time.monotonic())))
    return begun, float(np.quantile(late, 0.99)) * 1000


def row(name: str, folder: Path) -> dict[str, float]:
    spoken = speech(half())
    made = PATHS[name](np.random.default_rng([0, sum(name.encode())]), len(spoken) // FRAME)
    packets = PCMU.packets(spoken)
    file = folder / f"{name}.wav"
    options = ("--audio", "null", "--codecs", "pcmu", "--auto-answer", "0", "--record", str(file))
    with Agent(*options, "--listen", "127.0.0.1:0") as agent:
        host, _, port = agent.uri().rpartition("@")[2].rpartition(":")
        ours = Caller((host, int(port)), "phone")
        callers, recording = [ours], Recording(file)
        baresip = None
        if shutil.which("baresip"):
            baresip = Baresip(
                folder / name, user="bob", codecs=("PCMU",), answer="auto", echo=True, jitter=JITTER
            )
            callers.append(Caller((baresip.host, baresip.port), "bob"))
        echo = Echo(callers[-1])
        try:
            for caller in callers:
                caller.call()

            def look(now: float) -> None:
                recording.look(now)
                if baresip is not None:
                    echo.look(now)

            begun, late_ms = sent_live(packets, made, callers, look)
        finally:
            for caller in callers:
                caller.close()
            if baresip is not None:
                baresip.stop()
    count = round((float(made.due[-1]) + TAIL_MS) * RATE / 1000)
    live = score(spoken, from_begin(recording.pcm(), recording.origin, begun, count))
    offline = score(spoken, phone(spoken, made, (recording.origin - begun) * 1000 % 20.0).pcm)
    theirs = None
    if baresip is not None:
        theirs = score(spoken, from_begin(echo.pcm(), echo.origin, begun, count))
    tell(f"{name:<12}" + "".join(map(columns, (live, offline, theirs))) + f"   {late_ms:4.1f} ms")
    return values(name, live) | (values(f"{name}_baresip", theirs) if theirs else {})


def columns(one: Score | None) -> str:
    return f"   {one.pesq:5.2f} {one.delay_ms:4.0f} {one.cq:5.2f}" if one else " " * 19


def values(prefix: str, one: Score) -> dict[str, float]:
    return {
        f"{prefix}_pesq": round(one.pesq, 3),
        f"{prefix}_delay_ms": round(one.delay_ms, 1),
        f"{prefix}_cq": round(one.cq, 3),
    }


def run() -> dict[str, float]:
    wanted = os.environ.get("RECEIVER_PATHS", ",".join(CHOSEN)).split(",")
    tell("path            PESQ  delay CQ     same trace         baresip            sender late")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for path in wanted:
            found |= row(path, Path(name))
    return found

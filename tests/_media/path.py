"""A sender, a network and a listener in virtual time, for tests of streams.

Losses and delays are lists, one entry a packet; what is heard is found again in what
was sent, bit for bit, so that a test can say where each frame came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from platypus._media import g711, rtp
from platypus._media.stream import Stream

MS = 1_000_000
FRAME = 160  # samples of 20 ms

Pcm = NDArray[np.int16]


def speech(seconds: float, *, seed: int = 1, rate: int = 8000) -> Pcm:
    """Voiced sound with a wandering pitch, and a little noise that makes it unique."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    time = np.arange(count) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * time) + 10 * np.sin(2 * np.pi * 2.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    voice = np.asarray(voice) * (0.75 + 0.25 * np.sin(2 * np.pi * 3 * time))
    noise = random.normal(0, 60, count)
    return np.asarray(np.clip(4000 * voice + noise, -32000, 32000), dtype=np.int16)


def as_heard(pcm: Pcm) -> Pcm:
    """What mu-law leaves of it."""
    return np.frombuffer(g711.decode_ulaw(g711.encode_ulaw(pcm.tobytes())), dtype=np.int16)


@dataclass(slots=True)
class Sender:
    """Packets of a sound, 20 ms each by default; what they carry can be tampered with."""

    pcm: Pcm
    ssrc: int = 0x1234
    sequence: int = 100
    timestamp: int = 1000
    frame: int = FRAME
    payload_type: int = 0

    def packet(self, number: int, *, marker: bool = False) -> rtp.Packet:
        part = self.pcm[number * self.frame : (number + 1) * self.frame]
        return rtp.Packet(
            payload_type=self.payload_type,
            marker=marker,
            sequence=(self.sequence + number) % 2**16,
            timestamp=(self.timestamp + number * self.frame) % 2**32,
            ssrc=self.ssrc,
            payload=g711.encode_ulaw(part.tobytes()),
        )

    def packets(self) -> list[rtp.Packet]:
        return [self.packet(number) for number in range(len(self.pcm) // self.frame)]


def listener(rate: int = 8000) -> Stream:
    stream = Stream(rate=rate)
    stream.configure_receive({0: "pcmu", 8: "pcma", 101: "telephone-event", 13: "cn"})
    return stream


@dataclass(slots=True)
class Heard:
    """What a listener played, and how."""

    pcm: Pcm
    concealed: list[bool]
    verdicts: list[str]
    stream: Stream
    slot: int = FRAME
    events: list[tuple[object, ...]] = field(default_factory=list)

    def sources(self, sent: Pcm) -> list[int | None]:
        """For each frame, the sample of `sent` it begins with; None if it is not in there."""
        whole = sent.tobytes()
        found: list[int | None] = []
        for at in range(0, len(self.pcm), self.slot):
            part = self.pcm[at : at + self.slot]
            place = whole.find(part.tobytes()) if part.any() else -1
            found.append(place // 2 if place >= 0 and place % 2 == 0 else None)
        return found

    def counters(self) -> dict[str, float]:
        return self.stream.counters()


def play(
    arrivals: Iterable[tuple[float, rtp.Packet | bytes]],
    slots: int,
    *,
    stream: Stream | None = None,
    slot_ms: int = 20,
    phase_ms: float = 7.0,
    slot_times: Callable[[int], float | None] | None = None,
) -> Heard:
    """Let packets arrive (ms, packet) and play `slots` slots, the first at `phase_ms`.

    `slot_times` may say when a slot is played really, or None if it is left out.
    """
    stream = listener() if stream is None else stream
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    next_one = 0
    frames: list[bytes] = []
    concealed: list[bool] = []
    verdicts: list[str] = []
    events: list[tuple[object, ...]] = []
    samples = stream.rate * slot_ms // 1000
    for number in range(slots):
        now = phase_ms + number * slot_ms
        if slot_times is not None:
            moved = slot_times(number)
            if moved is None:
                continue
            now = moved
        while next_one < len(waiting) and waiting[next_one][0] <= now:
            at, packet = waiting[next_one]
            data = packet if isinstance(packet, bytes) else rtp.serialize(packet)
            verdicts.append(stream.receive(data, round(at * MS)))
            next_one += 1
        frame, _, made_up = stream.playout_flagged(round(now * MS), samples)
        frames.append(frame)
        concealed.append(made_up)
        while (event := stream.next_event()) is not None:
            events.append(event)
    pcm = np.frombuffer(b"".join(frames), dtype=np.int16)
    return Heard(pcm, concealed, verdicts, stream, samples, events)


def network(
    packets: Sequence[rtp.Packet],
    *,
    delays_ms: Sequence[float] | float = 0.0,
    lost: Iterable[int] = (),
    every_ms: float = 20.0,
) -> list[tuple[float, rtp.Packet]]:
    """When each packet arrives; `lost` are numbers of packets that never do."""
    gone = set(lost)
    delays = [delays_ms] * len(packets) if isinstance(delays_ms, int | float) else delays_ms
    return [
        (number * every_ms + delay, packet)
        for number, (packet, delay) in enumerate(zip(packets, delays, strict=True))
        if number not in gone
    ]

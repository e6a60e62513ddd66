"""The codecs that the receiver is judged with: sound into packets, and what it leaves of it.

The sender is the phone's own. Opus's is told what a far end would report of the path: every
five seconds, what was lost in them (RFC 3550).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._receiver.speech import RATE, WIDE_RATE, Pcm
from platypus._media import rtp
from platypus._media.codec import Decoder
from platypus._media.stream import Stream
from platypus.media import opus

REPORTED = 250  # packets


@dataclass(frozen=True, slots=True)
class Coding:
    """`rate` is of the sound sent and scored, `stream_rate` of the codec and what it plays."""

    name: str
    payload_type: int
    rate: int
    stream_rate: int

    @property
    def frame(self) -> int:
        """Samples of 20 ms of what is sent and scored."""
        return self.rate // 50

    @property
    def pesq(self) -> str:
        """P.862 with P.862.1's mapping, or P.862.2."""
        return "nb" if self.rate == RATE else "wb"

    def packets(self, pcm: Pcm, kept: NDArray[np.bool_] | None = None) -> list[bytes]:
        """One for every 20 ms of `pcm`; `kept` tells which of them arrive."""
        sound = at_rate(pcm, self.rate, self.stream_rate).tobytes()
        settings = {"fec": 1} if self.name == "opus" else None
        sender = Stream(ssrc=0x5EED, rate=self.stream_rate)
        sender.configure_send(self.payload_type, self.name, settings=settings)
        size = 2 * self.stream_rate // 50
        sent = []
        for number in range(len(sound) // size):
            if kept is not None and number and number % REPORTED == 0:
                sender.follow_loss(1.0 - float(kept[number - REPORTED : number].mean()))
            sent.append(sender.capture(sound[number * size : (number + 1) * size]))
        return sent

    def listener(self) -> Stream:
        stream = Stream(rate=self.stream_rate)
        stream.configure_receive({self.payload_type: self.name})
        return stream

    def heard(self, pcm: bytes) -> Pcm:
        """What the stream played, at the rate at which it is scored."""
        return at_rate(np.frombuffer(pcm, dtype=np.int16), self.stream_rate, self.rate)

    def left(self, pcm: Pcm) -> Pcm:
        """What the codec leaves of a sound where nothing is lost."""
        decoder = Decoder(self.name, self.stream_rate)
        parts = (decoder.decode(rtp.parse(packet).payload) for packet in self.packets(pcm))
        return self.heard(b"".join(parts))


PCMU = Coding("pcmu", 0, RATE, RATE)
G722 = Coding("g722", 9, WIDE_RATE, WIDE_RATE)
OPUS = Coding("opus", 107, WIDE_RATE, 48000)


def there_is(coding: Coding) -> bool:
    return coding is not OPUS or opus.available()


def at_rate(pcm: Pcm, rate: int, wanted: int) -> Pcm:
    """Brought to another rate by its spectrum: without any delay."""
    if rate == wanted:
        return pcm
    count = len(pcm) * wanted // rate
    spectrum = np.fft.rfft(pcm)
    size = count // 2 + 1
    spectrum = np.pad(spectrum[:size], (0, max(0, size - len(spectrum))))
    sound = np.fft.irfft(spectrum, count) * (wanted / rate)
    return np.asarray(np.clip(np.rint(sound), -32768, 32767), dtype=np.int16)

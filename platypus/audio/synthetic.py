"""Sources and sinks that need no sound card, by the names users give them.

    null            silence, and what is heard goes nowhere
    tone            a steady 1004 Hz, the test tone of telephony (ITU-T O.6 allows 1004 to 1020)
    echo            what is heard, sent back
    speech          a made-up voice, the same on every machine
    wav:FILE        a file from its first sample, then silence
    wav-loop:FILE   a file over and over

The virtual cable joins two streams: what one hears, the other says. None of this
runs in Python while a call lasts: the objects here only hold what the loop reads.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from difflib import get_close_matches

from platypus._media.endpoint import (
    BufferSource,
    EchoSource,
    NullSink,
    RingSink,
    RingSource,
    SilenceSource,
    Sink,
    Source,
    ToneSource,
)
from platypus._media.ring import Ring
from platypus.audio.files import read_wav
from platypus.errors import ConfigError

NAMES = ("null", "tone", "echo", "speech", "wav:FILE", "wav-loop:FILE")
TONE_HZ = 1004.0  # not 1000: at 8 kHz that would visit the same eight samples for ever
TONE_AMPLITUDE = 8192.0  # -12 dBFS, loud and far from clipping
SPEECH_SECONDS = 8.0
CABLE_MS = 200  # what one end may be ahead of the other before samples are dropped

# Formants of five vowels in Hz (Peterson and Barney, 1952, men), to be recognised as speech.
_VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)
_BANDWIDTHS = (80.0, 100.0, 140.0)
_SYLLABLE = 0.22  # seconds; 4 to 5 a second is the rate of every language
_PEAK = 12_000  # -9 dBFS


def make_source(name: str) -> Source:
    """The source called `name`. Blocks while it reads a file.

    Raises `ConfigError` for a name that isn't one, `AudioFileError` for a bad file.
    """
    kind, colon, path = name.partition(":")
    if colon and kind in ("wav", "wav-loop") and path:
        wav = read_wav(path)
        return BufferSource(wav.pcm, wav.rate, loop=kind == "wav-loop")
    match name:
        case "null":
            return SilenceSource()
        case "tone":
            return ToneSource([(TONE_HZ, TONE_AMPLITUDE)])
        case "echo":
            return EchoSource()
        case "speech":
            return BufferSource(speech(SPEECH_SECONDS), 8000, loop=True)
    close = get_close_matches(name, ("null", "tone", "echo", "speech", "wav:", "wav-loop:"), 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(NAMES)}"
    raise ConfigError(f"unknown audio source {name!r}", hint=hint)


class VirtualCable:
    """Joins two streams back to back, each hearing the other.

    `left` and `right` are the source and sink to give to one stream each.
    """

    def __init__(self, rate: int = 8000) -> None:
        there, back = (Ring(rate * CABLE_MS // 1000) for _ in range(2))
        self.left: tuple[Source, Sink] = (RingSource(back, rate), RingSink(there, rate))
        self.right: tuple[Source, Sink] = (RingSource(there, rate), RingSink(back, rate))


def null_sink() -> Sink:
    return NullSink()


def speech(seconds: float, rate: int = 8000) -> bytes:
    """A speech-like signal: int16, mono, `rate` samples a second, the same at every call.

    Syllables of a gliding pitch through three formants, some hissing, some pauses: the
    levels and the spectrum of a voice, so that a codec, a concealment or a level meter
    has something real to do. Nobody's voice and no words.
    """
    total = round(seconds * rate)
    length = round(_SYLLABLE * rate)
    samples: list[float] = []
    noise = _noise()
    for index in range(-(-total // length)):
        samples += _syllable(index, length, rate, noise)
    del samples[total:]
    loudest = max(map(abs, samples), default=0.0) or 1.0
    return array("h", (round(each * _PEAK / loudest) for each in samples)).tobytes()


def _syllable(index: int, length: int, rate: int, noise: Iterator[float]) -> list[float]:
    if index % 7 == 6:
        return [0.0] * length  # a breath
    excitation = _hiss(length, noise) if index % 5 == 4 else _voice(index, length, rate)
    vowel = _VOWELS[index % len(_VOWELS)]
    for formant, bandwidth in zip(vowel, _BANDWIDTHS, strict=True):
        excitation = _resonate(excitation, formant, bandwidth, rate)
    step = math.pi / length
    return [each * math.sin(step * place) ** 0.5 for place, each in enumerate(excitation)]


def _voice(index: int, length: int, rate: int) -> list[float]:
    """Glottal pulses whose pitch falls over a sentence and wavers in a syllable."""
    pulses, phase = [0.0] * length, 0.0
    base = 140.0 - 6.0 * (index % 7)
    for place in range(length):
        phase += (base + 12.0 * math.sin(2 * math.pi * place / length)) / rate
        if phase >= 1.0:
            phase -= 1.0
            pulses[place] = 1.0
    return pulses


def _hiss(length: int, noise: Iterator[float]) -> list[float]:
    return [0.2 * next(noise) for _ in range(length)]


def _resonate(samples: list[float], hz: float, bandwidth: float, rate: int) -> list[float]:
    """A two-pole resonator of unit gain at zero frequency (Klatt, 1980)."""
    radius = math.exp(-math.pi * bandwidth / rate)
    b = 2 * radius * math.cos(2 * math.pi * hz / rate)
    c = -radius * radius
    a = 1 - b - c
    last = before = 0.0
    out = []
    for each in samples:
        last, before = a * each + b * last + c * before, last
        out.append(last)
    return out


def _noise() -> Iterator[float]:
    """The generator of Numerical Recipes: `random` may change between versions of Python."""
    state = 1
    while True:
        state = (1_664_525 * state + 1_013_904_223) & 0xFFFFFFFF
        yield state / 2**31 - 1.0

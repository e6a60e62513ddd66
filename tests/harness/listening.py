"""Audio compared by content: signals to send, and where in a recording they are and how well.

The levels of G.711 come from the standard's decoding tables, not from the phone's own codec.
"""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
RATE = 8000
_TABLES = json.loads((Path(__file__).parent.parent / "data" / "g711_vectors.json").read_text())


def speech(seconds: float, *, seed: int, rate: int = RATE) -> Pcm:
    """A voice-like signal: its pitch, loudness and colour change with every syllable."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    syllables = np.arange(0, seconds + 1, 0.18)
    pitch = np.interp(time, syllables, rng.uniform(90, 220, len(syllables)))
    loudness = np.interp(time, syllables, rng.uniform(0.02, 1.0, len(syllables)))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = rng.normal(0, 0.05, len(time))
    for harmonic in range(1, 15):
        colour = np.interp(time, syllables, rng.uniform(0, 1, len(syllables)))
        voice += colour * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi)) / np.sqrt(harmonic)
    return np.clip(voice * loudness * 5000, -32000, 32000).astype(np.int16)


def noise(seconds: float, rate: int, *, seed: int = 7) -> Pcm:
    """Noise up to 1500 Hz: what G.711 carries, and what is like itself at no other time.

    The same at every rate, but for its number of samples.
    """
    narrow = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(narrow))
    spectrum[np.fft.rfftfreq(narrow, 1 / RATE) > 1500] = 0
    wide = np.zeros(int(seconds * rate) // 2 + 1, dtype=complex)
    wide[: len(spectrum)] = spectrum
    samples = np.fft.irfft(wide, int(seconds * rate))
    return (samples / np.abs(samples).max() * 16_000).astype(np.int16)


def write_wav(path: Path, samples: Pcm, *, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> Pcm:
    """The first channel; a file that is still being written is read as far as it goes."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[36:40] == b"data", f"{path} has no plain 44-byte header"
    channels = int.from_bytes(data[22:24], "little")
    body = data[44:]
    return np.frombuffer(body[: len(body) // 2 * 2], "<i2")[::channels].astype(np.int16)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a reference begins in a recording, and the ratio of signal to difference there."""

    offset: int
    snr_db: float
    exact: bool
    compared: int


def find(reference: Pcm, heard: Pcm) -> Match:
    """The reference in the recording, by cross-correlation; infinite `snr_db` is bit-exact."""
    assert len(reference) and len(heard), "nothing to compare"
    size = 1 << (len(reference) + len(heard) - 1).bit_length()
    transforms = [np.fft.rfft(signal.astype(float), size) for signal in (heard, reference)]
    correlation = np.fft.irfft(transforms[0] * np.conj(transforms[1]), size)[: len(heard)]
    offset = int(np.argmax(correlation))
    part = heard[offset : offset + len(reference)].astype(float)
    wanted = reference[: len(part)].astype(float)
    difference = float(np.sum((part - wanted) ** 2))
    power = float(np.sum(wanted**2))
    snr = float("inf") if difference == 0 else 10 * np.log10(power / difference) if power else 0.0
    return Match(offset, float(snr), difference == 0, len(part))


def find_second(reference: Pcm, heard: Pcm) -> Match:
    """The second of the reference that came best.

    A machine that stood still makes a receiver stretch or conceal once, and all before and after
    it is whole: what a codec or a lost packet spoils is spoilt in every second.
    """
    seconds = [reference[at : at + RATE] for at in range(0, len(reference) - RATE + 1, RATE)]
    return max((find(second, heard) for second in seconds), key=lambda match: match.snr_db)


def levels(samples: Pcm, codec: str) -> Pcm:
    """The nearest levels that a law of G.711 has (`pcmu` or `pcma`).

    Encoders may round differently between two levels, but a level must come back as it was: a
    signal made of levels alone arrives bit-exact through any right pair of codecs. Zero is left
    out: mu-law has two of it, and baresip 1.0.0 decodes one as 2.
    """
    table = np.array(_TABLES[{"pcmu": "ulaw_decode", "pcma": "alaw_decode"}[codec]])
    table = np.unique(table[table != 0]).astype(np.int32)
    right = np.clip(np.searchsorted(table, samples), 1, len(table) - 1)
    lower, upper = table[right - 1], table[right]
    return np.where(samples - lower < upper - samples, lower, upper).astype(np.int16)

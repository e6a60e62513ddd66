"""Recorded speech, from Debian packages: nothing of it is kept here.

`asterisk-core-sounds-*-wav` (prompts read by professional speakers) and `codec2-examples`
(everyday recordings). Each speaker is 16 s, at the level of a telephone call. The two halves
are by different speakers: what is tuned on one is checked on the other.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
SECONDS = 16
LEAD_SECONDS = 2
LEVEL = 10 ** (-26 / 20) * 32768  # -26 dBov while speaking (ITU-T P.56 in outline)

Pcm = NDArray[np.int16]

ASTERISK = Path("/usr/share/asterisk/sounds")
CODEC2 = Path("/usr/share/codec2")


@dataclass(frozen=True, slots=True)
class Speaker:
    """A file, or a folder of prompts of which the longer ones are read."""

    name: str
    path: Path
    skip_s: float = 0.0


SPEAKERS = {
    "tune": (
        Speaker("spanish, female", ASTERISK / "es_MX_f_Allison"),
        Speaker("italian, male", ASTERISK / "it_IT_m_Carlo"),
        Speaker("english, male", CODEC2 / "wav/david4.wav"),
        Speaker("english, several", CODEC2 / "raw/hts.raw", 4.0),
    ),
    "check": (
        Speaker("russian, female", ASTERISK / "ru_RU_f_IvrvoiceRU"),
        Speaker("english, male", CODEC2 / "raw/ve9qrp.raw", 8.0),
        Speaker("french, female", ASTERISK / "fr_CA_f_June"),
        Speaker("english, female", ASTERISK / "en_US_f_Allison"),
    ),
}
PACKAGES = {
    "tune": "asterisk-core-sounds-es-wav asterisk-core-sounds-it-wav codec2-examples",
    "check": "asterisk-core-sounds-ru-wav asterisk-core-sounds-fr-wav asterisk-core-sounds-en-wav"
    " codec2-examples",
}


def samples(path: Path) -> NDArray[np.float64]:
    if path.suffix == ".raw":
        return np.fromfile(path, dtype="<i2").astype(np.float64)
    with wave.open(str(path)) as file:
        if file.getframerate() != RATE or file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise SystemExit(f"{path} is not 16 bit, mono, {RATE} Hz")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)


def prompts(folder: Path, seconds: float) -> NDArray[np.float64]:
    """The prompts of a folder in order, the short ones left out, half a second apart."""
    parts: list[NDArray[np.float64]] = []
    total = 0
    for path in sorted(folder.rglob("*.wav")):
        if not 60_000 < path.stat().st_size < 240_000 or "music" in str(path):
            continue
        parts += [samples(path), np.zeros(RATE // 2)]
        total += len(parts[-2]) + RATE // 2
        if total >= seconds * RATE:
            break
    return np.concatenate(parts) if parts else np.zeros(0)


def levelled(sound: NDArray[np.float64]) -> Pcm:
    """At the level of a call, by its louder blocks of 20 ms."""
    blocks = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = (blocks**2).mean(axis=1)
    active = power[power > 0.02 * np.quantile(power, 0.95)]
    sound = sound * (LEVEL / np.sqrt(active.mean()))
    return np.asarray(np.clip(np.rint(sound), -32000, 32000), dtype=np.int16)


def read(speaker: Speaker) -> Pcm:
    if not speaker.path.exists():
        raise SystemExit(
            f"no speech at {speaker.path}; on Debian: apt-get install {' '.join(PACKAGES.values())}"
        )
    count, skip = SECONDS * RATE, round(speaker.skip_s * RATE)
    if speaker.path.is_dir():
        sound = prompts(speaker.path, speaker.skip_s + SECONDS)
    else:
        sound = samples(speaker.path)
    if len(sound) < skip + count:
        raise SystemExit(f"{speaker.path} has less than {speaker.skip_s + SECONDS} s of speech")
    return levelled(sound[skip : skip + count])


@cache
def speech(half: str) -> Pcm:
    """All speakers of a half, one after the other, after a little silence as calls begin with."""
    silence = np.random.default_rng(1).normal(0.0, 3.0, LEAD_SECONDS * RATE).astype(np.int16)
    return np.concatenate([silence, *(read(speaker) for speaker in SPEAKERS[half])])

"""Recorded speech, from Debian packages: nothing of it is kept here.

`asterisk-core-sounds-*-wav` (prompts read by professional speakers) and `codec2-examples`
(everyday recordings). Each speaker is 16 s, at the level of a telephone call. The two halves
are by different speakers: what is tuned on one is checked on the other. "other" is speech that
nothing was ever chosen by: other voices where there are some, else other sentences.

Wide-band speech is in the prompts as G.722 (`asterisk-core-sounds-*-g722`): what that coding
left of it is what is sent here, and what is compared with.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from platypus._media import g722

RATE = 8000
WIDE_RATE = 16000
SECONDS = 16
LEAD_SECONDS = 2
BEGINNING_SECONDS = 8
CALL_SECONDS = 15  # some speakers begin late in their 16 s
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
    "other": (
        Speaker("italian, female", ASTERISK / "it_IT_f_Menardi"),
        Speaker("english, male, later", CODEC2 / "raw/ve9qrp.raw", 60.0),
        Speaker("english, many", CODEC2 / "wav/all.wav"),
        Speaker("french, female, later", ASTERISK / "fr_CA_f_June", 40.0),
    ),
}
WIDE_SPEAKERS = {
    "tune": (
        Speaker("spanish, female", ASTERISK / "es_MX_f_Allison"),
        Speaker("italian, male", ASTERISK / "it_IT_m_Carlo"),
        Speaker("spanish, female, later", ASTERISK / "es_MX_f_Allison", 16.0),
        Speaker("italian, male, later", ASTERISK / "it_IT_m_Carlo", 16.0),
    ),
    "check": (
        Speaker("russian, female", ASTERISK / "ru_RU_f_IvrvoiceRU"),
        Speaker("french, female", ASTERISK / "fr_CA_f_June"),
        Speaker("english, female", ASTERISK / "en_US_f_Allison"),
        Speaker("russian, female, later", ASTERISK / "ru_RU_f_IvrvoiceRU", 16.0),
    ),
    "other": (
        Speaker("italian, male, still later", ASTERISK / "it_IT_m_Carlo", 40.0),
        Speaker("french, female, later", ASTERISK / "fr_CA_f_June", 40.0),
        Speaker("english, female, later", ASTERISK / "en_US_f_Allison", 40.0),
        Speaker("spanish, female, still later", ASTERISK / "es_MX_f_Allison", 40.0),
    ),
}
PACKAGES = "codec2-examples and asterisk-core-sounds-LL-wav and -g722, LL in es it ru fr en"


def samples(path: Path) -> NDArray[np.float64]:
    if path.suffix == ".raw":
        return np.fromfile(path, dtype="<i2").astype(np.float64)
    if path.suffix == ".g722":
        heard = g722.Decoder().decode(path.read_bytes())
        return np.frombuffer(heard, dtype=np.int16).astype(np.float64)
    with wave.open(str(path)) as file:
        if file.getframerate() != RATE or file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise SystemExit(f"{path} is not 16 bit, mono, {RATE} Hz")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)


def prompts(folder: Path, rate: int, seconds: float) -> NDArray[np.float64]:
    """The prompts of a folder in order, the short ones left out, half a second apart."""
    suffix, octets = (".wav", 2 * RATE) if rate == RATE else (".g722", rate // 2)
    parts: list[NDArray[np.float64]] = []
    total = 0
    for path in sorted(folder.rglob(f"*{suffix}")):
        if not 3.75 * octets < path.stat().st_size < 15 * octets or "music" in str(path):
            continue
        parts += [samples(path), np.zeros(rate // 2)]
        total += len(parts[-2]) + rate // 2
        if total >= seconds * rate:
            break
    return np.concatenate(parts) if parts else np.zeros(0)


def levelled(sound: NDArray[np.float64], rate: int) -> Pcm:
    """At the level of a call, by its louder blocks of 20 ms."""
    block = rate // 50
    power = (sound[: len(sound) // block * block].reshape(-1, block) ** 2).mean(axis=1)
    active = power[power > 0.02 * np.quantile(power, 0.95)]
    sound = sound * (LEVEL / np.sqrt(active.mean()))
    return np.asarray(np.clip(np.rint(sound), -32000, 32000), dtype=np.int16)


def read(speaker: Speaker, rate: int) -> Pcm:
    if not speaker.path.exists():
        raise SystemExit(f"no speech at {speaker.path}; Debian has it: {PACKAGES}")
    count, skip = SECONDS * rate, round(speaker.skip_s * rate)
    if speaker.path.is_dir():
        sound = prompts(speaker.path, rate, speaker.skip_s + SECONDS)
    else:
        sound = samples(speaker.path)
    if len(sound) < skip + count:
        raise SystemExit(
            f"{speaker.path} has less than {speaker.skip_s + SECONDS} s of speech at {rate} Hz;"
            f" Debian has more: {PACKAGES}"
        )
    return levelled(sound[skip : skip + count], rate)


@cache
def speech(half: str, rate: int = RATE) -> Pcm:
    """All speakers of a half, one after the other, after a little silence as calls begin with."""
    silence = np.random.default_rng(1).normal(0.0, 3.0, LEAD_SECONDS * rate).astype(np.int16)
    speakers = SPEAKERS if rate == RATE else WIDE_SPEAKERS
    return np.concatenate([silence, *(read(speaker, rate) for speaker in speakers[half])])


@cache
def calls(half: str, rate: int = RATE) -> tuple[Pcm, ...]:
    """A call for each speaker of a half, with a moment's silence before the first word."""
    silence = np.random.default_rng(1).normal(0.0, 3.0, rate * 2 // 5).astype(np.int16)
    speakers = SPEAKERS if rate == RATE else WIDE_SPEAKERS
    sounds = (from_first_word(read(speaker, rate), rate) for speaker in speakers[half])
    return tuple(np.concatenate([silence, sound])[: CALL_SECONDS * rate] for sound in sounds)


@cache
def beginnings(half: str, rate: int = RATE) -> tuple[Pcm, ...]:
    """What each speaker says first, as in a call that begins in the midst of it."""
    speakers = SPEAKERS if rate == RATE else WIDE_SPEAKERS
    sounds = (read(speaker, rate) for speaker in speakers[half])
    return tuple(from_first_word(sound, rate)[: BEGINNING_SECONDS * rate] for sound in sounds)


def from_first_word(sound: Pcm, rate: int) -> Pcm:
    frame = rate // 50
    whole = sound[: len(sound) // frame * frame].astype(float)
    power = (whole.reshape(-1, frame) ** 2).mean(axis=1)
    return sound[int(np.flatnonzero(power > LEVEL**2 / 10)[0]) * frame :]

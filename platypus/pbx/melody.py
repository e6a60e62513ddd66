"""What the PBX plays: digits and melodies, computed, as int16 mono samples at 8 kHz.

The tunes are made up here; nobody's rights are in them. A note is computed once and
used wherever it comes again, so that making one costs milliseconds.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from functools import lru_cache

RATE = 8000
A4 = 440.0
AMPLITUDE = 6000.0  # about -15 dBFS: as loud as a speaker, and far from clipping
# Overtones of a plucked string, and how fast a note fades: pleasant after a codec.
OVERTONES = (1.0, 0.35, 0.15, 0.05)
FADE_SECONDS = 0.35
ATTACK_SECONDS = 0.008  # shorter clicks

# (semitones above A4 or None for a rest, beats)
Note = tuple[int | None, float]

MESSAGE: tuple[Note, ...] = (
    (-9, 1), (-5, 1), (-2, 1), (3, 2), (None, 0.5), (-2, 1), (3, 3), (None, 1),
)  # fmt: skip
MUSIC: tuple[Note, ...] = (
    (-9, 1), (-5, 1), (-2, 1), (-5, 1), (0, 1), (-4, 1), (-2, 2),
    (-7, 1), (-4, 1), (0, 1), (-4, 1), (-2, 1), (-5, 1), (-9, 2),
    (3, 1), (0, 1), (-2, 1), (-5, 1), (-4, 1), (-2, 1), (0, 2),
    (-2, 1), (-5, 1), (-7, 1), (-10, 1), (-9, 3), (None, 1),
)  # fmt: skip

# ITU-T Q.23: each key is a low tone and a high one.
_LOW = (697.0, 770.0, 852.0, 941.0)
_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
_KEYS = "123A456B789C*0#D"


@lru_cache(maxsize=4)
def melody(notes: tuple[Note, ...], beat: float = 0.25) -> bytes:
    """The samples of a tune; `beat` in seconds."""
    samples = array("h")
    for semitones, beats in notes:
        samples += _note(semitones, round(beats * beat * RATE))
    return samples.tobytes()


@lru_cache(maxsize=64)
def _note(semitones: int | None, length: int) -> array[int]:
    if semitones is None:
        return array("h", bytes(2 * length))
    step = 2 * math.pi * A4 * 2 ** (semitones / 12) / RATE
    fade, attack = FADE_SECONDS * RATE, ATTACK_SECONDS * RATE
    scale = AMPLITUDE / sum(OVERTONES)
    return array(
        "h",
        (
            round(
                scale
                * min(1.0, n / attack, (length - n) / attack)
                * math.exp(-n / fade)
                * sum(
                    level * math.sin(step * (order + 1) * n)
                    for order, level in enumerate(OVERTONES)
                )
            )
            for n in range(length)
        ),
    )


@lru_cache(maxsize=1)
def ringback() -> bytes:
    """425 Hz, the ringing tone of most countries (ITU-T E.180), to be played over and over.

    A second on and a second off is quicker than a real one, to be heard in a short test.
    """
    step = 2 * math.pi * 425 / RATE
    tone = array("h", (round(AMPLITUDE * math.sin(step * n)) for n in range(RATE)))
    return tone.tobytes() + bytes(2 * RATE)


def spoken_digits(digits: Iterable[str], *, on_ms: int = 160, off_ms: int = 120) -> bytes:
    """Each digit as its pair of tones (ITU-T Q.23), one after another."""
    samples = array("h")
    for digit in digits:
        samples += _key(digit, on_ms * RATE // 1000)
        samples += array("h", bytes(2 * (off_ms * RATE // 1000)))
    return samples.tobytes()


@lru_cache(maxsize=16)
def _key(digit: str, length: int) -> array[int]:
    row, column = divmod(_KEYS.index(digit), 4)
    low, high = (2 * math.pi * hz / RATE for hz in (_LOW[row], _HIGH[column]))
    level = AMPLITUDE / 2
    return array(
        "h", (round(level * (math.sin(low * n) + math.sin(high * n))) for n in range(length))
    )

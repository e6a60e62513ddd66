"""The tones of telephony by country, as data, and how they become samples.

Frequencies and cadences are those that administrations told the ITU (ITU-T E.180, supplement 2);
a country that is not here has the values E.180 itself recommends. The special information tone
is the same everywhere (E.180, 5). What a bell sounds like is left to telephones, its cadence is
the country's. Digits are ITU-T Q.23. When a tone is due is not decided here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from platypus._media.resample import Resampler
from platypus._media.tone import Tone, amplitude_of
from platypus.audio.files import Wav
from platypus.errors import ConfigError

Sines: TypeAlias = tuple[tuple[float, float], ...]  # (Hz, share of the amplitude)
Part: TypeAlias = tuple[Sines, int]  # and milliseconds; no sines are a pause
Cadence: TypeAlias = tuple[Part, ...]

LEVEL_DBM0 = -16.0  # of a tone in the ear: E.180 asks for -5 to -15 at the exchange
BELL_DBM0 = -8.0
DIGIT_DBM0 = -20.0
EDGE_MS = 4  # a sine that is cut on clicks
BELL_HZ = (1046.5, 1318.5)
WARBLE_MS = 40
DIGIT_MS = 120  # in the ear: how long the far end hears it is another matter
DIGIT_GAP_MS = 60
FILE_PAUSE_MS = 1500


@dataclass(frozen=True, slots=True)
class TonePlan:
    """One country's. `ring_ms` are the times of the bell, on and off."""

    country: str
    ringback: Cadence
    busy: Cadence
    congestion: Cadence
    waiting: Cadence
    ring_ms: tuple[int, ...] = (1000, 4000)


def _beat(hz: float | tuple[float, ...] | Sines, *times_ms: int) -> Cadence:
    """A tone on, off, on, ..."""
    each = hz if isinstance(hz, tuple) else (hz,)
    sines = tuple(one if isinstance(one, tuple) else (one, 1.0) for one in each)
    return tuple((sines if n % 2 == 0 else (), time) for n, time in enumerate(times_ms))


def _modulated(hz: float, by: float) -> Sines:
    """A carrier whose loudness swings by nine tenths: two side bands."""
    return ((hz, 1.0), (hz - by, 0.45), (hz + by, 0.45))


def _usual(
    country: str,
    hz: float,
    ring: tuple[int, ...],
    busy: int,
    congestion: int,
    waiting: tuple[int, ...],
) -> TonePlan:
    """One frequency for all, busy and congestion as long on as off."""
    return TonePlan(
        country,
        _beat(hz, *ring),
        _beat(hz, busy, busy),
        _beat(hz, congestion, congestion),
        _beat(hz, *waiting),
        ring,
    )


_DOUBLE = (400, 200, 400, 2000)
INFORMATION: Cadence = (
    *(((((hz, 1.0),), 330)) for hz in (950.0, 1400.0, 1800.0)),
    ((), 1000),
)
RECOMMENDED = _usual("E.180", 425, (1000, 4000), 500, 250, (200, 600, 200, 9000))
PLANS: dict[str, TonePlan] = {
    "at": _usual("Austria", 420, (1000, 5000), 400, 200, (40, 1960)),
    "au": TonePlan(
        "Australia",
        _beat((413.0, 438.0), *_DOUBLE),
        _beat(425, 375, 375),
        _beat(425, 375, 375),
        _beat(425, 200, 200, 200, 4400),
        _DOUBLE,
    ),
    "be": TonePlan(
        "Belgium",
        _beat(425, 1000, 3000),
        _beat(425, 500, 500),
        _beat(425, 167, 167),
        _beat(1400, 175, 175, 175, 3500),
        (1000, 3000),
    ),
    "bg": _usual("Bulgaria", 425, (1000, 4000), 500, 250, (150, 150, 150, 4000)),
    "br": TonePlan(
        "Brazil",
        _beat(425, 1000, 4000),
        _beat(425, 250, 250),
        _beat(425, 250, 250, 750, 250),
        _beat(425, 50, 1000),
    ),
    "ch": _usual("Switzerland", 425, (1000, 4000), 500, 200, (200, 200, 200, 4000)),
    "cl": _usual("Chile", 400, (1000, 3000), 500, 200, (250, 8750)),
    "cn": _usual("China", 450, (1000, 4000), 350, 700, (400, 4000)),
    "cz": _usual("Czechia", 425, (1000, 4000), 330, 165, (330, 9000)),
    "de": _usual("Germany", 425, (1000, 4000), 480, 240, (200, 200, 200, 5000)),
    "dk": _usual("Denmark", 425, (1000, 4000), 500, 200, (200, 600, 200, 3000)),
    "ee": _usual("Estonia", 425, (1000, 4000), 300, 200, (200, 600, 200, 9000)),
    "es": TonePlan(
        "Spain",
        _beat(425, 1500, 3000),
        _beat(425, 200, 200),
        _beat(425, 200, 200, 200, 200, 200, 600),
        _beat(425, 175, 175, 175, 3500),
        (1500, 3000),
    ),
    "fi": _usual("Finland", 425, (1000, 4000), 300, 200, (150, 150, 150, 8000)),
    "fr": _usual("France", 440, (1500, 3500), 500, 250, (300, 10_000)),
    "gb": TonePlan(
        "United Kingdom",
        _beat((400.0, 450.0), *_DOUBLE),
        _beat(400, 375, 375),
        _beat(400, 400, 350, 225, 525),
        _beat(400, 100, 4000),
        _DOUBLE,
    ),
    "gr": _usual("Greece", 425, (1000, 4000), 300, 200, (150, 150, 150, 8000)),
    "hu": _usual("Hungary", 425, (1250, 3750), 300, 300, (40, 1960)),
    "il": _usual("Israel", 414, (1000, 3000), 500, 250, (100, 100, 100, 100, 600, 3000)),
    "in": TonePlan(
        "India",
        _beat(_modulated(400, 25), *_DOUBLE),
        _beat(400, 750, 750),
        _beat(400, 250, 250),
        _beat(400, 200, 100, 200, 7500),
        _DOUBLE,
    ),
    "it": _usual("Italy", 425, (1000, 4000), 500, 200, (400, 100, 250, 100, 150, 14_000)),
    "jp": TonePlan(
        "Japan",
        _beat(_modulated(400, 16), 1000, 2000),
        _beat(400, 500, 500),
        _beat(400, 500, 500),
        _beat(_modulated(400, 16), 500, 8000),
        (1000, 2000),
    ),
    "lt": _usual("Lithuania", 425, (1000, 4000), 350, 200, (150, 150, 150, 4000)),
    "mx": _usual("Mexico", 425, (1000, 4000), 250, 250, (200, 600, 200, 10_000)),
    "nl": _usual("Netherlands", 425, (1000, 4000), 500, 250, (500, 9500)),
    "no": _usual("Norway", 425, (1000, 4000), 500, 200, (200, 600, 200, 10_000)),
    "nz": TonePlan(
        "New Zealand",
        _beat((400.0, 450.0), *_DOUBLE),
        _beat(400, 500, 500),
        _beat(400, 250, 250),
        _beat(400, 200, 3000),
        _DOUBLE,
    ),
    "pl": _usual("Poland", 425, (1000, 4000), 500, 500, (150, 150, 150, 4000)),
    "pt": _usual("Portugal", 425, (1000, 5000), 500, 200, (200, 200, 200, 5000)),
    "se": TonePlan(
        "Sweden",
        _beat(425, 1000, 5000),
        _beat(425, 250, 250),
        _beat(425, 250, 750),
        _beat(425, 200, 500, 200, 9000),
        (1000, 5000),
    ),
    "us": TonePlan(
        "United States and Canada",
        _beat((440.0, 480.0), 2000, 4000),
        _beat((480.0, 620.0), 500, 500),
        _beat((480.0, 620.0), 250, 250),
        _beat(440, 300, 9700),
        (2000, 4000),
    ),
}
SAME_AS = {"ca": "us", "ie": "gb", "uk": "gb"}


def plan_for(country: str | None, locale: str = "") -> TonePlan:
    """Of a country by its two letters, or where None, of a locale such as `de_DE.UTF-8`.

    ConfigError lists the countries there are; a locale may be anything.
    """
    if country is None:
        territory = locale.partition(".")[0].partition("_")[2].lower()
        return PLANS.get(SAME_AS.get(territory, territory), RECOMMENDED)
    code = country.lower()
    plan = PLANS.get(SAME_AS.get(code, code))
    if plan is None:
        known = ", ".join(sorted([*PLANS, *SAME_AS]))
        raise ConfigError(f"there are no tones for {country!r}", hint=f"there are {known}")
    return plan


def render(cadence: Cadence, rate: int, *, dbm0: float = LEVEL_DBM0) -> bytes:
    """One round of a cadence: int16, mono. Each of the sines together is at `dbm0`."""
    return b"".join(_part(sines, time, rate, dbm0) for sines, time in cadence)


def render_bell(plan: TonePlan, rate: int) -> bytes:
    """One round of the bell: two notes in turn, by the country's times."""
    strokes: list[Part] = []
    for index, time in enumerate(plan.ring_ms):
        if index % 2:
            strokes.append(((), time))
            continue
        notes = [((hz, 1.0),) for hz in BELL_HZ]
        strokes += [(notes[n % 2], WARBLE_MS) for n in range(time // WARBLE_MS)]
    return render(tuple(strokes), rate, dbm0=BELL_DBM0)


def render_file(wav: Wav, rate: int) -> bytes:
    """A ring tone of the user's own, and a pause."""
    pcm = wav.pcm if wav.rate == rate else Resampler(wav.rate, rate).process(wav.pcm)
    return pcm + bytes(2 * rate * FILE_PAUSE_MS // 1000)


def render_digits(digits: Iterable[str], rate: int) -> bytes:
    """Keys one after another, as they are heard by whoever presses them."""
    pause = bytes(2 * (rate * DIGIT_GAP_MS // 1000))
    tones = [Tone.dtmf(digit, rate, dbm0=DIGIT_DBM0) for digit in digits]
    return b"".join(_soft(tone.read(rate * DIGIT_MS // 1000), rate) + pause for tone in tones)


def _part(sines: Sines, time_ms: int, rate: int, dbm0: float) -> bytes:
    count = rate * time_ms // 1000
    if not sines:
        return bytes(2 * count)
    amplitude = amplitude_of(dbm0)
    tone = Tone([(hz, share * amplitude) for hz, share in sines], rate)
    return _soft(tone.read(count), rate)


def _soft(pcm: bytes, rate: int) -> bytes:
    samples = array("h", pcm)
    edge = min(rate * EDGE_MS // 1000, len(samples) // 2)
    for index in range(edge):
        samples[index] = samples[index] * index // edge
        samples[-1 - index] = samples[-1 - index] * index // edge
    return samples.tobytes()

"""Tones: up to four sines together, steady or in a cadence (on, off, on, ...).

Each sine runs by the recurrence y[n] = 2 cos(w) y[n-1] - y[n-2], and is set right from
its phase every 4,096 samples, so that its amplitude is exact for ever. Levels are in
dBm0, where 3.14 dBm0 is a sine at full scale (ITU-T G.711, table 5: A-law; mu-law's
3.17 differs by 0.03 dB).

Detecting tones is not here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport M_PI, fmod, rint, sin, cos
from libc.stdint cimport int16_t, int64_t
from libc.string cimport memset


cdef enum:
    REFRESH = 4096
    MAX_SAMPLES = 1 << 26    # 140 s at 480 kHz: of one call to `read`

FULL_SCALE_DBM0 = 3.14
# ITU-T Q.23: row and column.
DTMF_ROWS = (697.0, 770.0, 852.0, 941.0)
DTMF_COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
DTMF_KEYS = "123A456B789C*0#D"


cdef void set_right(tone_t *tone) noexcept nogil:
    """The last two samples of each sine, from its phase."""
    cdef int part
    cdef double phase
    for part in range(tone.parts):
        phase = fmod(tone.step[part] * <double>tone.position, 2.0 * M_PI)
        tone.last[part] = tone.amplitude[part] * sin(phase - tone.step[part])
        tone.before[part] = tone.amplitude[part] * sin(phase - 2.0 * tone.step[part])


cdef int tone_init(tone_t *tone, int rate, const double *hz, const double *amplitudes, int parts,
                   const int *cadence_ms, int cadence_count) noexcept nogil:
    """Set up a tone that begins at phase 0; -1 if it makes no sense."""
    cdef int i
    memset(tone, 0, sizeof(tone_t))
    if rate < 1 or not 0 <= parts <= TONE_PARTS or not 0 <= cadence_count <= TONE_CADENCE:
        return -1
    tone.rate = rate
    tone.parts = parts
    for i in range(parts):
        if not 0.0 < hz[i] < rate / 2.0 or not 0.0 <= amplitudes[i] <= 32767.0:
            return -1
        tone.step[i] = 2.0 * M_PI * hz[i] / rate
        tone.cosine[i] = 2.0 * cos(tone.step[i])
        tone.amplitude[i] = amplitudes[i]
    tone.cadence_count = cadence_count
    for i in range(cadence_count):
        if cadence_ms[i] < 1:
            return -1
        tone.cadence[i] = <int64_t>cadence_ms[i] * rate // 1000
    tone.cadence_left = tone.cadence[0]
    set_right(tone)
    return 0


cdef double next_sum(tone_t *tone) noexcept nogil:
    cdef double total = 0.0, value
    cdef int part
    for part in range(tone.parts):
        value = tone.cosine[part] * tone.last[part] - tone.before[part]
        tone.before[part] = tone.last[part]
        tone.last[part] = value
        total += value
    tone.position += 1
    if tone.position % REFRESH == 0:
        set_right(tone)
    return total


cdef int is_on(tone_t *tone) noexcept nogil:
    """Whether the cadence lets the next sample be heard; odd times are pauses."""
    cdef int on
    if tone.cadence_count == 0:
        return 1
    while tone.cadence_left <= 0:
        tone.cadence_at = (tone.cadence_at + 1) % tone.cadence_count
        tone.cadence_left = max(1, tone.cadence[tone.cadence_at])
    tone.cadence_left -= 1
    on = not tone.cadence_at & 1
    return on


cdef void tone_fill(tone_t *tone, int16_t *out, int count) noexcept nogil:
    """The next samples; a sum beyond full scale is clipped."""
    cdef int i
    cdef double value
    for i in range(count):
        value = next_sum(tone)
        if not is_on(tone):
            value = 0.0
        out[i] = <int16_t>max(-32768.0, min(32767.0, rint(value)))


def amplitude_of(double dbm0) -> float:
    """The amplitude of a sine at a level in dBm0."""
    return 32767.0 * 10.0 ** ((dbm0 - FULL_SCALE_DBM0) / 20.0)


def dtmf_frequencies(key) -> tuple:
    """The row and column of a key (0-9, A-D, *, #); ValueError for others."""
    place = DTMF_KEYS.find(key.upper()) if len(key) == 1 else -1
    if place < 0:
        raise ValueError(f"{key!r} is not a key of a telephone")
    return DTMF_ROWS[place >> 2], DTMF_COLUMNS[place & 3]


cdef class Tone:
    """A tone to read from: `tones` are (Hz, amplitude), `cadence_ms` times on and off."""

    def __cinit__(self, tones, int rate, *, cadence_ms=()):
        cdef double[TONE_PARTS] hz
        cdef double[TONE_PARTS] amplitudes
        cdef int[TONE_CADENCE] cadence
        if len(tones) > TONE_PARTS or len(cadence_ms) > TONE_CADENCE:
            raise ValueError(f"a tone has up to {TONE_PARTS} sines and {TONE_CADENCE} times")
        for i, (frequency, amplitude) in enumerate(tones):
            hz[i] = frequency
            amplitudes[i] = amplitude
        for i, time in enumerate(cadence_ms):
            cadence[i] = time
        if tone_init(&self.tone, rate, hz, amplitudes, len(tones), cadence, len(cadence_ms)) < 0:
            raise ValueError("a sine is below half the rate and at most 32767; times are over 0")

    @staticmethod
    def dtmf(key, int rate, *, double dbm0=-9.0) -> Tone:
        """The two tones of a key, each at `dbm0`."""
        amplitude = amplitude_of(dbm0)
        return Tone([(hz, amplitude) for hz in dtmf_frequencies(key)], rate)

    @staticmethod
    def reference(int rate) -> Tone:
        """1004 Hz at 0 dBm0, as test lines give it."""
        return Tone([(1004.0, amplitude_of(0.0))], rate)

    def read(self, int samples) -> bytes:
        """The next samples (int16)."""
        cdef bytes result
        if not 0 <= samples <= MAX_SAMPLES:
            raise ValueError("not so many samples at once")
        result = PyBytes_FromStringAndSize(NULL, 2 * samples)
        tone_fill(&self.tone, <int16_t *>PyBytes_AS_STRING(result), samples)
        return result

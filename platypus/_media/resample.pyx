"""Sample rate conversion by a polyphase filter (Kaiser-windowed sinc, 48 taps a phase).

Any whole rate to any other: where the ratio needs few phases each has its own row of
coefficients, else the two rows next to the position are interpolated. Blocks are
steady: n samples in give n times the ratio out, at once. The delay is 24 samples of
the lower rate, 3.0 ms at 8 kHz. Flat within 0.2 dB up to 3.4 kHz of 8 (7 of 16),
images and aliases under -85 dB from 4.2 (8.6) kHz on. Equal rates pass bit for bit.

Coefficients are computed when two rates are first met, and short tables then kept: every
call may need one. It does not follow clocks that drift; that takes a ratio that changes.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport M_PI, floorf, sin, sqrt
from libc.stdint cimport int16_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memmove, memset


cdef enum:
    TAPS = 48                # at the lower rate: 3.0 ms of delay at 8 kHz
    MIN_RATE = 1000
    MAX_RATE = 384000
    MAX_RATIO = 48           # 384 kHz to 8 kHz
    MAX_TABLE = 1 << 17      # coefficients: beyond it rows are interpolated
    MID_PHASES = 256         # rows then, a sample of the lower rate: an error of -94 dB
    SHARED_TABLES = 32       # of the codecs' rates, and of sound cards'
    SHARED_SIZE = 1 << 13    # coefficients

# Found by search: the narrowest transition that is within 0.2 dB at the upper edge of
# the telephone band and at -87 dB beyond; fractions of the lower rate.
cdef double BETA = 8.8
cdef double CUTOFF_NARROW = 0.463    # 3.4 kHz of 8
cdef double CUTOFF_WIDE = 0.4755     # 7 kHz of 16


cdef struct shared_t:
    int in_rate              # 0: free
    int out_rate
    float *table


cdef shared_t shared_tables[SHARED_TABLES]


cdef double bessel_i0(double x) noexcept nogil:
    cdef double term = 1.0, total = 1.0
    cdef int k = 1
    while term > 1e-17 * total:
        term *= (x / (2.0 * k)) * (x / (2.0 * k))
        total += term
        k += 1
    return total


cdef double windowed_sinc(double at, double half, double cutoff) noexcept nogil:
    """The filter `at` samples from its middle; `half` its half length, `cutoff` in cycles."""
    cdef double place = at / half
    cdef double angle = 2.0 * M_PI * cutoff * at
    if place <= -1.0 or place >= 1.0:
        return 0.0
    return (bessel_i0(BETA * sqrt(1.0 - place * place))
            * (1.0 if -1e-12 < angle < 1e-12 else sin(angle) / angle))


cdef void fill_table(resampler_t *resampler) noexcept nogil:
    """Rows run from the oldest sample to the newest; each sums to one, so that DC is exact."""
    cdef int low = min(resampler.in_rate, resampler.out_rate)
    cdef double cutoff = ((CUTOFF_NARROW if low <= 8000 else CUTOFF_WIDE)
                          * low / resampler.in_rate)
    cdef int taps = resampler.taps
    cdef double half = taps / 2.0
    cdef double total
    cdef float *row
    cdef int phase, tap
    for phase in range(resampler.phases + 1):
        row = resampler.table + <int64_t>phase * taps
        total = 0.0
        for tap in range(taps):
            total += windowed_sinc(
                half - 1.0 - tap + <double>phase / resampler.phases, half, cutoff)
        for tap in range(taps):
            row[tap] = <float>(windowed_sinc(
                half - 1.0 - tap + <double>phase / resampler.phases, half, cutoff) / total)


cdef shared_t *place_for(const resampler_t *resampler) noexcept nogil:
    """Where the table of these rates is kept, or may be; NULL: nowhere."""
    cdef int index
    if <int64_t>(resampler.phases + 1) * resampler.taps > SHARED_SIZE:
        return NULL
    for index in range(SHARED_TABLES):
        if shared_tables[index].in_rate == 0:
            return &shared_tables[index]
        if (shared_tables[index].in_rate == resampler.in_rate
                and shared_tables[index].out_rate == resampler.out_rate):
            return &shared_tables[index]
    return NULL


cdef void take_table(resampler_t *resampler) noexcept nogil:
    cdef shared_t *place = place_for(resampler)
    if place != NULL and place.in_rate:
        resampler.table = place.table
        resampler.shared = True
        return
    resampler.table = <float *>malloc(
        <size_t>(resampler.phases + 1) * resampler.taps * sizeof(float))
    if resampler.table == NULL:
        return
    fill_table(resampler)
    if place != NULL:
        place.in_rate, place.out_rate = resampler.in_rate, resampler.out_rate
        place.table = resampler.table
        resampler.shared = True


cdef resampler_t *resampler_new(int in_rate, int out_rate) noexcept nogil:
    cdef resampler_t *resampler
    cdef int a = in_rate, b = out_rate, rest
    if not MIN_RATE <= in_rate <= MAX_RATE or not MIN_RATE <= out_rate <= MAX_RATE:
        return NULL
    if in_rate > MAX_RATIO * out_rate or out_rate > MAX_RATIO * in_rate:
        return NULL
    resampler = <resampler_t *>calloc(1, sizeof(resampler_t))
    if resampler == NULL:
        return NULL
    resampler.in_rate = in_rate
    resampler.out_rate = out_rate
    if in_rate == out_rate:
        return resampler
    while b:
        rest = a % b
        a = b
        b = rest
    resampler.step = in_rate // a
    resampler.parts = out_rate // a
    # Filtering at the input's rate, the length grows with its ratio to the lower one.
    resampler.taps = max(TAPS, <int>(<int64_t>TAPS * in_rate // out_rate) & ~7)
    resampler.phases = resampler.parts
    if <int64_t>(resampler.parts + 1) * resampler.taps > MAX_TABLE:
        resampler.between = 1
        resampler.phases = max(MID_PHASES // 16, MID_PHASES * TAPS // resampler.taps)
    take_table(resampler)
    resampler.history = <float *>malloc((resampler.taps + RESAMPLE_BLOCK) * sizeof(float))
    if resampler.table == NULL or resampler.history == NULL:
        resampler_free(resampler)
        return NULL
    resampler_reset(resampler)
    return resampler


cdef void resampler_free(resampler_t *resampler) noexcept nogil:
    if resampler != NULL:
        if not resampler.shared:
            free(resampler.table)
        free(resampler.history)
        free(resampler)


cdef void resampler_reset(resampler_t *resampler) noexcept nogil:
    """Begin anew, with silence before the first sample."""
    if resampler.taps == 0:
        return
    resampler.part = resampler.start = 0
    resampler.filled = resampler.taps - 1
    memset(resampler.history, 0, resampler.filled * sizeof(float))


cdef float dot(const float *row, const float *samples, int taps) noexcept nogil:
    """Eight sums side by side: the order of additions is fixed, and they need not wait."""
    cdef float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0
    cdef int i = 0
    while i < taps:
        s0 += row[i] * samples[i]
        s1 += row[i + 1] * samples[i + 1]
        s2 += row[i + 2] * samples[i + 2]
        s3 += row[i + 3] * samples[i + 3]
        s4 += row[i + 4] * samples[i + 4]
        s5 += row[i + 5] * samples[i + 5]
        s6 += row[i + 6] * samples[i + 6]
        s7 += row[i + 7] * samples[i + 7]
        i += 8
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))


cdef inline int16_t rounded(float value) noexcept nogil:
    if value >= 32767.0:
        return 32767
    if value <= -32768.0:
        return -32768
    return <int16_t>floorf(value + 0.5)


cdef float next_value(const resampler_t *resampler) noexcept nogil:
    """The output sample at the present position."""
    cdef const float *samples = resampler.history + resampler.start
    cdef const float *row
    cdef double place
    cdef float weight, value
    cdef int phase = resampler.part
    if not resampler.between:
        return dot(resampler.table + phase * resampler.taps, samples, resampler.taps)
    place = <double>resampler.part * resampler.phases / resampler.parts
    phase = <int>place
    weight = <float>(place - phase)
    row = resampler.table + <int64_t>phase * resampler.taps
    value = dot(row, samples, resampler.taps)
    return value + weight * (dot(row + resampler.taps, samples, resampler.taps) - value)


cdef int resampler_process(resampler_t *resampler, const int16_t *samples, int count,
                           int16_t *out, int out_capacity) noexcept nogil:
    cdef int made = 0, i, kept
    count = max(0, min(count, RESAMPLE_BLOCK))
    if resampler.taps == 0:
        count = min(count, out_capacity)
        if count > 0:
            memcpy(out, samples, count * sizeof(int16_t))
        return max(0, count)
    for i in range(count):
        resampler.history[resampler.filled + i] = samples[i]
    resampler.filled += count
    while resampler.start + resampler.taps <= resampler.filled:
        if made < out_capacity:
            out[made] = rounded(next_value(resampler))
            made += 1
        resampler.part += resampler.step
        resampler.start += resampler.part // resampler.parts
        resampler.part %= resampler.parts
    # The next sample may begin beyond what has come, where steps are long.
    kept = max(0, resampler.filled - resampler.start)
    memmove(resampler.history, resampler.history + resampler.filled - kept, kept * sizeof(float))
    resampler.start -= resampler.filled - kept
    resampler.filled = kept
    return made


cdef int resampler_max_input(const resampler_t *resampler) noexcept nogil:
    return RESAMPLE_BLOCK


cdef int resampler_max_output(const resampler_t *resampler, int count) noexcept nogil:
    """The most that `count` samples can give."""
    return <int>(<int64_t>count * resampler.out_rate // resampler.in_rate) + 1


cdef int resampler_needed(const resampler_t *resampler, int out_count) noexcept nogil:
    cdef int64_t ahead
    if out_count < 1:
        return 0
    if resampler.taps == 0:
        return out_count
    ahead = (resampler.part + <int64_t>(out_count - 1) * resampler.step) // resampler.parts
    return <int>max(0, resampler.start + resampler.taps + ahead - resampler.filled)


cdef class Resampler:
    """A resampler for Python: int16 samples in any blocks, in order."""

    def __cinit__(self, int in_rate, int out_rate):
        self.resampler = resampler_new(in_rate, out_rate)
        if self.resampler == NULL:
            raise ValueError(f"cannot convert from {in_rate} to {out_rate} samples a second")

    def __dealloc__(self):
        resampler_free(self.resampler)

    def process(self, pcm) -> bytes:
        """Take in samples; give what can be made of them and those before."""
        cdef Py_buffer view
        cdef bytearray result
        cdef bytes block
        cdef int count, made
        cdef Py_ssize_t at = 0, total
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        try:
            if view.len & 1:
                raise ValueError("PCM has two bytes a sample: an odd length was given")
            total = view.len >> 1
            result = bytearray()
            while at < total:
                count = <int>min(total - at, <Py_ssize_t>RESAMPLE_BLOCK)
                made = resampler_max_output(self.resampler, count)
                block = PyBytes_FromStringAndSize(NULL, 2 * made)
                made = resampler_process(
                    self.resampler, <const int16_t *>view.buf + at, count,
                    <int16_t *>PyBytes_AS_STRING(block), made)
                result += block[:2 * made]
                at += count
            return bytes(result)
        finally:
            PyBuffer_Release(&view)

    def needed(self, int samples) -> int:
        """How many samples must still be given until so many can come out."""
        return resampler_needed(self.resampler, samples)

    def reset(self) -> None:
        """Forget what came before."""
        resampler_reset(self.resampler)

    @property
    def delay_ms(self) -> float:
        """How much later what comes out is."""
        return 1000.0 * (self.resampler.taps // 2) / self.resampler.in_rate

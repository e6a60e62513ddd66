"""Silence suppression: which frames need not be sent, and the noise that stands for them (RFC 3389).

A frame is speech if it is louder by 5 dB than the quiet, which falls at once and rises by a tenth
of a dB a frame. The first loud frame is sent, so no beginning is cut off, and 240 ms of what
follows the last. Then a description of the noise goes out, again when it has become louder or
quieter by 3 dB, and once a second. Its level is the mean of the quiet frames; its spectrum, for
8,000 samples a second, is that of an all-pole filter (Levinson and Durbin) of their mean
autocorrelation. A noise louder than -45 dBov is always sent as it is.

What is made of such a description is in `comfort`.
"""

from libc.math cimport lrint, log10
from libc.stdint cimport int16_t, uint8_t
from libc.string cimport memset


cdef enum:
    KNOWN_FRAMES = 25        # before, everything is speech
    HANG_MS = 240
    LEVEL_STEP = 3           # dB by which the noise must change to be told anew,
    SOONEST_MS = 100         # and not sooner than this
    LATEST_MS = 1000
    QUIETEST = 127           # -dBov: RFC 3389, 3

cdef double LEAST = 1000.0       # mean square of -60 dBov: below, nothing is speech
cdef double ABOVE = 3.16         # 5 dB over the floor
cdef double RISE = 1.0233        # 0.1 dB a frame
cdef double SLOW_RISE = 1.004    # while somebody speaks: a new noise becomes quiet
cdef double LOUDEST = 33955.0    # mean square of -45 dBov: no floor is above
cdef double SMOOTHING = 0.1
cdef double OVERLOAD = 32768.0 * 32768.0
# White noise 40 dB below the rest keeps the filter from ringing.
cdef double WHITENING = 1.0001


cdef void silence_forget(silence_t *silence) noexcept nogil:
    memset(silence, 0, sizeof(silence_t))


cdef bint is_loud(silence_t *silence, double mean_square, bint speaking) noexcept nogil:
    cdef double floor = silence.floor
    if floor == 0 or mean_square < floor:
        floor = mean_square
    else:
        floor = min(mean_square, floor * (SLOW_RISE if speaking else RISE))
    silence.floor = <float>max(1.0, min(floor, LOUDEST))
    return mean_square > LEAST and mean_square > ABOVE * silence.floor


cdef void listen(silence_t *silence, const int16_t *frame, int samples) noexcept nogil:
    """Take a quiet frame into the mean of the noise."""
    cdef double total
    cdef double share = SMOOTHING if silence.r[0] > 0 else 1.0
    cdef int lag, i
    for lag in range(SILENCE_ORDER + 1):
        total = 0.0
        for i in range(lag, samples):
            total += <double>frame[i] * frame[i - lag]
        silence.r[lag] += (total / samples - silence.r[lag]) * share


cdef int level_of(const silence_t *silence) noexcept nogil:
    if silence.r[0] < 1e-3:
        return QUIETEST
    return max(0, min(<int>QUIETEST, <int>lrint(-10.0 * log10(silence.r[0] / OVERLOAD))))


cdef void write_filter(const silence_t *silence, uint8_t *octets) noexcept nogil:
    """Reflection coefficients of the all-pole filter with that autocorrelation."""
    cdef double[SILENCE_ORDER + 1] a, before
    cdef double error = silence.r[0] * WHITENING
    cdef double k
    cdef int m, i
    memset(a, 0, sizeof(a))
    for m in range(1, SILENCE_ORDER + 1):
        k = silence.r[m]
        for i in range(1, m):
            k += a[i] * silence.r[m - i]
        k = -k / error
        before = a
        for i in range(1, m):
            a[i] = before[i] + k * before[m - i]
        a[m] = k
        error *= 1.0 - k * k
        # RFC 3389, 3.2: 127 is none.
        octets[m - 1] = <uint8_t>max(0, min(254, <int>lrint(127.0 + 128.0 * k)))


cdef int describe(silence_t *silence, int rate, uint8_t *payload) noexcept nogil:
    silence.told = level_of(silence)
    silence.telling = True
    silence.since_told = 0
    payload[0] = <uint8_t>silence.told
    if rate != 8000 or silence.told == QUIETEST:
        return 1
    write_filter(silence, payload + 1)
    return SILENCE_PAYLOAD


cdef bint due(const silence_t *silence, int rate) noexcept nogil:
    cdef int change = level_of(silence) - silence.told
    if not silence.telling or silence.since_told >= rate // 1000 * LATEST_MS:
        return True
    return (silence.since_told >= rate // 1000 * SOONEST_MS
            and (change >= LEVEL_STEP or change <= -LEVEL_STEP))


cdef int silence_judge(silence_t *silence, const int16_t *frame, int samples, int rate,
                       uint8_t *payload) noexcept nogil:
    cdef double power = 0.0
    cdef bint speaking = silence.since_speech <= rate // 1000 * HANG_MS
    cdef int i
    for i in range(samples):
        power += <double>frame[i] * frame[i]
    if is_loud(silence, power / samples, speaking):
        silence.since_speech = 0
    else:
        silence.since_speech = min(silence.since_speech + samples, rate)
        listen(silence, frame, samples)
    silence.frames = min(silence.frames + 1, <int>KNOWN_FRAMES)
    if silence.frames < KNOWN_FRAMES or silence.since_speech <= rate // 1000 * HANG_MS:
        silence.telling = False
        return SILENCE_SPEECH
    silence.since_told = min(silence.since_told + samples, 2 * rate)
    return describe(silence, rate, payload) if due(silence, rate) else 0

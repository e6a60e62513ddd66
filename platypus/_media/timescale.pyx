"""Changing the length of speech.

Shortening and lengthening overlap two stretches that are one pitch period apart
(time-domain, as WSOLA does), so that neither a click nor a change of pitch is heard.

All on fixed memory, in samples; when to do it is the jitter buffer's decision.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport sqrtf
from libc.stdint cimport int16_t, int64_t
from libc.string cimport memcpy, memmove, memset

from platypus._media.platform cimport platform_energy


cdef enum:
    SHORTEST_PITCH_US = 2500
    LONGEST_PITCH_US = 15000
    MAX_SAMPLES = 1 << 20        # of one call from Python


cdef float likeness_at(const int16_t *samples, int window, int lag, int stride) noexcept nogil:
    """Normalised correlation of a window with itself `lag` later, -1 to 1."""
    cdef int64_t product = 0, near = 0, far = 0
    cdef int a, b, i = 0
    while i < window:
        a = samples[i]
        b = samples[i + lag]
        product += a * b
        near += a * a
        far += b * b
        i += stride
    if near == 0 or far == 0:
        return 1.0 if near == far else 0.0
    return <float>product / (sqrtf(<float>near) * sqrtf(<float>far))


cdef int scale_pitch(const int16_t *samples, int window, int shortest, int longest, int rate,
                     float *likeness) noexcept nogil:
    """The lag at which `window` samples look most like later ones.

    `longest` + `window` samples must be there. Every fourth kilohertz is enough to find
    the neighbourhood; the best lag in it is then found with all samples.
    """
    cdef int stride = max(1, rate // 4000)
    cdef int lag = shortest, best = shortest, low, high
    cdef float found
    likeness[0] = -2.0
    while lag <= longest:
        found = likeness_at(samples, window, lag, stride)
        if found > likeness[0]:
            likeness[0] = found
            best = lag
        lag += stride
    low = max(shortest, best - stride + 1)
    high = min(longest, best + stride - 1)
    likeness[0] = -2.0
    for lag in range(low, high + 1):
        found = likeness_at(samples, window, lag, 1)
        if found > likeness[0]:
            likeness[0] = found
            best = lag
    return best


cdef float scale_power(const int16_t *samples, int count) noexcept nogil:
    """Mean square of the samples."""
    cdef int peak = 0
    return <float>platform_energy(samples, count, &peak) / <float>count if count > 0 else 0.0


cdef int scale_shorten(int16_t *samples, int count, int lag) noexcept nogil:
    """Take `lag` samples out of the first 2 * lag; return the new count."""
    cdef int i
    if lag < 1 or 2 * lag > count:
        return count
    for i in range(lag):
        samples[i] = <int16_t>((samples[i] * (lag - i) + samples[i + lag] * i) // lag)
    memmove(samples + lag, samples + 2 * lag, (count - 2 * lag) * sizeof(int16_t))
    return count - lag


cdef int scale_lengthen(int16_t *samples, int count, int lag) noexcept nogil:
    """Put `lag` samples between the first two stretches of `lag`; return the new count.

    There must be room for them behind `count`.
    """
    cdef int i
    if lag < 1 or 2 * lag > count:
        return count
    # What follows the second stretch moves first; the second is then written over
    # by itself fading into the first, and itself comes after that.
    memmove(samples + 2 * lag, samples + lag, (count - lag) * sizeof(int16_t))
    for i in range(lag):
        samples[lag + i] = <int16_t>(
            (samples[2 * lag + i] * (lag - i) + samples[i] * i) // lag)
    return count + lag


cdef int count_of(object pcm) except -1:
    if len(pcm) & 1 or len(pcm) > 2 * MAX_SAMPLES:
        raise ValueError("PCM has two bytes a sample: an odd or huge length was given")
    return <int>(len(pcm) >> 1)


def pitch(bytes pcm, int rate) -> tuple:
    """The lag at which the beginning of some samples is most like what follows, and how like.

    27.5 ms are needed.
    """
    cdef int longest = rate * (LONGEST_PITCH_US // 100) // 10000
    cdef int shortest = rate * (SHORTEST_PITCH_US // 100) // 10000
    cdef int window = count_of(pcm) - longest
    cdef float likeness
    cdef int lag
    if window < shortest:
        raise ValueError("too few samples to find a pitch in")
    lag = scale_pitch(<const int16_t *>PyBytes_AS_STRING(pcm), min(window, longest), shortest,
                      longest, rate, &likeness)
    return lag, likeness


def shorten(bytes pcm, int lag) -> bytes:
    """The samples, `lag` fewer: the first two stretches of that length have become one."""
    cdef int count = count_of(pcm)
    cdef bytearray work = bytearray(pcm)
    if lag < 1 or 2 * lag > count:
        raise ValueError("two stretches of the lag must be there")
    return bytes(work[:2 * scale_shorten(<int16_t *><char *>work, count, lag)])


def lengthen(bytes pcm, int lag) -> bytes:
    """The samples, `lag` more: between the first two stretches of that length is a third."""
    cdef int count = count_of(pcm)
    cdef bytearray work
    if lag < 1 or 2 * lag > count:
        raise ValueError("two stretches of the lag must be there")
    work = bytearray(pcm + bytes(2 * lag))
    scale_lengthen(<int16_t *><char *>work, count, lag)
    return bytes(work)

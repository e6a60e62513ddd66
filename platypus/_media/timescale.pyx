"""Changing the length of speech, and making up what is missing of it.

Shortening and lengthening overlap two stretches that are one pitch period apart
(time-domain, as WSOLA does), so that neither a click nor a change of pitch is heard.
Concealment repeats the last pitch period, holds it for 10 ms and fades it out by 80 ms,
as ITU-T G.711 appendix I does in outline; when speech is back, what is made up and
what is real overlap for 5 ms.

All on fixed memory, in samples; when to do it is the jitter buffer's decision.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport sqrtf
from libc.stdint cimport int16_t, int64_t
from libc.string cimport memcpy, memmove, memset


cdef enum:
    SHORTEST_PITCH_US = 2500
    LONGEST_PITCH_US = 15000
    WINDOW_MS = 15
    HISTORY_MS = 50              # two of the longest periods and a window, with room
    HOLD_MS = 10
    FADE_MS = 70
    HUSH_MS = 5                  # the fade when a sender stopped on purpose
    MERGE_MS = 5
    MAX_SAMPLES = 1 << 20        # of one call from Python

cdef float NO_PITCH = 0.3        # of likeness: below it the end of the sound is noise


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
    return search(samples, 0, window, shortest, longest, rate, likeness)


cdef int search(const int16_t *samples, int backwards, int window, int shortest, int longest,
                int rate, float *likeness) noexcept nogil:
    """With `backwards`, `samples` is where the window begins and each lag goes back."""
    cdef int stride = max(1, rate // 4000)
    cdef int lag = shortest, best = shortest, low, high
    cdef float found
    likeness[0] = -2.0
    while lag <= longest:
        found = likeness_at(samples - lag * backwards, window, lag, stride)
        if found > likeness[0]:
            likeness[0] = found
            best = lag
        lag += stride
    low = max(shortest, best - stride + 1)
    high = min(longest, best + stride - 1)
    likeness[0] = -2.0
    for lag in range(low, high + 1):
        found = likeness_at(samples - lag * backwards, window, lag, 1)
        if found > likeness[0]:
            likeness[0] = found
            best = lag
    return best


cdef float scale_power(const int16_t *samples, int count) noexcept nogil:
    """Mean square of the samples."""
    cdef int64_t total = 0
    cdef int i, a
    for i in range(count):
        a = samples[i]
        total += a * a
    return <float>total / <float>count if count > 0 else 0.0


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


cdef void conceal_init(conceal_t *conceal, int rate) noexcept nogil:
    memset(conceal, 0, sizeof(conceal_t))
    conceal.rate = rate


cdef void conceal_remember(conceal_t *conceal, const int16_t *samples, int count) noexcept nogil:
    """Keep the newest samples that were put out."""
    cdef int kept = conceal.rate * HISTORY_MS // 1000
    if count >= kept:
        memcpy(conceal.history, samples + count - kept, kept * sizeof(int16_t))
    else:
        memmove(conceal.history, conceal.history + count, (kept - count) * sizeof(int16_t))
        memcpy(conceal.history + kept - count, samples, count * sizeof(int16_t))
    conceal.filled = min(kept, conceal.filled + count)


cdef void begin(conceal_t *conceal) noexcept nogil:
    """Find the last pitch period and make it repeatable."""
    cdef int rate = conceal.rate
    cdef int longest = rate * (LONGEST_PITCH_US // 100) // 10000
    cdef int shortest = rate * (SHORTEST_PITCH_US // 100) // 10000
    cdef int window = rate * WINDOW_MS // 1000
    cdef const int16_t *end = conceal.history + rate * HISTORY_MS // 1000
    cdef int i, join, length
    cdef float likeness
    conceal.active = 1
    conceal.position = conceal.length = 0
    conceal.hold = rate * HOLD_MS // 1000
    conceal.gain = SCALE_UNITY
    conceal.step = SCALE_UNITY * 1000 // (rate * FADE_MS) + 1
    if conceal.filled < 2 * longest + window:
        conceal.gain = 0
        return
    length = search(end - window, 1, window, shortest, longest, rate, &likeness)
    if likeness < NO_PITCH:
        length = longest  # noise is least like a buzz when it repeats seldom
    memcpy(conceal.period, end - length, length * sizeof(int16_t))
    # The end of the period fades into what came before its beginning, so that it
    # repeats without a step.
    join = length // 4
    for i in range(join):
        conceal.period[length - join + i] = <int16_t>(
            (end[i - join] * (join - i) + end[i - join - length] * i) // join)
    conceal.length = length


cdef inline int made_up(conceal_t *conceal) noexcept nogil:
    """The next concealed sample."""
    cdef int value
    if conceal.gain == 0:
        return 0
    value = conceal.period[conceal.position] * conceal.gain // SCALE_UNITY
    conceal.position += 1
    if conceal.position == conceal.length:
        conceal.position = 0
    if conceal.hold > 0:
        conceal.hold -= 1
    else:
        conceal.gain = max(0, conceal.gain - conceal.step)
    return value


cdef int conceal_fill(conceal_t *conceal, int16_t *out, int count) noexcept nogil:
    """Make up `count` samples for what is missing; how many came before the fade's end."""
    cdef int i, heard = 0
    if not conceal.active:
        begin(conceal)
    for i in range(count):
        heard += conceal.gain > 0
        out[i] = <int16_t>made_up(conceal)
    return heard


cdef void conceal_hush(conceal_t *conceal) noexcept nogil:
    """What is missing was never sent: be silent soon, without a click."""
    if not conceal.active:
        begin(conceal)
    conceal.hold = 0
    conceal.step = max(conceal.step, SCALE_UNITY * 1000 // (conceal.rate * HUSH_MS) + 1)


cdef int conceal_silent(const conceal_t *conceal) noexcept nogil:
    """Nothing but zeros would be made up from here on."""
    return conceal.active and conceal.gain == 0


cdef void conceal_merge(conceal_t *conceal, int16_t *samples, int count) noexcept nogil:
    """Real samples are back: fade from what is made up into the first of them."""
    cdef int i, overlap = min(count, conceal.rate * MERGE_MS // 1000)
    if conceal.active and not conceal_silent(conceal):
        for i in range(overlap):
            samples[i] = <int16_t>(
                (made_up(conceal) * (overlap - i) + samples[i] * (i + 1)) // (overlap + 1))
    conceal.active = 0


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


cdef class Concealer:
    """Concealment alone: `heard` what was played, `fill` a gap, `merge` what comes after it."""

    def __cinit__(self, int rate):
        if not 8000 <= rate <= 48000:
            raise ValueError("speech has 8000 to 48000 samples a second")
        conceal_init(&self.conceal, rate)

    def heard(self, bytes pcm) -> None:
        conceal_remember(&self.conceal, <const int16_t *>PyBytes_AS_STRING(pcm), count_of(pcm))

    def fill(self, int samples) -> bytes:
        cdef bytes made
        if not 0 <= samples <= MAX_SAMPLES:
            raise ValueError("not so many samples at once")
        made = PyBytes_FromStringAndSize(NULL, 2 * samples)
        conceal_fill(&self.conceal, <int16_t *>PyBytes_AS_STRING(made), samples)
        return made

    def hush(self) -> None:
        """The sender stopped on purpose: fade at once."""
        conceal_hush(&self.conceal)

    def merge(self, bytes pcm) -> bytes:
        cdef bytearray work = bytearray(pcm)
        conceal_merge(&self.conceal, <int16_t *><char *>work, count_of(pcm))
        return bytes(work)

"""Making up what is missing of speech, from both of its sides where both are known.

    what was heard -> its last period, repeated, fading -----\\
                                                    crossfade  -> the gap
    what follows   -> its first period, repeated backwards --/

`conceal_fill` knows only what was before: it repeats the stretch that the end of the sound
is most like, holds it for 10 ms and fades it out by 140 ms. `conceal_bridge` knows what comes
after as well: the gap is filled from both sides, so that pitch, colour and loudness pass
from one to the other. Where what is made up meets what came too late to be bridged to,
`conceal_merge` lets the two overlap for 5 ms.

All on fixed memory, in samples; when to do it is the jitter buffer's decision.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, int32_t, int64_t
from libc.string cimport memcpy, memmove, memset


cdef enum:
    SEARCH_RATE = 8000           # pitch is looked for at this rate, and made exact at the sound's
    SHORTEST = 20                # samples of it: 400 Hz
    LONGEST = 200                # 25 ms
    WINDOW = 80                  # of what was heard that has to look alike
    AFTER_WINDOW = 36            # of what follows, of which there is less
    SEARCHED = 320               # LONGEST, a window and room
    LOUDEST = 1 << 12            # samples are searched scaled below this: sums stay within 32 bits
    HISTORY_MS = 45
    HOLD_MS = 10
    FADE_MS = 130
    HUSH_MS = 5                  # the fade when a sender stopped on purpose
    BRIDGE_MS = 40               # the longest crossfade between the two sides
    MERGE_MS = 5
    LEAST_AFTER = 64             # samples at the search rate: less than that is no side to begin from
    MAX_SAMPLES = 1 << 20        # of one call from Python

cdef float NO_PITCH = 0.3        # of likeness: below it the sound is noise


cdef int32_t product(const int16_t *a, const int16_t *b, int count) noexcept nogil:
    cdef int32_t total = 0
    cdef int i
    for i in range(count):
        total += <int32_t>a[i] * b[i]
    return total


cdef int scaled_down(const int16_t *end, int count, int step, int16_t *out) noexcept nogil:
    """The `count` * `step` samples before `end` at the search rate, small enough to multiply."""
    cdef const int16_t *source = end - count * step
    cdef int32_t total
    cdef int i, j, peak = 1, shift = 0
    for i in range(count):
        total = 0
        for j in range(step):
            total += source[i * step + j]
        total //= step
        out[i] = <int16_t>total
        peak = max(peak, total if total > 0 else -total)
    while peak >> shift >= LOUDEST:
        shift += 1
    for i in range(count):
        out[i] = <int16_t>(out[i] >> shift)
    return peak


cdef int best_lag(const int16_t *end, int window, int longest, float *likeness) noexcept nogil:
    """How far before its `end` a sound was most like its last `window` samples."""
    cdef const int16_t *last = end - window
    cdef int32_t own = product(last, last, window)
    cdef int32_t power = product(last - SHORTEST, last - SHORTEST, window)
    cdef int32_t cross
    cdef float alike, best = -1.0
    cdef int lag, found = SHORTEST
    for lag in range(SHORTEST, longest + 1):
        cross = product(last, last - lag, window)
        # The square of the likeness, but for the window's own power: no root for each lag.
        alike = <float>cross * <float>cross / <float>(power + 1) if cross > 0 else 0.0
        if alike > best:
            best = alike
            found = lag
        power += (<int32_t>last[-lag - 1] * last[-lag - 1]
                  - <int32_t>last[window - lag - 1] * last[window - lag - 1])
    likeness[0] = best / <float>(own + 1)
    return found


cdef int exact_lag(const int16_t *end, int window, int step, int lag) noexcept nogil:
    """The best lag at the sound's own rate, about `lag` at the search rate."""
    cdef const int16_t *last = end - window * step
    cdef int64_t cross, power
    cdef float alike, best = -1.0
    cdef int candidate, i, there, found = lag * step
    for candidate in range(max(SHORTEST, lag - 1) * step, (lag + 1) * step):
        cross = power = 0
        for i in range(window):
            there = last[i * step - candidate]
            cross += last[i * step] * there
            power += there * there
        alike = <float>cross * <float>cross / <float>(power + 1) if cross > 0 else 0.0
        if alike > best:
            best = alike
            found = candidate
    return found


cdef int period_of(const int16_t *end, int available, int window, int rate,
                   int16_t *period) noexcept nogil:
    """The last period of a sound, made repeatable; its length, 0 if there is too little."""
    cdef int16_t searched[SEARCHED]
    cdef int step = rate // SEARCH_RATE
    # A quarter of the period more than the period itself is needed for the join.
    cdef int longest = min(<int>LONGEST, min(available // step * 4 // 5,
                                             available // step - window - 1))
    cdef int count = longest + window + 1
    cdef int i, join, length
    cdef float likeness
    if longest <= SHORTEST:
        return 0
    scaled_down(end, count, step, searched)
    length = best_lag(searched + count, window, longest, &likeness)
    if likeness < NO_PITCH * NO_PITCH:
        length = longest * step  # noise is least like a buzz when it repeats seldom
    elif step > 1:
        length = min(exact_lag(end, window, step, length), longest * step)
    for i in range(length):
        period[i] = end[i - length]
    # The end of the period fades into what came before its beginning, so that it
    # repeats without a step.
    join = length // 4
    for i in range(join):
        period[length - join + i] = <int16_t>(
            (end[i - join] * (join - i) + end[i - join - length] * i) // join)
    return length


cdef void conceal_init(conceal_t *conceal, int rate) noexcept nogil:
    memset(conceal, 0, sizeof(conceal_t))
    conceal.rate = rate


cdef void conceal_remember(conceal_t *conceal, const int16_t *samples, int count) noexcept nogil:
    """Keep the newest samples that were put out."""
    cdef int kept = conceal.rate * HISTORY_MS // 1000
    cdef int part
    if count > kept:
        samples += count - kept
        count = kept
    conceal.filled = min(kept, conceal.filled + count)
    part = min(count, kept - conceal.newest)
    memcpy(conceal.history + conceal.newest, samples, part * sizeof(int16_t))
    memcpy(conceal.history, samples + part, (count - part) * sizeof(int16_t))
    conceal.newest += count
    if conceal.newest >= kept:
        conceal.newest -= kept


cdef void unroll(const conceal_t *conceal, int16_t *samples, int kept) noexcept nogil:
    """The history, oldest first."""
    cdef int oldest = kept - conceal.newest
    memcpy(samples, conceal.history + conceal.newest, oldest * sizeof(int16_t))
    memcpy(samples + oldest, conceal.history, conceal.newest * sizeof(int16_t))


cdef void begin(conceal_t *conceal) noexcept nogil:
    """Find what to repeat."""
    cdef int kept = conceal.rate * HISTORY_MS // 1000
    cdef int16_t history[CONCEAL_HISTORY]
    conceal.active = 1
    conceal.position = 0
    conceal.hold = conceal.rate * HOLD_MS // 1000
    conceal.gain = CONCEAL_UNITY
    conceal.step = CONCEAL_UNITY * 1000 // (conceal.rate * FADE_MS) + 1
    conceal.length = 0
    if conceal.filled == kept:
        unroll(conceal, history, kept)
        conceal.length = period_of(history + kept, kept, WINDOW, conceal.rate, conceal.period)
    if conceal.length == 0:
        conceal.gain = 0


cdef inline int made_up(conceal_t *conceal) noexcept nogil:
    """The next concealed sample."""
    cdef int value
    if conceal.gain == 0:
        return 0
    value = conceal.period[conceal.position] * conceal.gain // CONCEAL_UNITY
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


cdef void conceal_peek(conceal_t *conceal, int16_t *out, int count) noexcept nogil:
    """What `conceal_fill` would make up, which is not played."""
    cdef int position, hold, gain
    if not conceal.active:
        begin(conceal)
    position, hold, gain = conceal.position, conceal.hold, conceal.gain
    conceal_fill(conceal, out, count)
    conceal.position, conceal.hold, conceal.gain = position, hold, gain


cdef int conceal_bridge(conceal_t *conceal, int16_t *out, int count, const int16_t *following,
                        int available) noexcept nogil:
    """Make up the last `count` samples before `following`; how many are more than silence."""
    cdef int16_t backwards[CONCEAL_LONGEST]
    cdef int16_t period[CONCEAL_LONGEST]
    cdef int step = conceal.rate // SEARCH_RATE
    cdef int crossed = min(count, conceal.rate * BRIDGE_MS // 1000)
    cdef int before = count - crossed
    cdef int i, length = 0, at, weight
    cdef int heard = conceal_fill(conceal, out, count)
    conceal.active = 0
    available = min(available, <int>CONCEAL_LONGEST)
    if available >= LEAST_AFTER * step:
        for i in range(available):
            backwards[available - 1 - i] = following[i]
        length = period_of(backwards + available, available, AFTER_WINDOW, conceal.rate, period)
    if length == 0:
        return heard
    at = (crossed - 1) % length
    for i in range(crossed):
        weight = (2 * i + 1) * (CONCEAL_UNITY // 2) // crossed
        out[before + i] = <int16_t>((out[before + i] * (CONCEAL_UNITY - weight)
                                     + period[at] * weight) // CONCEAL_UNITY)
        at = at - 1 if at > 0 else length - 1
    return count if heard >= before else heard + crossed


cdef void conceal_hush(conceal_t *conceal) noexcept nogil:
    """What is missing was never sent: be silent soon, without a click."""
    if not conceal.active:
        begin(conceal)
    conceal.hold = 0
    conceal.step = max(conceal.step, CONCEAL_UNITY * 1000 // (conceal.rate * HUSH_MS) + 1)


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


cdef class Concealer:
    """Concealment alone: `heard` what was played, `fill` or `bridge` a gap, `merge` what follows."""

    def __cinit__(self, int rate):
        if rate not in (8000, 16000, 24000, 32000, 48000):
            raise ValueError("speech has 8000, 16000, 24000, 32000 or 48000 samples a second")
        conceal_init(&self.conceal, rate)

    def heard(self, bytes pcm) -> None:
        conceal_remember(&self.conceal, <const int16_t *>PyBytes_AS_STRING(pcm), count_of(pcm))

    def fill(self, int samples) -> bytes:
        cdef bytes made = room_for(samples)
        conceal_fill(&self.conceal, <int16_t *>PyBytes_AS_STRING(made), samples)
        return made

    def bridge(self, int samples, bytes following) -> bytes:
        """The samples that are missing before `following`."""
        cdef bytes made = room_for(samples)
        conceal_bridge(&self.conceal, <int16_t *>PyBytes_AS_STRING(made), samples,
                       <const int16_t *>PyBytes_AS_STRING(following), count_of(following))
        return made

    def hush(self) -> None:
        """The sender stopped on purpose: fade at once."""
        conceal_hush(&self.conceal)

    def merge(self, bytes pcm) -> bytes:
        cdef bytearray work = bytearray(pcm)
        conceal_merge(&self.conceal, <int16_t *><char *>work, count_of(pcm))
        return bytes(work)


cdef bytes room_for(int samples):
    if not 0 <= samples <= MAX_SAMPLES:
        raise ValueError("not so many samples at once")
    return PyBytes_FromStringAndSize(NULL, 2 * samples)

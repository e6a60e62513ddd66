"""The period of a sound: how far back its end looks most like itself.

Looked for at 8 kHz, made exact at the sound's own rate, and its end faded into what came before
its beginning, so that it repeats without a step. What repeats nowhere gives the longest: noise is
least like a buzz when it comes again seldom.
"""

from libc.stdint cimport int16_t, int32_t, int64_t
from libc.string cimport memcpy


cdef enum:
    SHORTEST = 20                # samples of it: 400 Hz
    SEARCHED = 320               # PERIOD_LONGEST, a window and room
    LOUDEST = 1 << 12            # samples are searched scaled below this: sums stay within 32 bits

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
    cdef int step = rate // PERIOD_RATE
    # A quarter of the period more than the period itself is needed for the join.
    cdef int longest = min(<int>PERIOD_LONGEST, min(available // step * 4 // 5,
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
    memcpy(period, end - length, length * sizeof(int16_t))
    # The end of the period fades into what came before its beginning, so that it
    # repeats without a step.
    join = length // 4
    for i in range(join):
        period[length - join + i] = <int16_t>(
            (end[i - join] * (join - i) + end[i - join - length] * i) // join)
    return length

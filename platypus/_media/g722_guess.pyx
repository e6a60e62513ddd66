"""What G.722's low band was most likely like behind a loss: its predictor and its step size.

    what it was, faded towards usual speech ---+
    where the codes behind the gap lead from it +-> hints -> 96 -> how far from halfway between
    what those codes are, and decode to so ----+             units          the two it was

Signs and sizes of codes move predictor and step size whatever these are, so that where codes
lead to depends little on where they began, and speech behind a gap is much like speech 20 ms
on. What codes decode to from a state that is wrong is wrong in ways that tell how. How much of
all that to believe was learnt from gaps in the speech of many: see
`benchmarks._receiver.teaching`, which wrote `g722_taught.h` and prints how many they were.
"""

from libc.math cimport log2f
from libc.stdint cimport int16_t, int32_t, int64_t
from libc.string cimport memcpy


cdef extern from "g722_taught.h" nogil:
    enum:
        G722_UNITS
    const int16_t g722_unit_weights[]      # by hint, the last of which is always one
    const int16_t g722_likely_weights[]    # by unit, likewise
    const float g722_leak                  # of a unit whose sum is negative
    const float g722_unit_scale
    const float g722_likely_scale


cdef enum:
    UNITY = 1024
    FIRST_KEPT = 1321        # of what is known, extrapolated to no gap at all,
    KEPT = 894               # and of that again for each
    KEPT_CODES = 40          # that are missing: 5 ms
    PACKET = 160             # codes
    PARTS = 3                # of them: the sooner the more they tell
    EARLY = 64               # of what they decode to
    SIGN_LAGS = 6            # as many as there are zeros
    DIFFERENCE_LAGS = 6
    HEARD_LAGS = 10
    BLOCK = 20               # whose loudness is told apart
    BLOCKS = 8
    LARGE = 12288            # of a code's level
    LOUDEST = 1 << 12        # samples are multiplied scaled below this: sums stay within 32 bits

# On average over speech, in the order of G722_KNOWN; the step size is as the sound is loud.
cdef int32_t[G722_KNOWN] usual
usual[:] = [17800, -7000, 4200, 4700, 5500, 3000, 2500, 1660, 0]
cdef int[PARTS + 1] part_at
part_at[:] = [0, 40, 80, G722_CLUES]


cdef void g722_fade(int32_t *known, int missing, int32_t step_log) noexcept nogil:
    cdef int32_t kept = FIRST_KEPT
    cdef int32_t toward
    cdef int i
    while missing >= KEPT_CODES and kept > 0:
        kept = kept * KEPT // UNITY
        missing -= KEPT_CODES
    kept = min(kept, <int32_t>UNITY)
    for i in range(G722_KNOWN):
        toward = step_log if i == G722_KNOWN - 1 else usual[i]
        known[i] = toward + (known[i] - toward) * kept // UNITY


cdef float *correlated(const int16_t *values, int count, int lags, float *out) noexcept nogil:
    """How like itself a sound is so many samples on, as shares of its power."""
    cdef int16_t scaled[G722_CLUES]
    cdef int32_t total
    cdef int i, lag, peak = 1, shift = 0
    cdef float power = 1.0
    for i in range(count):
        peak = max(peak, values[i] if values[i] > 0 else -values[i])
    while peak >> shift >= LOUDEST:
        shift += 1
    for i in range(count):
        scaled[i] = <int16_t>(values[i] >> shift)
    for lag in range(lags + 1):
        total = 0
        for i in range(count - lag):
            total += <int32_t>scaled[i] * scaled[i + lag]
        if lag == 0:
            power = <float>total + 1
        else:
            out[lag - 1] = <float>total / power
    return out + lags


cdef float *of_part(const g722_clues_t *clues, int begin, int end, float *out) noexcept nogil:
    """What signs and sizes in a part of the packet make of zeros and step."""
    cdef int32_t total = 0, large = 0
    cdef int i, lag
    for lag in range(1, SIGN_LAGS + 1):
        total = 0
        for i in range(max(begin, lag), end):
            total += <int32_t>clues.signs[i] * clues.signs[i - lag]
        out[lag - 1] = <float>2 * total / (end - begin)
    total = 0
    for i in range(begin, end):
        total += clues.sizes[i]
        large += clues.sizes[i] > LARGE
    out[SIGN_LAGS] = <float>total / (end - begin) / 4096
    out[SIGN_LAGS + 1] = <float>4 * large / (end - begin)
    return out + SIGN_LAGS + 2


cdef float *loudness(const int16_t *heard, float *out) noexcept nogil:
    """Of each block beside the mean of all."""
    cdef float mean = 0.0
    cdef int64_t total
    cdef int i, block
    for block in range(BLOCKS):
        total = 0
        for i in range(BLOCK * block, BLOCK * (block + 1)):
            total += <int32_t>heard[i] * heard[i]
        out[block] = log2f(1 + <float>total / BLOCK) / 2
        mean += out[block] / BLOCKS
    for block in range(BLOCKS):
        out[block] -= mean
    return out + BLOCKS


cdef void g722_hints(const g722_clues_t *clues, float *hints) noexcept nogil:
    cdef float packets = max(<float>1.0, <float>clues.missing / PACKET)
    cdef float *out = hints
    cdef int i
    for i in range(G722_KNOWN - 1):
        out[i] = <float>clues.before[i] / 8192
        out[i + G722_KNOWN - 1] = <float>clues.behind[i] / 8192
    out += 2 * (G722_KNOWN - 1)
    out[0] = <float>(clues.before[G722_KNOWN - 1] - clues.behind[G722_KNOWN - 1]) / 2048
    out[1] = <float>clues.before[G722_KNOWN - 1] / 2048 - 5
    out[2] = min(packets, <float>8.0) / 8
    out[3] = 1 / packets
    out += 4
    for i in range(PARTS):
        out = of_part(clues, part_at[i], part_at[i + 1], out)
    out = correlated(clues.heard, EARLY, HEARD_LAGS, out)
    out = correlated(clues.heard + EARLY, G722_CLUES - EARLY, HEARD_LAGS, out)
    out = correlated(clues.differences, EARLY, DIFFERENCE_LAGS, out)
    out = correlated(clues.differences + EARLY, G722_CLUES - EARLY, DIFFERENCE_LAGS, out)
    out = loudness(clues.heard, out)
    out[0] = 1


cdef void g722_halfway(const g722_clues_t *clues, int32_t *likely) noexcept nogil:
    cdef int i
    for i in range(G722_KNOWN):
        likely[i] = (clues.before[i] + clues.behind[i]) // 2


cdef void weighed(const float *values, int count, const int16_t *weights, int sums,
                  float scale, float *out) noexcept nogil:
    cdef float share
    cdef int i, j
    for j in range(sums):
        out[j] = 0.0
    for i in range(count):
        share = values[i] * scale
        for j in range(sums):
            out[j] += share * weights[i * sums + j]


cdef void g722_guess(const g722_clues_t *clues, int32_t *likely) noexcept nogil:
    cdef float hints[G722_HINTS + 1]
    cdef float units[G722_UNITS + 1]
    cdef float off[G722_KNOWN]
    cdef int i
    g722_hints(clues, hints)
    weighed(hints, G722_HINTS + 1, g722_unit_weights, G722_UNITS, g722_unit_scale, units)
    for i in range(G722_UNITS):
        units[i] = max(units[i], g722_leak * units[i])
    units[G722_UNITS] = 1
    weighed(units, G722_UNITS + 1, g722_likely_weights, G722_KNOWN, g722_likely_scale, off)
    g722_halfway(clues, likely)
    for i in range(G722_KNOWN):
        likely[i] += <int32_t>max(<float>-32768.0, min(<float>32767.0, off[i]))

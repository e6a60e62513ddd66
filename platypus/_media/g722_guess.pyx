"""What G.722's low band was most likely like behind a loss: its predictor and its step size.

    what it was, faded towards usual speech -+------------------------------+
                                             +-> the codes behind the gap --+-> likeliest

Signs and sizes of codes move predictor and step size whatever these are, so that where codes
lead to depends little on where they began, and speech behind a gap is much like speech 20 ms
on. How much of each to believe was found by least squares, from 21,000 gaps of 20 to 120 ms in
five minutes of two speakers (those that `benchmarks` tunes on): first of the nine themselves,
then of what the next 20 ms decode to, as a wave and by levels of seven bands. A sound that is
twice as loud gives steps twice as large, and the same predictor.
"""

from libc.stdint cimport int16_t, int32_t


cdef enum:
    UNITY = 1024
    FIRST_KEPT = 1321        # of what is known, extrapolated to no gap at all,
    KEPT = 894               # and of that again for each
    KEPT_CODES = 40          # that are missing: 5 ms

# On average over speech, in the order of G722_KNOWN; the step size is as the sound is loud.
cdef int32_t[G722_KNOWN] usual
usual[:] = [17800, -7000, 4200, 4700, 5500, 3000, 2500, 1660, 0]
# For each of the nine: a constant, and what in 1024ths comes from each of those before the gap,
cdef int32_t[G722_KNOWN] constant
constant[:] = [-3022, -222, -493, 3452, -1038, 2955, 1889, -505, -1978]
cdef int16_t[G722_KNOWN * G722_KNOWN] before
before[:] = [
    571, -151, 811, 110, 728, -25, 189, -438, 451,
    89, 627, -424, 70, -350, 13, 32, 242, -182,
    22, -43, 1025, 80, -206, 87, -48, -32, 136,
    228, 260, 40, 1035, 90, -30, -247, -95, 35,
    156, 132, 64, -187, 1020, -189, 138, -217, -89,
    108, 128, -199, -117, 101, 1000, -23, -73, 56,
    77, -26, -96, 76, 83, -138, 786, -148, -15,
    -4, -26, 327, 139, -61, -140, 25, 942, 7,
    -39, 63, -111, -8, -279, 169, 238, 201, 862]
# and from where the codes lead to.
cdef int16_t[G722_KNOWN * G722_KNOWN] behind
behind[:] = [
    739, 302, -965, 142, -900, -227, 309, 274, -451,
    -463, -222, 566, 44, 606, 159, -369, -145, 182,
    -81, 32, 444, -57, 61, -190, -52, -55, -136,
    -533, -425, -103, 239, -91, 13, 137, 192, -35,
    -232, -154, -123, 43, 470, 177, -66, 174, 89,
    -273, -94, 103, -27, 17, 304, -18, 25, -56,
    -172, -75, 44, -165, -93, 60, 258, 153, 15,
    -159, -213, -132, -31, 64, 107, -34, 397, -7,
    151, 29, 127, 25, 271, -143, -281, -160, 162]


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


cdef void g722_guess(const int32_t *faded, const int32_t *led, int32_t *likely) noexcept nogil:
    cdef int32_t total
    cdef int i, j
    for i in range(G722_KNOWN):
        total = 0
        for j in range(G722_KNOWN):
            total += (before[i * G722_KNOWN + j] * faded[j]
                      + behind[i * G722_KNOWN + j] * led[j])
        likely[i] = constant[i] + total // UNITY

from libc.stdint cimport int16_t, int32_t

cdef enum:
    G722_KNOWN = 9           # a1, a2, the six zeros and the logarithm of the step size
    G722_CLUES = 160         # codes that are asked where they lead to: 20 ms
    G722_HINTS = 84

# What there is to guess by: `before` a loss, from which the codes behind it lead to `behind`.
cdef struct g722_clues_t:
    int missing                        # codes
    int32_t[G722_KNOWN] before         # faded by what is missing
    int32_t[G722_KNOWN] behind
    int16_t[G722_CLUES] signs          # of the codes, 0 for the least ones
    int16_t[G722_CLUES] sizes          # their levels, whatever the step
    int16_t[G722_CLUES] heard          # what they decode to so
    int16_t[G722_CLUES] differences    # from what was predicted

# What `known` is worth after so many missing codes; the step size fades into `step_log`.
cdef void g722_fade(int32_t *known, int missing, int32_t step_log) noexcept nogil
# What it was most likely instead, at the first of the codes.
cdef void g722_guess(const g722_clues_t *clues, int32_t *likely) noexcept nogil
# The same, by nothing but what is known of both ends.
cdef void g722_halfway(const g722_clues_t *clues, int32_t *likely) noexcept nogil
# What the guess is made from, in numbers about one; and one, behind them.
cdef void g722_hints(const g722_clues_t *clues, float *hints) noexcept nogil

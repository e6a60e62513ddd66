from libc.stdint cimport int32_t

cdef enum:
    G722_KNOWN = 9           # a1, a2, the six zeros and the logarithm of the step size

# What `known` is worth after so many missing codes; the step size fades into `step_log`.
cdef void g722_fade(int32_t *known, int missing, int32_t step_log) noexcept nogil
# `faded`, from which the codes behind the gap lead to `led`: what it was most likely instead.
cdef void g722_guess(const int32_t *faded, const int32_t *led, int32_t *likely) noexcept nogil

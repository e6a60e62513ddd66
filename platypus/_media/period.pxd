from libc.stdint cimport int16_t

cdef enum:
    PERIOD_RATE = 8000           # at which it is looked for
    PERIOD_LONGEST = 200         # samples of it: 25 ms

# The last period of the `available` samples before `end`, of which the last `window` (at
# PERIOD_RATE) have to look alike; its length, 0 if there is too little.
cdef int period_of(const int16_t *end, int available, int window, int rate,
                   int16_t *period) noexcept nogil

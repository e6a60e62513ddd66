from libc.stdint cimport int64_t

from platypus._media.jitter cimport jitter_t

# `delay` is the present one, in samples of transit.
cdef void adapt_judge(jitter_t *jitter, int64_t delay) noexcept nogil
cdef void adapt_think(jitter_t *jitter) noexcept nogil
cdef void adapt_delay(jitter_t *jitter) noexcept nogil

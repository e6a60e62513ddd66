from platypus._media.jitter cimport jitter_t

cdef void supply_pop(jitter_t *jitter) noexcept nogil
cdef void supply_missing(jitter_t *jitter, int count, int lost) noexcept nogil
cdef void supply_bridge(jitter_t *jitter, int count) noexcept nogil
cdef int supply_decoded(jitter_t *jitter, int late) noexcept nogil

from libc.stdint cimport int64_t

cdef struct slots_t:
    int length               # samples asked for each time
    int packet               # samples of each packet, and
    int64_t grid             # the timestamp of some: where packets begin
    int64_t clock            # our time, in samples, of the next playout

cdef int slots_measure(int a, int b) noexcept nogil
cdef int64_t slots_aligned(const slots_t *slots, int64_t delay) noexcept nogil
cdef int64_t slots_deadline(const slots_t *slots, int64_t delay) noexcept nogil

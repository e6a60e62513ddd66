from libc.stdint cimport int16_t, uint32_t


cdef struct ring_t:
    uint32_t written    # samples ever written, modulo 2**32; stored by the producer only
    uint32_t taken      # samples ever read, modulo 2**32; stored by the consumer only
    uint32_t overruns   # samples refused because the ring was full
    uint32_t underruns  # samples asked for that were not there
    uint32_t mask       # size of `samples` less one; a power of two less one
    uint32_t capacity   # as asked for: at most this many samples wait
    int16_t *samples    # owned by the ring


cdef ring_t *ring_new(int capacity) noexcept nogil
cdef void ring_free(ring_t *ring) noexcept nogil
cdef int ring_write(ring_t *ring, const int16_t *samples, int count) noexcept nogil
cdef int ring_read(ring_t *ring, int16_t *samples, int count) noexcept nogil
cdef int ring_discard(ring_t *ring, int count) noexcept nogil
cdef int ring_available(const ring_t *ring) noexcept nogil
cdef int ring_room(const ring_t *ring) noexcept nogil


cdef class Ring:
    cdef ring_t *ring  # owned; whoever uses the pointer from nogil code holds this object

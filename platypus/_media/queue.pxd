"""A bounded queue of pointers, one producer and one consumer."""

from libc.stdint cimport uint32_t

cdef enum:
    QUEUE_MAX = 32768  # a power of two: a leg has up to eight leases out while it is open


cdef struct queue_t:
    uint32_t pushed  # atomic; stored by the producer only
    uint32_t popped  # atomic; stored by the consumer only
    void *items[QUEUE_MAX]


cdef bint queue_push(queue_t *queue, void *item) noexcept nogil
cdef void *queue_pop(queue_t *queue) noexcept nogil
cdef int queue_length(const queue_t *queue) noexcept nogil

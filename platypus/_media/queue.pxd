"""A bounded queue of pointers, one producer and one consumer."""

from libc.stdint cimport uint32_t

from platypus._media.platform cimport platform_load_acquire, platform_store_release

cdef enum:
    QUEUE_MAX = 32768  # a power of two: a leg has up to eight leases out while it is open


cdef struct queue_t:
    uint32_t pushed  # atomic; stored by the producer only
    uint32_t popped  # atomic; stored by the consumer only
    void *items[QUEUE_MAX]


cdef bint queue_push(queue_t *queue, void *item) noexcept nogil
cdef int queue_length(const queue_t *queue) noexcept nogil


cdef inline void *queue_pop(queue_t *queue) noexcept nogil:
    """The oldest, or NULL."""
    cdef uint32_t popped = queue.popped
    cdef void *item
    if platform_load_acquire(&queue.pushed) == popped:
        return NULL
    item = queue.items[popped % QUEUE_MAX]
    platform_store_release(&queue.popped, popped + 1)
    return item

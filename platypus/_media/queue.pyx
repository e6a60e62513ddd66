"""A bounded queue of pointers between two threads: commands in, what is given up out.

The producer stores only `pushed`, the consumer only `popped`, both modulo 2**32. Several
Python threads may produce, since they hold the GIL while they do. A full queue refuses.
"""

from libc.stdint cimport uint32_t

from platypus._media.platform cimport platform_load_acquire, platform_store_release


cdef bint queue_push(queue_t *queue, void *item) noexcept nogil:
    cdef uint32_t pushed = queue.pushed
    if pushed - platform_load_acquire(&queue.popped) >= QUEUE_MAX:
        return False
    queue.items[pushed % QUEUE_MAX] = item
    platform_store_release(&queue.pushed, pushed + 1)
    return True


cdef int queue_length(const queue_t *queue) noexcept nogil:
    cdef uint32_t popped = platform_load_acquire(&queue.popped)
    return <int>(platform_load_acquire(&queue.pushed) - popped)

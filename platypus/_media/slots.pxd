"""How packets fall into the slots in which they are played.

A sample is needed at the slot in which it is played, so a delay that lets a packet begin
in the middle of a slot is of no more use than the one that lets it begin with the slot.
"""

from libc.stdint cimport int64_t

cdef struct slots_t:
    int length               # samples asked for each time
    int packet               # samples of each packet, and
    int64_t grid             # the timestamp of some: where packets begin
    int64_t clock            # our time, in samples, of the next playout


cdef inline int slots_measure(int a, int b) noexcept nogil:
    """The greatest common divisor."""
    cdef int rest
    while b:
        rest = a % b
        a = b
        b = rest
    return a


cdef inline int64_t slots_modulo(int64_t value, int64_t divisor) noexcept nogil:
    cdef int64_t rest = value % divisor
    return rest + divisor if rest < 0 else rest


cdef inline int64_t slots_aligned(const slots_t *slots, int64_t delay) noexcept nogil:
    """The least useful delay of at least `delay`.

    With packets as long as slots (or a multiple) it is the one that plays a packet
    from a slot's beginning. With others, some packets are needed up to a slot less
    their common measure before their own time.
    """
    cdef int measure = slots_measure(slots.packet, slots.length)
    return (delay + slots_modulo(slots.clock - slots.grid - delay, measure)
            + slots.length - measure)


cdef inline int64_t slots_deadline(const slots_t *slots, int64_t delay) noexcept nogil:
    """The transit that a packet may have at the most, if it is played with `delay`."""
    cdef int measure = slots_measure(slots.packet, slots.length)
    delay -= slots.length - measure
    return delay - slots_modulo(delay - slots.clock + slots.grid, measure)

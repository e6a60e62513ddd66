"""A leg's place in the schedule of its loop; the media thread's."""

from libc.stdint cimport int64_t

from platypus._media.leg cimport leg_t
from platypus._media.thread cimport loop_t

cdef void seat_take(loop_t *loop, leg_t *leg, int64_t now_ns) noexcept nogil
cdef void seat_leave(loop_t *loop, leg_t *leg) noexcept nogil
# After what the leg has to do with a sound card, or its packet time, became another.
cdef void seat_settle(loop_t *loop, leg_t *leg, int64_t now_ns) noexcept nogil
# After a source, a sink or a party moved: it may have been taken from another leg.
cdef void seat_settle_all(loop_t *loop, int64_t now_ns) noexcept nogil

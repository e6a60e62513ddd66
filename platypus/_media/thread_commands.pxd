"""What the media thread does at a command's word, between turns."""

from libc.stdint cimport int64_t

from platypus._media.leg cimport command_t, leg_t
from platypus._media.thread cimport loop_t

cdef void thread_obey(loop_t *loop, command_t *command, int64_t now_ns) noexcept nogil
cdef void thread_close_leg(loop_t *loop, leg_t *leg) noexcept nogil
# Gives the recordings back whose files are complete.
cdef void thread_collect(loop_t *loop) noexcept nogil

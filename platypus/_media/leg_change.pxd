"""The commands that touch only the leg."""

from libc.stdint cimport int64_t

from platypus._media.leg cimport command_t, leg_t

cdef void leg_close_sockets(leg_t *leg) noexcept nogil
cdef void leg_move(leg_t *leg, const command_t *command) noexcept nogil
cdef void leg_configure_receive(leg_t *leg, command_t *command, int64_t now_ns) noexcept nogil
cdef void leg_configure_send(leg_t *leg, command_t *command) noexcept nogil
cdef void leg_set_direction(leg_t *leg, bint send, bint receive, int64_t now_ns) noexcept nogil
cdef void leg_queue_digits(leg_t *leg, const command_t *command) noexcept nogil

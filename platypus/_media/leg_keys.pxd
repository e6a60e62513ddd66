from libc.stdint cimport int16_t

from platypus._media.event cimport events_t
from platypus._media.leg cimport command_t, leg_t

cdef void leg_press_keys(leg_t *leg, command_t *command) noexcept nogil
cdef void leg_listen_for_keys(leg_t *leg, command_t *command) noexcept nogil
# What is to be sent, with the tones that are due in it; `frame` is room for them.
cdef const int16_t *leg_with_tones(leg_t *leg, const int16_t *samples, int16_t *frame,
                                   int count) noexcept nogil
cdef void leg_hear_keys(leg_t *leg, const int16_t *frame, int count,
                        events_t *events) noexcept nogil

"""A leg's packets that are Python's business."""

from platypus._media.leg cimport command_t, leg_t
from platypus._media.platform cimport platform_datagram_t

# What came and is neither RTP nor RTCP.
cdef void leg_take_outside(leg_t *leg, const platform_datagram_t *datagram) noexcept nogil
# A packet of a command goes to the wire as it is.
cdef void leg_transmit(leg_t *leg, const command_t *command) noexcept nogil

"""A leg's RTCP: what comes from where, and what goes where."""

from libc.stdint cimport int64_t

from platypus._media.leg cimport command_t, leg_t
from platypus._media.platform cimport platform_datagram_t

cdef void leg_configure_rtcp(leg_t *leg, const command_t *command, int64_t now_ns) noexcept nogil
# A datagram that is RTCP by its second byte, from either socket.
cdef void leg_take_rtcp(leg_t *leg, platform_datagram_t *datagram,
                        bint on_rtp_port) noexcept nogil
cdef void leg_receive_rtcp(leg_t *leg, platform_datagram_t *inbox, int64_t offset_ns,
                           int64_t now_ns) noexcept nogil
# At the end of a turn: a report, if one is due.
cdef void leg_report(leg_t *leg, int64_t captured_ns, int64_t now_ns) noexcept nogil
cdef void leg_say_bye(leg_t *leg, int64_t now_ns) noexcept nogil

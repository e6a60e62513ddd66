"""A leg's packets that are Python's business: handshakes come by a ring, and answers by command.

Nobody gets them who did not ask: without a handshake to be made they are counted and dropped.
"""

from libc.stdint cimport uint8_t

from platypus._media.event cimport events_wake
from platypus._media.leg cimport command_t, leg_t
from platypus._media.platform cimport platform_datagram_t, platform_send_to
from platypus._media.post cimport POST_OUTSIDE, posts_push


cdef void leg_take_outside(leg_t *leg, const platform_datagram_t *datagram) noexcept nogil:
    """RFC 7983, 7: the first byte of STUN is 0 to 3, of DTLS 20 to 63."""
    cdef uint8_t first = datagram.data[0]
    if not leg.outside or datagram.length < 1 or not (first < 4 or 20 <= first < 64):
        leg.counters.invalid += 1
    elif posts_push(leg.posts, leg.id, POST_OUTSIDE, &datagram.source, datagram.data,
                    datagram.length, datagram.arrival_ns):
        events_wake(leg.events)


cdef void leg_transmit(leg_t *leg, const command_t *command) noexcept nogil:
    # An error is none of the call's: a handshake is repeated, a stream goes on.
    platform_send_to(leg.rtcp if command.first else leg.rtp, leg.family, &command.address,
                     command.packet, command.count)

"""The last step before a leg's sockets and the first behind them: SRTP where it was agreed.

RTP and RTCP go through the same pair, so that neither knows what the other does.
"""

from libc.stdint cimport uint8_t

from platypus._media.leg cimport GUARD_PLAIN, command_t, leg_t
from platypus._media.platform cimport (
    platform_address_t, platform_datagram_t, platform_send_to, platform_socket_t,
)

cdef enum:
    GIVEN_UP_MAX = 3


cdef int guard_send_any(leg_t *leg, platform_socket_t s, const platform_address_t *address,
                        uint8_t *packet, int length, bint rtcp) noexcept nogil
cdef int guard_open_any(leg_t *leg, platform_datagram_t *datagram, bint rtcp) noexcept nogil


cdef inline int guard_send(leg_t *leg, platform_socket_t s, const platform_address_t *address,
                           uint8_t *packet, int length, bint rtcp) noexcept nogil:
    """Sends a packet, protected as was agreed. Returns 0 or an errno, as platform_send_to.

    It has SRTP_TRAILER_MAX bytes of room behind it and stands on an address that can be divided
    by 4.
    """
    if leg.sending == GUARD_PLAIN:
        return platform_send_to(s, leg.family, address, packet, length)
    return guard_send_any(leg, s, address, packet, length, rtcp)


cdef inline int guard_open(leg_t *leg, platform_datagram_t *datagram, bint rtcp) noexcept nogil:
    """What came, opened in place: its length, or -1 when it is to be dropped (it was counted)."""
    if leg.receiving == GUARD_PLAIN:
        return datagram.length
    return guard_open_any(leg, datagram, rtcp)


# For a turn that comes soon, as leg_fetch: each step reads what the step before has brought near.
cdef void guard_fetch_contexts(const leg_t *leg) noexcept nogil
cdef void guard_fetch_sessions(const leg_t *leg) noexcept nogil

# A command with a context, or with none. Leases that are given up by it, at most GIVEN_UP_MAX
# with the command itself, are written to `given_up`; returns how many.
cdef int guard_change(leg_t *leg, command_t *command, command_t **given_up) noexcept nogil
cdef int guard_release(leg_t *leg, command_t **given_up) noexcept nogil

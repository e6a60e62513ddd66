"""The last step before a leg's sockets and the first behind them: SRTP where it was agreed.

A new receiving context comes with an offer or answer only, and does not take the place of the
one in use at once: packets under the old key are on their way, and whether a far end that
keeps its key goes on or starts anew can't be told from the key (rollover counters, RFC 3711,
3.3.1). So both are tried, the one that opened the last packet first, until one of them has
opened TRIAL_PACKETS in a row; but a new key that was agreed on is waited for however long the
far end takes to use it. After that a failure is a failure: to renew a context for it would let
whoever replays old packets in.
"""

from libc.errno cimport ENOBUFS, EPROTO
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from platypus._media.event cimport events_wake
from platypus._media.leg cimport (
    GUARD_RELAYED, GUARD_SHUT, VERB_PROTECT, command_t, guard_t, leg_t,
)
from platypus._media.platform cimport (
    platform_address_t, platform_datagram_t, platform_prefetch, platform_send_to, platform_socket_t,
)
from platypus._media.post cimport (
    POST_OPEN_RTCP, POST_OPEN_RTP, POST_SEAL_RTCP, POST_SEAL_RTP, post_kind_t, posts_push,
)
from platypus._media.srtp cimport (
    PACKET_MAX, PACKET_WORDS, SRTP_REPLAYED, SRTP_REPLAYED_OLD, context_protect, context_unprotect,
)

cdef enum:
    CONTEXT_HOT = 64  # down to its first SSRCs
    SESSION_HOT = 32  # libsrtp's own: where its streams are

cdef int TRIAL_PACKETS = 100  # 2 s of speech: far longer than packets are on their way
cdef int FOR_EVER = -1


cdef int relay(
    leg_t *leg, post_kind_t kind, const platform_address_t *address, const uint8_t *packet,
    int length, int64_t tag
) noexcept nogil:
    """`tag` comes back with it: the time of arrival, or whether it leaves by the RTCP socket."""
    if not posts_push(leg.posts, leg.id, kind, address, packet, length, tag):
        return ENOBUFS
    events_wake(leg.events)
    return 0


cdef int guard_send_any(
    leg_t *leg, platform_socket_t s, const platform_address_t *address, uint8_t *packet,
    int length, bint rtcp
) noexcept nogil:
    if leg.sending == GUARD_SHUT:
        return 0
    if leg.sending == GUARD_RELAYED:
        return relay(leg, POST_SEAL_RTCP if rtcp else POST_SEAL_RTP, address, packet, length,
                     s == leg.rtcp)
    if leg.sealing != NULL:
        length = context_protect(leg.sealing, packet, length, rtcp)
        if length < 0:
            return EPROTO
    return platform_send_to(s, leg.family, address, packet, length)


cdef int refuse(leg_t *leg, int status) noexcept nogil:
    if status in (-SRTP_REPLAYED, -SRTP_REPLAYED_OLD):
        leg.counters.replayed += 1
    else:
        leg.counters.forged += 1
    return -1


cdef void open_with(leg_t *leg, command_t *command) noexcept nogil:
    leg.unprotecting = command
    leg.opening = command.context


cdef int try_both(leg_t *leg, uint8_t *packet, int length, bint rtcp) noexcept nogil:
    cdef uint32_t words[PACKET_WORDS]
    cdef uint8_t *copy = <uint8_t *>words
    cdef command_t *used = leg.unprotecting
    cdef int opened
    memcpy(copy, packet, length)  # what can't be opened may be overwritten
    opened = context_unprotect(leg.opening, packet, length, rtcp)
    if opened >= 0:
        leg.trial -= leg.trial > 0
        return opened
    length = context_unprotect(leg.candidate.context, copy, length, rtcp)
    if length < 0:
        return refuse(leg, opened)
    open_with(leg, leg.candidate)
    leg.candidate = used
    leg.trial = TRIAL_PACKETS
    memcpy(packet, copy, length)
    return length


cdef int guard_open_any(leg_t *leg, platform_datagram_t *datagram, bint rtcp) noexcept nogil:
    cdef uint8_t *packet = &datagram.data[0]
    cdef int length = datagram.length
    if leg.receiving == GUARD_SHUT:
        leg.counters.unheard += 1
        return -1
    if leg.receiving == GUARD_RELAYED:
        if leg.delivering:
            return length
        relay(leg, POST_OPEN_RTCP if rtcp else POST_OPEN_RTP, &datagram.source, packet, length,
              datagram.arrival_ns)
        return -1
    if leg.trial != 0 and leg.candidate != NULL and 0 < length <= PACKET_MAX:
        return try_both(leg, packet, length, rtcp)
    length = context_unprotect(leg.opening, packet, length, rtcp)
    return length if length >= 0 else refuse(leg, length)


cdef void guard_fetch_contexts(const leg_t *leg) noexcept nogil:
    if leg.opening != NULL:
        platform_prefetch(leg.opening, CONTEXT_HOT)
    if leg.sealing != NULL:
        platform_prefetch(leg.sealing, CONTEXT_HOT)


cdef void guard_fetch_sessions(const leg_t *leg) noexcept nogil:
    if leg.opening != NULL:
        platform_prefetch(leg.opening.session, SESSION_HOT)
    if leg.sealing != NULL:
        platform_prefetch(leg.sealing.session, SESSION_HOT)


cdef int give_up(command_t **lease, command_t **given_up, int count) noexcept nogil:
    if lease[0] == NULL:
        return count
    given_up[count] = lease[0]
    lease[0] = NULL
    return count + 1


cdef int protect_with(leg_t *leg, command_t *command, command_t **given_up) noexcept nogil:
    cdef int count = give_up(&leg.protecting, given_up, 0)
    leg.sending = <guard_t>command.first
    leg.sealing = command.context
    if command.context != NULL:
        leg.protecting = command
        return count
    return give_up(&command, given_up, count)


cdef int unprotect_with(leg_t *leg, command_t *command, command_t **given_up) noexcept nogil:
    cdef int count = give_up(&leg.candidate, given_up, 0)
    leg.receiving = <guard_t>command.first
    leg.trial = 0
    if command.context == NULL:
        leg.opening = NULL
        count = give_up(&leg.unprotecting, given_up, count)
        return give_up(&command, given_up, count)
    if leg.unprotecting == NULL:
        open_with(leg, command)
        return count
    leg.candidate = command
    leg.trial = TRIAL_PACKETS if command.second else FOR_EVER
    return count


cdef int guard_change(leg_t *leg, command_t *command, command_t **given_up) noexcept nogil:
    if command.verb == VERB_PROTECT:
        return protect_with(leg, command, given_up)
    return unprotect_with(leg, command, given_up)


cdef int guard_release(leg_t *leg, command_t **given_up) noexcept nogil:
    cdef int count = give_up(&leg.protecting, given_up, 0)
    leg.sending = leg.receiving = GUARD_SHUT
    leg.sealing = leg.opening = NULL
    count = give_up(&leg.unprotecting, given_up, count)
    return give_up(&leg.candidate, given_up, count)

"""A leg's RTCP: whose is taken, and where ours goes.

    RTCP or RTP socket -> whose is it? -> reports
    reports -> due? -> RTCP or RTP socket

Reports are taken from the host that SDP named for them or from the one whose RTP is heard,
and go back to where valid ones come from (RFC 4961). Until one came, a far end whose RTP
comes from elsewhere than it said is guessed at one port above that (RFC 3550, 11).
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, memset

from platypus._media.guard cimport guard_open, guard_send
from platypus._media.leg cimport GUARD_PLAIN, command_t, leg_t
from platypus._media.leg_post cimport leg_take_outside
from platypus._media.platform cimport (
    PLATFORM_BATCH_MAX, PLATFORM_NO_SOCKET, platform_address_equal, platform_address_t,
    platform_datagram_t, platform_receive,
)
from platypus._media.reports cimport (
    REPORTS_TAKEN, reports_due, reports_receive, reports_start, reports_write,
)
from platypus._media.rtcp cimport rtcp_voip_t
from platypus._media.srtp cimport PACKET_WORDS
from platypus._media.stream cimport stream_follow_loss
from platypus._media.voip cimport voip_describe


cdef void leg_configure_rtcp(
    leg_t *leg, const command_t *command, int64_t now_ns
) noexcept nogil:
    if not platform_address_equal(&leg.rtcp_signalled, &command.address):
        leg.rtcp_signalled = command.address
        memset(&leg.rtcp_heard, 0, sizeof(platform_address_t))
    leg.rtcp_mux = command.first
    leg.rtcp_voip = command.second
    if command.address.family:
        reports_start(&leg.reports, now_ns)


cdef bint same_host(const platform_address_t *a, const platform_address_t *b) noexcept nogil:
    return a.family == b.family and memcmp(a.ip, b.ip, sizeof(a.ip)) == 0


cdef bint is_known(const leg_t *leg, const platform_address_t *source) noexcept nogil:
    """What authenticated may come from anywhere."""
    return (leg.receiving != GUARD_PLAIN or same_host(source, &leg.rtcp_signalled)
            or same_host(source, &leg.latch.heard))


cdef void leg_take_rtcp(
    leg_t *leg, platform_datagram_t *datagram, bint on_rtp_port
) noexcept nogil:
    cdef const platform_address_t *source = &datagram.source
    cdef int length = guard_open(leg, datagram, True)
    cdef uint32_t blocks = leg.reports.figures.remote_blocks
    if length < 0:
        return
    if not is_known(leg, source):
        leg.counters.strangers += 1
        return
    if reports_receive(&leg.reports, leg.stream.sender.clock, datagram.data, length,
                       datagram.arrival_ns) != REPORTS_TAKEN:
        leg.counters.invalid += 1
        return
    leg.counters.rtcp_packets += 1
    if leg.reports.figures.remote_blocks != blocks:
        stream_follow_loss(leg.stream, leg.reports.figures.remote_fraction)
    if not on_rtp_port:
        leg.rtcp_heard = source[0]


cdef void leg_receive_rtcp(
    leg_t *leg, platform_datagram_t *inbox, int64_t offset_ns, int64_t now_ns
) noexcept nogil:
    cdef int left = PLATFORM_BATCH_MAX
    while left > 0 and platform_receive(leg.rtcp, inbox, offset_ns, now_ns):
        if inbox.length > 0 and inbox.data[0] >> 6 == 2:
            leg_take_rtcp(leg, inbox, False)
        else:
            leg_take_outside(leg, inbox)
        left -= 1


cdef platform_address_t target_of(const leg_t *leg) noexcept nogil:
    cdef platform_address_t target = leg.rtcp_signalled
    if leg.rtcp_heard.family:
        return leg.rtcp_heard
    if not platform_address_equal(&leg.latch.target, &leg.latch.signalled):
        target = leg.latch.target
        target.port += 1
    return target


cdef void transmit(leg_t *leg, uint8_t *packet, int length) noexcept nogil:
    """Nobody has to listen for reports: an error here is none of the call's."""
    cdef platform_address_t target
    if leg.rtcp_mux:
        guard_send(leg, leg.rtp, &leg.latch.target, packet, length, True)
    elif leg.rtcp != PLATFORM_NO_SOCKET:
        target = target_of(leg)
        guard_send(leg, leg.rtcp, &target, packet, length, True)


cdef void say(leg_t *leg, int64_t captured_ns, int64_t now_ns, bint bye) noexcept nogil:
    cdef uint32_t[PACKET_WORDS] words
    cdef uint8_t *packet = <uint8_t *>words
    cdef rtcp_voip_t voip
    cdef int length
    if leg.rtcp_voip:
        voip_describe(&voip, leg.stream, &leg.reports.figures)
    length = reports_write(&leg.reports, leg.stream, &voip if leg.rtcp_voip else NULL,
                           captured_ns, now_ns, bye, packet)
    transmit(leg, packet, length)


cdef void leg_report(leg_t *leg, int64_t captured_ns, int64_t now_ns) noexcept nogil:
    if leg.rtcp_signalled.family and reports_due(&leg.reports, leg.stream, now_ns):
        say(leg, captured_ns, now_ns, False)


cdef void leg_say_bye(leg_t *leg, int64_t now_ns) noexcept nogil:
    # RFC 3550, 6.3.7: not by who never sent anything.
    if leg.rtcp_signalled.family and leg.reports.said:
        say(leg, now_ns, now_ns, True)

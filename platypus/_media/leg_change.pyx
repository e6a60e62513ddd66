"""What a command changes of a leg: its sockets, payload types, rate, direction and digits.

What the command brings is swapped for what it replaces, which goes back with it. Nothing of
this is done in a turn.
"""

from libc.stdint cimport int64_t
from libc.string cimport memset

from platypus._media.address cimport latch_signal
from platypus._media.conference cimport party_swap
from platypus._media.gear cimport gear_swap, gear_t
from platypus._media.leg cimport DIGITS_MAX, command_t, leg_t, meter_t
from platypus._media.leg_record cimport leg_shift_recordings
from platypus._media.platform cimport (
    PLATFORM_NO_SOCKET, platform_socket_close, platform_store_release,
)
from platypus._media.stream cimport (
    stream_clear_receive, stream_configure_receive, stream_configure_send, stream_pace,
    stream_pass_over, stream_swap_decoder, stream_swap_encoder,
)


cdef void leg_close_sockets(leg_t *leg) noexcept nogil:
    platform_socket_close(leg.rtp)
    platform_socket_close(leg.rtcp)
    leg.rtp = leg.rtcp = PLATFORM_NO_SOCKET


cdef void leg_move(leg_t *leg, const command_t *command) noexcept nogil:
    """The old sockets lead nowhere, and the far end is nobody until it is named anew."""
    leg_close_sockets(leg)
    leg.rtp, leg.rtcp = command.rtp, command.rtcp
    leg.family = command.first
    leg.read_all = True
    leg.error_told = False
    memset(&leg.latch, 0, sizeof(leg.latch))
    memset(&leg.rtcp_signalled, 0, sizeof(leg.rtcp_signalled))
    memset(&leg.rtcp_heard, 0, sizeof(leg.rtcp_heard))


cdef void leg_configure_receive(
    leg_t *leg, command_t *command, int64_t now_ns
) noexcept nogil:
    cdef int index
    if command.decoder != NULL:
        command.decoder = stream_swap_decoder(leg.stream, command.decoder)
    stream_clear_receive(leg.stream)
    for index in range(command.count):
        stream_configure_receive(leg.stream, command.types[index], command.codecs[index],
                                 command.clocks[index])
    leg.receiving_since_ns = now_ns


cdef void shift(leg_t *leg, gear_t *gear) noexcept nogil:
    """Run at another rate from this frame on."""
    leg.rate = gear.rate
    leg.frame = gear.rate // 50
    gear.decoder = stream_swap_decoder(leg.stream, gear.decoder)
    if leg.feed != NULL:
        gear_swap(&leg.feed.resampler, &gear.source)
        leg.feed.staged = 0
    if leg.sink != NULL:
        gear_swap(&leg.sink.outlet.resampler, &gear.sink)
    leg_shift_recordings(leg, gear)
    if leg.party != NULL:
        party_swap(leg.party.party, gear)
    memset(leg.played, 0, sizeof(leg.played))
    memset(&leg.sent_meter, 0, sizeof(meter_t))
    memset(&leg.played_meter, 0, sizeof(meter_t))


cdef void leg_configure_send(leg_t *leg, command_t *command) noexcept nogil:
    if command.gear != NULL:
        shift(leg, command.gear)
    leg.sends = (
        stream_configure_send(
            leg.stream, command.first, command.second, command.third, command.fourth,
            command.sixth,
        ) == 0
        and stream_pace(leg.stream, leg.rate, command.fifth) == 0
    )
    leg.tenths = command.fifth % 20 != 0
    if command.encoder != NULL:
        command.encoder = stream_swap_encoder(leg.stream, command.encoder)
    latch_signal(&leg.latch, &command.address)


cdef void leg_set_direction(leg_t *leg, bint send, bint receive, int64_t now_ns) noexcept nogil:
    if receive and not leg.may_receive:
        leg.receiving_since_ns = now_ns
        stream_pass_over(leg.stream)
    leg.may_send = send
    leg.may_receive = receive


cdef void leg_queue_digits(leg_t *leg, const command_t *command) noexcept nogil:
    cdef int index, at
    for index in range(command.count):
        if leg.digit_count == DIGITS_MAX:
            platform_store_release(&leg.digits_done, leg.digits_done + 1)
            continue
        at = (leg.digit_first + leg.digit_count) % DIGITS_MAX
        leg.digits[at] = command.digits[index]
        leg.durations_ms[at] = command.first
        leg.gaps_ms[at] = command.second
        leg.digit_count += 1

"""The receiving half of a stream (RFC 3550, 4733).

    receive:  packet -> parse -> source, order -> place in time -> jitter buffer
    playout:  jitter buffer -> decode -> frame

A packet that is out of sequence (another SSRC, a sequence number far off) is held
until its successor confirms it, or until there is nothing else to play: so a stray
packet disturbs nothing, and a real change costs no audio. A timestamp that disagrees
with both the sequence and the clock is not followed: the sound goes on where it was.

No sockets, no SRTP and no RTCP; whose packets come in is the loop's business.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from platypus._media.codec cimport (
    CODEC_COMFORT_NOISE, CODEC_NONE, CODEC_OPUS, CODEC_TELEPHONE_EVENT, codec_decoder_t,
    codec_samples,
)
from platypus._media.jitter cimport (
    JITTER_LATE, JITTER_TOO_LONG, jitter_counters_t, jitter_dry, jitter_glue, jitter_init,
    jitter_insert, jitter_keep, jitter_playout, jitter_t,
)
from platypus._media.losses cimport losses_note
from platypus._media.opus cimport opus_is_wide
from platypus._media.report cimport (
    STREAM_ACCEPTED, STREAM_DUPLICATE, STREAM_EVENT_DTMF, STREAM_EVENT_SSRC,
    STREAM_EVENT_STARTED, STREAM_HELD, STREAM_LATE, STREAM_MALFORMED, STREAM_MAX_FRAME,
    STREAM_MAX_PACKET, STREAM_NOT_RTP, STREAM_OVERFLOW, STREAM_RTCP, STREAM_SILENCE,
    STREAM_UNKNOWN_TYPE, stream_event_t, stream_statistics_t,
)
from platypus._media.rtp cimport (
    RTP_DUPLICATE, RTP_IS_RTCP, RTP_JUMP, RTP_NOT_RTP, RTP_OK, RTP_REORDERED, rtp_packet_t,
    rtp_parse, rtp_source_awaits, rtp_source_jitter, rtp_source_lost, rtp_source_start,
    rtp_source_t, rtp_source_update,
)
from platypus._media.telephone_event cimport (
    event_expire, event_new_source, event_receive, event_report, event_report_t,
)


cdef enum:
    PT_COMFORT_NOISE = 13    # RFC 3389: static, and sent by some without having been agreed
    STRAY_MS = 30            # timestamps and clock may differ by this much and still agree
    REORDER_MS = 2000        # an overtaken packet is not older than this
    BITRATE_MEMORY = 256     # packets
    PAUSE_MEMORY = 4096      # so that fewer bits from here on are seen as well


cdef void receiver_init(receiver_t *receiver, codec_decoder_t *decoder) noexcept nogil:
    memset(receiver, 0, <size_t>(<char *>&receiver.jitter - <char *>receiver))
    memset(&receiver.held, 0, sizeof(held_t))
    memset(&receiver.events, 0, sizeof(event_receiver_t))
    receiver.rate = decoder.rate
    receiver.decoder = decoder
    receiver_clear(receiver)
    jitter_init(&receiver.jitter, decoder, &receiver.losses)


cdef inline uint64_t rescaled(uint64_t samples, int before, int rate) noexcept nogil:
    return samples * <uint64_t>rate // <uint64_t>before


cdef int64_t played_of(const jitter_t *jitter) noexcept nogil:
    """Samples of packets that were played; negative by what waits that was made up ahead."""
    return <int64_t>(jitter.counters.decoded - jitter.counters.removed
                     - jitter.counters.dropped) - jitter.pcm_count


cdef void retime(receiver_t *receiver, int rate) noexcept nogil:
    """Begin to play anew, at another rate. What was counted in samples stays as long."""
    cdef jitter_t *jitter = &receiver.jitter
    cdef int before = receiver.rate
    cdef jitter_counters_t counters = jitter.counters
    cdef uint64_t played = <uint64_t>max(<int64_t>0, played_of(jitter))
    jitter_init(jitter, receiver.decoder, &receiver.losses)
    jitter.counters.late = counters.late
    jitter.counters.discarded = counters.discarded
    jitter.counters.concealed = rescaled(counters.concealed, before, rate)
    jitter.counters.silent = rescaled(counters.silent, before, rate)
    jitter.counters.inserted = rescaled(counters.inserted, before, rate)
    jitter.counters.removed = rescaled(counters.removed, before, rate)
    jitter.counters.dropped = rescaled(counters.dropped, before, rate)
    played = rescaled(played, before, rate)
    jitter.counters.decoded = played + jitter.counters.removed + jitter.counters.dropped
    jitter.counters.requested = (played + jitter.counters.concealed + jitter.counters.silent
                                 + jitter.counters.inserted)
    receiver.rate = rate
    receiver.placed = 0


cdef codec_decoder_t *receiver_swap(receiver_t *receiver, codec_decoder_t *decoder) noexcept nogil:
    cdef codec_decoder_t *before = receiver.decoder
    receiver.decoder = decoder
    receiver.jitter.decoder = decoder
    if decoder.rate != receiver.rate:
        retime(receiver, decoder.rate)
    return before


cdef int receiver_configure(receiver_t *receiver, int payload_type, int codec,
                            int clock) noexcept nogil:
    """Take `payload_type` for `codec`; 0, or -1 for a payload type that is none."""
    if not 0 <= payload_type < 128:
        return -1
    receiver.types[payload_type].codec = <uint8_t>codec
    receiver.types[payload_type].clock = <uint8_t>(clock // 1000)
    return 0


cdef void receiver_clear(receiver_t *receiver) noexcept nogil:
    """Forget all payload types, before new ones are set."""
    cdef int payload_type
    for payload_type in range(128):
        receiver.types[payload_type].codec = CODEC_NONE
        receiver.types[payload_type].clock = 8
    receiver.types[PT_COMFORT_NOISE].codec = CODEC_COMFORT_NOISE


cdef inline int samples_of(const receiver_t *receiver, const uint8_t *data,
                           const rtp_packet_t *packet) noexcept nogil:
    return codec_samples(receiver.types[packet.payload_type].codec, data + packet.payload_offset,
                         packet.payload_length, receiver.rate)


cdef inline int64_t advance_of(const receiver_t *receiver,
                               const rtp_packet_t *packet) noexcept nogil:
    """From the packet placed last to this one, in samples, as the timestamps have it."""
    cdef int64_t advance = <int32_t>(packet.timestamp - receiver.placed_rtp)
    cdef int clock = receiver.types[packet.payload_type].clock
    if receiver.rate == 1000 * clock:
        return advance
    return advance * (receiver.rate // 1000) // clock


cdef int64_t to_samples(receiver_t *receiver, int64_t time_ns) noexcept nogil:
    """Our clock in samples. The first time given is its origin."""
    cdef int64_t elapsed
    if not receiver.origin_known:
        receiver.origin_known = 1
        receiver.origin_ns = time_ns
    elapsed = time_ns - receiver.origin_ns
    # In two parts: the product of a day and the rate would not fit. Rounded to the nearest.
    return (elapsed // 1000000000 * receiver.rate
            + (elapsed % 1000000000 * receiver.rate + 500000000) // 1000000000)


cdef int is_restart(const receiver_t *receiver, const uint8_t *data,
                    const rtp_packet_t *packet, int64_t extended) noexcept nogil:
    """A packet that seems older is no old packet: its timestamp says that it is new."""
    cdef int64_t behind = receiver.source.highest - extended
    cdef int64_t advance = advance_of(receiver, packet)
    if not receiver.placed or behind <= 0 or samples_of(receiver, data, packet) == 0:
        return 0
    # An old one lies back at least a quarter of what its packets were worth of late.
    return (-advance < behind * receiver.placed_samples // 4
            or -advance > <int64_t>receiver.rate * REORDER_MS // 1000)


cdef int64_t place(receiver_t *receiver, const rtp_packet_t *packet, int64_t extended,
                   int samples, int64_t arrival) noexcept nogil:
    """The timestamp of an audio packet in the jitter buffer."""
    cdef int64_t advance, timestamp, off_sequence, off_clock
    cdef int64_t stray = <int64_t>receiver.rate * STRAY_MS // 1000
    if not receiver.placed:
        timestamp = jitter_glue(&receiver.jitter, arrival, samples)
    else:
        advance = advance_of(receiver, packet)
        timestamp = receiver.placed_at + advance
        if extended <= receiver.placed_extended:
            return timestamp  # overtaken: its place is known
        off_sequence = advance - (extended - receiver.placed_extended) * receiver.placed_samples
        off_clock = advance - (arrival - receiver.placed_arrival)
        if off_sequence != 0 and (off_clock > stray or off_clock < -stray):
            timestamp = jitter_glue(&receiver.jitter, arrival, samples)
    receiver.placed = 1
    receiver.placed_rtp = packet.timestamp
    receiver.placed_at = timestamp
    receiver.placed_arrival = arrival
    receiver.placed_extended = extended
    receiver.placed_samples = samples
    return timestamp


cdef void note_bitrate(receiver_t *receiver, const uint8_t *payload, int length,
                       int samples) noexcept nogil:
    """How many bits Opus spends on speech: packets of less than half of that are its pauses."""
    cdef float bitrate
    if receiver.heard_codec != CODEC_OPUS:
        receiver.heard_bitrate = 0
        return
    bitrate = <float>8 * length * receiver.rate / samples
    if bitrate > receiver.heard_bitrate / 2:
        if not opus_is_wide(payload):
            receiver.heard_bitrate = 0
        elif receiver.heard_bitrate == 0:
            receiver.heard_bitrate = bitrate
        else:
            receiver.heard_bitrate += (bitrate - receiver.heard_bitrate) / BITRATE_MEMORY
    else:
        receiver.heard_bitrate += (bitrate - receiver.heard_bitrate) / PAUSE_MEMORY


cdef int take_in(receiver_t *receiver, const uint8_t *data, const rtp_packet_t *packet,
                 int64_t extended, int64_t arrival_ns) noexcept nogil:
    """A packet of the source, in its order: to the jitter buffer, or an event."""
    cdef const uint8_t *payload = data + packet.payload_offset
    cdef int codec = receiver.types[packet.payload_type].codec
    cdef int clock = receiver.types[packet.payload_type].clock * 1000
    cdef int samples = samples_of(receiver, data, packet)
    cdef int64_t arrival = to_samples(receiver, arrival_ns)
    cdef int64_t timestamp = 0
    cdef int64_t position = extended + receiver.position
    cdef int length = 0
    cdef int inserted
    receiver.packets += 1
    receiver.bytes += <uint64_t>packet.payload_length
    if samples > 0:
        timestamp = place(receiver, packet, extended, samples, arrival)
        length = packet.payload_length
        rtp_source_jitter(&receiver.source, packet.timestamp, arrival_ns, clock)
        receiver.heard_codec = codec
        receiver.heard_clock = clock
        note_bitrate(receiver, payload, length, samples)
    elif codec == CODEC_COMFORT_NOISE:
        length = packet.payload_length
    elif codec == CODEC_TELEPHONE_EVENT:
        event_receive(&receiver.events, payload, packet.payload_length, packet.marker,
                      packet.timestamp, arrival_ns, clock, receiver.heard_clock or clock)
        receiver.stirring = 1
    receiver.newest_position = max(receiver.newest_position, position)
    inserted = jitter_insert(&receiver.jitter, position, timestamp, arrival, codec, samples,
                             payload, length)
    losses_note(&receiver.losses, position, inserted == JITTER_LATE and samples > 0)
    if codec == CODEC_NONE:
        receiver.refused += 1
        return STREAM_UNKNOWN_TYPE
    if inserted == JITTER_TOO_LONG:
        receiver.overflowed += 1
        return STREAM_OVERFLOW
    if inserted == JITTER_LATE and samples > 0:
        return STREAM_LATE
    if samples > 0 and not receiver.started:
        receiver.started = receiver.told_started = receiver.stirring = 1
    return STREAM_ACCEPTED


cdef void follow(receiver_t *receiver, uint32_t ssrc, uint16_t sequence) noexcept nogil:
    """Another source, or the same one counting anew, is the stream from here on."""
    cdef int changed = not receiver.known or ssrc != receiver.source.ssrc
    cdef int64_t lost = rtp_source_lost(&receiver.source)
    if lost > 0:
        receiver.lost_before += <uint64_t>lost
    rtp_source_start(&receiver.source, ssrc, sequence)
    receiver.position = receiver.newest_position + 1 - sequence
    if changed:
        receiver.placed = 0
        event_new_source(&receiver.events)
        receiver.known = receiver.told_ssrc = receiver.stirring = 1
    else:
        receiver.placed_extended = <int64_t>sequence - 1


cdef int admit(receiver_t *receiver, const uint8_t *data, const rtp_packet_t *packet,
               int64_t arrival_ns) noexcept nogil:
    """Count a packet of the present source, and take it in."""
    cdef int64_t extended = 0
    cdef int order = rtp_source_update(&receiver.source, packet.sequence, &extended)
    if order == RTP_DUPLICATE:
        receiver.duplicated += 1
        return STREAM_DUPLICATE
    if order == RTP_REORDERED:
        receiver.reordered += 1
    return take_in(receiver, data, packet, extended, arrival_ns)


cdef void follow_held(receiver_t *receiver) noexcept nogil:
    """What was held is the stream now."""
    cdef rtp_packet_t packet
    cdef held_t *held = &receiver.held
    if rtp_parse(held.data, receiver.held_length, &packet) == RTP_OK:
        follow(receiver, packet.ssrc, packet.sequence)
        admit(receiver, held.data, &packet, held.arrival_ns)
        jitter_keep(&receiver.jitter)
    receiver.held_length = 0


cdef int hold(receiver_t *receiver, const uint8_t *data, int length, const rtp_packet_t *packet,
              int64_t arrival_ns) noexcept nogil:
    """Keep a packet out of sequence, or follow it if it is the held one's successor."""
    cdef held_t *held = &receiver.held
    if (receiver.held_length > 0 and held.ssrc == packet.ssrc
            and packet.sequence == <uint16_t>(held.sequence + 1)):
        follow_held(receiver)
        return admit(receiver, data, packet, arrival_ns)
    if receiver.held_length > 0:
        receiver.refused += 1
    receiver.held_length = length
    held.ssrc = packet.ssrc
    held.sequence = packet.sequence
    held.arrival_ns = arrival_ns
    memcpy(held.data, data, length)
    return STREAM_HELD


cdef int in_sequence(const receiver_t *receiver, const uint8_t *data,
                     const rtp_packet_t *packet) noexcept nogil:
    """Whether the packet goes on where the source is; nothing is changed."""
    cdef rtp_source_t source
    cdef int64_t extended = 0
    if packet.ssrc != receiver.source.ssrc:
        return 0
    if rtp_source_awaits(&receiver.source, packet.sequence):
        return 1
    source = receiver.source
    if rtp_source_update(&source, packet.sequence, &extended) == RTP_JUMP:
        return 0
    return not is_restart(receiver, data, packet, extended)


cdef int receiver_receive(receiver_t *receiver, const uint8_t *packet, int length,
                        int64_t arrival_ns) noexcept nogil:
    cdef rtp_packet_t parsed
    cdef int result
    if length > STREAM_MAX_PACKET:
        receiver.overflowed += 1
        return STREAM_OVERFLOW
    result = rtp_parse(packet, length, &parsed)
    if result == RTP_IS_RTCP:
        return STREAM_RTCP
    if result != RTP_OK:
        receiver.refused += 1
        return STREAM_NOT_RTP if result == RTP_NOT_RTP else STREAM_MALFORMED
    if not receiver.source.active:
        if receiver.types[parsed.payload_type].codec == CODEC_NONE:
            receiver.refused += 1
            return STREAM_UNKNOWN_TYPE  # not what a source is known by
        follow(receiver, parsed.ssrc, parsed.sequence)
        return admit(receiver, packet, &parsed, arrival_ns)
    if not in_sequence(receiver, packet, &parsed):
        if receiver.types[parsed.payload_type].codec == CODEC_NONE:
            receiver.refused += 1
            return STREAM_UNKNOWN_TYPE
        return hold(receiver, packet, length, &parsed, arrival_ns)
    if receiver.held_length > 0:
        receiver.held_length = 0  # the source goes on: that was a stray packet
        receiver.refused += 1
    return admit(receiver, packet, &parsed, arrival_ns)


cdef void receiver_pass_over(receiver_t *receiver) noexcept nogil:
    cdef int64_t lost = rtp_source_lost(&receiver.source)
    if lost > 0:
        receiver.lost_before += <uint64_t>lost
    receiver.source.active = 0  # whoever comes next is believed, and counted from there
    receiver.held_length = 0


cdef int receiver_playout(receiver_t *receiver, int16_t *frame, int samples,
                        int64_t now_ns) noexcept nogil:
    cdef int64_t now
    if samples < 1:
        return STREAM_SILENCE
    if samples > STREAM_MAX_FRAME:
        memset(frame, 0, samples * sizeof(int16_t))
        return STREAM_SILENCE
    now = to_samples(receiver, now_ns)
    if receiver.held_length > 0 and jitter_dry(&receiver.jitter, samples):
        follow_held(receiver)
    if receiver.stirring:
        event_expire(&receiver.events, now_ns)
    return jitter_playout(&receiver.jitter, frame, samples, now)


cdef int receiver_next_event(receiver_t *receiver, stream_event_t *event) noexcept nogil:
    """The next thing that happened: 1, or 0 if there is none."""
    cdef event_report_t report
    if not receiver.stirring:
        return 0
    memset(event, 0, sizeof(stream_event_t))
    event.ssrc = receiver.source.ssrc
    if receiver.told_ssrc:
        receiver.told_ssrc = 0
        event.kind = STREAM_EVENT_SSRC
        return 1
    if receiver.told_started:
        receiver.told_started = 0
        event.kind = STREAM_EVENT_STARTED
        return 1
    if event_report(&receiver.events, &report):
        event.kind = STREAM_EVENT_DTMF
        event.code = report.event
        event.duration_ms = report.duration_ms
        return 1
    receiver.stirring = receiver.events.active != 0
    return 0


cdef void receiver_statistics(const receiver_t *receiver,
                            stream_statistics_t *statistics) noexcept nogil:
    cdef const jitter_t *jitter = &receiver.jitter
    cdef int64_t lost = <int64_t>receiver.lost_before + rtp_source_lost(&receiver.source)
    cdef int64_t played = played_of(jitter)
    # What was made up ahead and waits still is not told before it is played.
    cdef uint64_t ahead = <uint64_t>max(<int64_t>0, -played)
    cdef uint64_t concealed = min(ahead, jitter.counters.concealed)
    statistics.packets = receiver.packets
    statistics.bytes = receiver.bytes
    statistics.lost = <uint64_t>max(0, lost)
    statistics.late = jitter.counters.late
    statistics.duplicated = receiver.duplicated
    statistics.reordered = receiver.reordered
    statistics.discarded = jitter.counters.discarded + receiver.overflowed
    statistics.refused = receiver.refused
    statistics.requested_samples = jitter.counters.requested
    statistics.concealed_samples = jitter.counters.concealed - concealed
    statistics.silent_samples = jitter.counters.silent - (ahead - concealed)
    statistics.inserted_samples = jitter.counters.inserted
    statistics.removed_samples = jitter.counters.removed
    statistics.dropped_samples = jitter.counters.dropped
    statistics.played_samples = <uint64_t>max(<int64_t>0, played)
    statistics.jitter_ms = receiver.source.jitter_ns / 1e6 if receiver.source.jitter_known else -1.0
    statistics.buffer_ms = jitter.wait * 1000.0 / receiver.rate if jitter.wait >= 0 else -1.0

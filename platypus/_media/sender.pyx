"""The sending half of a stream: frame -> encode, or a telephone event -> RTP packet.

Packets are as long as was agreed: shorter frames are gathered. Sequence numbers go up by
one for each packet, timestamps with the time that passes, whether something is sent or
not (RFC 3550, 5.1; RFC 4733, 2.5.1 for events).

When to send, and where to, is not decided here.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from platypus._media.codec cimport codec_encode
from platypus._media.rtp cimport RTP_HEADER, rtp_write_header
from platypus._media.telephone_event cimport (
    EVENT_PAUSE, EVENT_PAYLOAD, event_queue, event_sending,
)


cdef enum:
    LONGEST_EVENT_MS = 60000 # a digit held for a minute is a mistake


cdef void sender_init(sender_t *sender, int rate, int frame_samples, uint32_t ssrc,
                      uint16_t sequence, uint32_t timestamp) noexcept nogil:
    """Set up a sender that lies in zeroed memory."""
    sender.rate = rate
    sender.frame_samples = frame_samples
    sender.ssrc = ssrc
    sender.sequence = sequence
    sender.timestamp = timestamp
    sender.marker = 1
    sender.event_type = -1


cdef int sender_configure(sender_t *sender, int payload_type, int codec,
                               int event_type) noexcept nogil:
    """Encode with `codec` from now on; 0, or -1 for a payload type that is none."""
    if not 0 <= payload_type < 128 or not -1 <= event_type < 128:
        return -1
    sender.payload_type = payload_type
    sender.codec = codec
    sender.event_type = event_type
    return 0


cdef int send_packet(sender_t *sender, int payload_type, int marker, uint32_t timestamp,
                     int payload_length, uint8_t *packet) noexcept nogil:
    rtp_write_header(packet, payload_type, marker, sender.sequence, timestamp, sender.ssrc)
    sender.sequence += 1
    sender.packets += 1
    sender.bytes += <uint64_t>payload_length
    return RTP_HEADER + payload_length


cdef int sender_capture(sender_t *sender, const int16_t *frame, int samples,
                        uint8_t *packet, int capacity) noexcept nogil:
    cdef int marker = 0
    cdef int length
    cdef uint32_t timestamp, event_timestamp = 0
    samples = min(samples, sender.frame_samples - sender.gathered_count)
    if samples > 0:
        if frame == NULL:
            memset(sender.gathered + sender.gathered_count, 0, samples * sizeof(int16_t))
        else:
            memcpy(sender.gathered + sender.gathered_count, frame, samples * sizeof(int16_t))
        sender.gathered_count += samples
    if sender.gathered_count < sender.frame_samples:
        return 0
    sender.gathered_count = 0
    timestamp = sender.timestamp
    sender.timestamp += <uint32_t>sender.frame_samples
    if capacity < RTP_HEADER + sender.frame_samples or capacity < RTP_HEADER + EVENT_PAYLOAD:
        return 0
    if sender.event_type >= 0:
        length = event_sending(&sender.events, sender.frame_samples, sender.rate,
                               timestamp, packet + RTP_HEADER, &marker, &event_timestamp)
        if length > 0:
            return send_packet(sender, sender.event_type, marker, event_timestamp, length, packet)
    length = codec_encode(sender.codec, sender.gathered, sender.frame_samples,
                    packet + RTP_HEADER)
    if length == 0:
        return 0
    marker = sender.marker
    sender.marker = 0
    return send_packet(sender, sender.payload_type, marker, timestamp, length, packet)


cdef void sender_skip(sender_t *sender, int samples) noexcept nogil:
    # What was gathered is given up with the rest; its time counts as well.
    if samples > 0:
        sender.timestamp += <uint32_t>(samples + sender.gathered_count)
        sender.gathered_count = 0
        sender.marker = 1  # RFC 3551, 4.1: the first packet after a silence


cdef int sender_event(sender_t *sender, int event, int duration_ms,
                           int volume) noexcept nogil:
    if sender.event_type < 0 or event < 0 or not 1 <= duration_ms <= LONGEST_EVENT_MS:
        return -1
    return event_queue(&sender.events, event,
                       <int64_t>duration_ms * sender.rate // 1000, volume)


cdef int sender_pause(sender_t *sender, int duration_ms) noexcept nogil:
    if sender.event_type < 0 or not 1 <= duration_ms <= LONGEST_EVENT_MS:
        return -1
    return event_queue(&sender.events, EVENT_PAUSE,
                       <int64_t>duration_ms * sender.rate // 1000, 0)

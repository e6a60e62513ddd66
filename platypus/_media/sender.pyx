"""The sending half of a stream: frame -> encode, or an event, or comfort noise -> RTP packet.

Packets are as long as was agreed: shorter frames are gathered. Sequence numbers go up by
one for each packet, timestamps with the time that passes, whether something is sent or
not (RFC 3550, 5.1; RFC 4733, 2.5.1 for events). They are in the codec's clock, frames in
its samples, and that is not always the same.

When to send, and where to, is not decided here.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from platypus._media.codec cimport codec_clock, codec_encode, codec_encoder_t
from platypus._media.rtp cimport RTP_HEADER, rtp_write_header
from platypus._media.silence cimport SILENCE_PAYLOAD, SILENCE_SPEECH, silence_forget, silence_judge
from platypus._media.telephone_event cimport (
    EVENT_PAUSE, EVENT_PAYLOAD, event_queue, event_sending,
)


cdef enum:
    LONGEST_EVENT_MS = 60000 # a digit held for a minute is a mistake


cdef void sender_init(sender_t *sender, int rate, int ptime_ms, uint32_t ssrc,
                      uint16_t sequence, uint32_t timestamp) noexcept nogil:
    """Set up a sender that lies in zeroed memory."""
    sender.rate = sender.clock = rate
    sender.frame_samples = rate * ptime_ms // 1000
    sender.ssrc = ssrc
    sender.sequence = sequence
    sender.timestamp = timestamp
    sender.marker = 1
    sender.event_type = sender.noise_type = -1


cdef int sender_configure(sender_t *sender, int payload_type, int codec, int event_type,
                          int event_clock, int noise_type) noexcept nogil:
    """Encode with `codec` from now on; 0, or -1 for a payload type that is none."""
    if not 0 <= payload_type < 128 or not -1 <= event_type < 128 or not -1 <= noise_type < 128:
        return -1
    if noise_type < 0 or noise_type != sender.noise_type or codec != sender.codec:
        silence_forget(&sender.silence)
    sender.noise_type = noise_type
    sender.payload_type = payload_type
    sender.codec = codec
    sender.clock = codec_clock(codec)
    sender.event_type = event_type
    sender.event_clock = event_clock
    return 0


cdef codec_encoder_t *sender_swap(sender_t *sender, codec_encoder_t *encoder) noexcept nogil:
    cdef codec_encoder_t *before = sender.encoder
    sender.encoder = encoder
    return before


cdef inline uint32_t in_clock(const sender_t *sender, int samples) noexcept nogil:
    if sender.clock == sender.rate:
        return <uint32_t>samples
    return <uint32_t>(<int64_t>samples * sender.clock // sender.rate)


cdef void sender_pace(sender_t *sender, int rate, int ptime_ms) noexcept nogil:
    """Frames of another rate, packets of another length. What was gathered is given up."""
    cdef int frame_samples = rate * ptime_ms // 1000
    if rate == sender.rate and frame_samples == sender.frame_samples:
        return
    sender.timestamp += in_clock(sender, sender.gathered_count)
    sender.gathered_count = 0
    sender.rate = rate
    sender.frame_samples = frame_samples


cdef int send_packet(sender_t *sender, int payload_type, int marker, uint32_t timestamp,
                     int payload_length, uint8_t *packet) noexcept nogil:
    rtp_write_header(packet, payload_type, marker, sender.sequence, timestamp, sender.ssrc)
    sender.sequence += 1
    sender.packets += 1
    sender.bytes += <uint64_t>payload_length
    return RTP_HEADER + payload_length


cdef const int16_t *gather(sender_t *sender, const int16_t *frame, int samples) noexcept nogil:
    """Take in a part of a packet, or silence: what is now gathered if it fills one, or NULL."""
    cdef int16_t *end = sender.gathered + sender.gathered_count
    samples = min(samples, sender.frame_samples - sender.gathered_count)
    if samples > 0:
        if frame == NULL:
            memset(end, 0, samples * sizeof(int16_t))
        else:
            memcpy(end, frame, samples * sizeof(int16_t))
        sender.gathered_count += samples
    if sender.gathered_count < sender.frame_samples:
        return NULL
    sender.gathered_count = 0
    return sender.gathered


cdef int sender_capture(sender_t *sender, const int16_t *frame, int samples,
                        uint8_t *packet, int capacity) noexcept nogil:
    cdef int marker = 0
    cdef int length
    cdef uint32_t timestamp, event_timestamp = 0
    cdef const int16_t *whole = frame
    if frame == NULL or samples != sender.frame_samples or sender.gathered_count > 0:
        whole = gather(sender, frame, samples)
        if whole == NULL:
            return 0
    timestamp = sender.timestamp
    sender.timestamp += in_clock(sender, sender.frame_samples)
    if capacity < RTP_HEADER + max(<int>EVENT_PAYLOAD, <int>SILENCE_PAYLOAD):
        return 0
    if sender.event_type >= 0:
        length = event_sending(
            &sender.events, <int>(<int64_t>sender.frame_samples * sender.event_clock // sender.rate),
            sender.event_clock, sender.clock, timestamp, packet + RTP_HEADER, &marker,
            &event_timestamp)
        if length > 0:
            return send_packet(sender, sender.event_type, marker, event_timestamp, length, packet)
    if sender.noise_type >= 0:
        length = silence_judge(&sender.silence, whole, sender.frame_samples, sender.rate,
                               packet + RTP_HEADER)
        if length != SILENCE_SPEECH:
            sender.marker = 1  # of the first audio behind it
            return send_packet(sender, sender.noise_type, 0, timestamp, length,
                               packet) if length > 0 else 0
    length = codec_encode(sender.encoder, sender.codec, whole, sender.frame_samples,
                          packet + RTP_HEADER, capacity - RTP_HEADER)
    if length == 0:
        sender.marker = 1
        return 0
    marker = sender.marker
    sender.marker = 0
    return send_packet(sender, sender.payload_type, marker, timestamp, length, packet)


cdef int sender_keep_alive(sender_t *sender, int payload_type, uint8_t *packet) noexcept nogil:
    """An empty packet; it takes a sequence number, and counts as none of the audio."""
    rtp_write_header(packet, payload_type, 0, sender.sequence, sender.timestamp, sender.ssrc)
    sender.sequence += 1
    return RTP_HEADER


cdef void sender_skip(sender_t *sender, int samples) noexcept nogil:
    # What was gathered is given up with the rest; its time counts as well.
    if samples > 0:
        sender.timestamp += in_clock(sender, samples + sender.gathered_count)
        sender.gathered_count = 0
        sender.marker = 1  # RFC 3551, 4.1: the first packet after a silence


cdef int sender_event(sender_t *sender, int event, int duration_ms,
                           int volume) noexcept nogil:
    if sender.event_type < 0 or event < 0 or not 1 <= duration_ms <= LONGEST_EVENT_MS:
        return -1
    return event_queue(&sender.events, event,
                       <int64_t>duration_ms * sender.event_clock // 1000, volume)


cdef int sender_pause(sender_t *sender, int duration_ms) noexcept nogil:
    if sender.event_type < 0 or not 1 <= duration_ms <= LONGEST_EVENT_MS:
        return -1
    return event_queue(&sender.events, EVENT_PAUSE,
                       <int64_t>duration_ms * sender.event_clock // 1000, 0)

"""One RTP stream, both directions: what the media loop calls, and Python may.

Everything is sans-I/O: packets and frames in and out, time as an argument. A stream
belongs to one thread at a time. Times are CLOCK_MONOTONIC in ns.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t

from platypus._media.backlog cimport BACKLOG_FAR, BACKLOG_PAYLOAD
from platypus._media.codec cimport codec_decoder_t, codec_encoder_t
from platypus._media.jitter cimport jitter_keep
from platypus._media.receiver cimport (
    receiver_next_event, receiver_playout, receiver_receive, receiver_t,
)
from platypus._media.report cimport (
    STREAM_ACCEPTED, STREAM_AUDIO, STREAM_CONCEALED, STREAM_DUPLICATE, STREAM_EVENT_DTMF,
    STREAM_EVENT_SSRC, STREAM_EVENT_STARTED, STREAM_HELD, STREAM_LATE, STREAM_MALFORMED,
    STREAM_MAX_FRAME, STREAM_MAX_PACKET, STREAM_NOT_RTP, STREAM_OVERFLOW, STREAM_RTCP,
    STREAM_SILENCE, STREAM_UNKNOWN_TYPE, stream_event_t, stream_statistics_t,
)
from platypus._media.sender cimport sender_capture, sender_t

cdef struct stream_config_t:
    uint32_t ssrc
    uint16_t sequence            # of the first packet sent
    uint32_t timestamp           # of the first packet sent
    int rate                     # samples a second, of frames
    int ptime_ms

# What few turns look at, and so lies apart, on pages of its own.
cdef struct stream_far_t:
    int16_t gathered[STREAM_MAX_FRAME]
    uint8_t payloads[BACKLOG_FAR * BACKLOG_PAYLOAD]

# Fixed memory; each half is its own module's.
cdef struct stream_t:
    sender_t sender
    receiver_t receiver
    stream_far_t *far            # owned

cdef stream_t *stream_new(const stream_config_t *config) noexcept nogil
cdef void stream_free(stream_t *stream) noexcept nogil

# Codec ids are those of codec.pxd. event_payload_type -1: none was agreed. A codec is sent
# at its own rate, with its own encoder where it has state: see the three below.
cdef int stream_configure_send(stream_t *stream, int payload_type, int codec,
                               int event_payload_type, int event_clock,
                               int noise_payload_type) noexcept nogil
cdef int stream_configure_receive(stream_t *stream, int payload_type, int codec,
                                  int clock) noexcept nogil
# What comes back is no longer used. A decoder of another rate begins the playout anew.
cdef codec_encoder_t *stream_swap_encoder(stream_t *stream,
                                          codec_encoder_t *encoder) noexcept nogil
cdef codec_decoder_t *stream_swap_decoder(stream_t *stream,
                                          codec_decoder_t *decoder) noexcept nogil
# Frames to be sent have another rate, packets another length.
cdef int stream_pace(stream_t *stream, int rate, int ptime_ms) noexcept nogil
cdef void stream_clear_receive(stream_t *stream) noexcept nogil

# The far end reports that so much of what we send is lost, 0 to 1.
cdef void stream_follow_loss(stream_t *stream, double lost) noexcept nogil

# Packets were not given to the stream for a while, on purpose: none of them is lost.
cdef void stream_pass_over(stream_t *stream) noexcept nogil
# An empty packet of a type that nobody knows, to keep a NAT's binding (RFC 6263, 4.6).
cdef int stream_keep_alive(stream_t *stream, int payload_type, uint8_t *packet) noexcept nogil
# Time passed in which nothing was sent (held, or slots missed): timestamps go on.
cdef void stream_skip_capture(stream_t *stream, int samples) noexcept nogil

# Both return 0, or -1 if the queue is full or no payload type was agreed. A pause of at
# least 40 ms is kept between events anyhow.
cdef int stream_send_event(stream_t *stream, int event, int duration_ms, int volume) noexcept nogil
cdef int stream_send_pause(stream_t *stream, int duration_ms) noexcept nogil

cdef void stream_statistics(const stream_t *stream, stream_statistics_t *statistics) noexcept nogil
# The dictionary of the control protocol's `stats`: `send` and `receive`.
cdef dict statistics_dict(const stream_statistics_t *statistics, int rate)


# What each turn calls.
cdef inline int stream_receive(stream_t *stream, const uint8_t *packet, int length,
                               int64_t arrival_ns) noexcept nogil:
    return receiver_receive(&stream.receiver, packet, length, arrival_ns)


cdef inline void stream_keep(stream_t *stream) noexcept nogil:
    """A payload is looked at where it lies, until it was played or this takes it elsewhere."""
    jitter_keep(&stream.receiver.jitter)


cdef inline int stream_playout(stream_t *stream, int16_t *frame, int samples,
                               int64_t now_ns) noexcept nogil:
    return receiver_playout(&stream.receiver, frame, samples, now_ns)


cdef inline int stream_next_event(stream_t *stream, stream_event_t *event) noexcept nogil:
    return receiver_next_event(&stream.receiver, event) if stream.receiver.stirring else 0


cdef inline int stream_capture(stream_t *stream, const int16_t *frame, int samples,
                               uint8_t *packet, int capacity) noexcept nogil:
    """A frame that is NULL is silence. 0 comes back until a packet is full."""
    return sender_capture(&stream.sender, frame, samples, packet, capacity)


cdef inline int stream_events_pending(const stream_t *stream) noexcept nogil:
    return stream.sender.events.count


cdef class Stream:
    cdef stream_t *stream        # owned
    cdef uint8_t[STREAM_MAX_PACKET] inbox  # the newest packet
    cdef int ptime_ms

    cdef int learn_opus(self) except -1

"""One RTP stream, both directions: what the media loop calls, and Python may.

Everything is sans-I/O: packets and frames in and out, time as an argument. A stream
belongs to one thread at a time. Times are CLOCK_MONOTONIC in ns.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    STREAM_MAX_PACKET = 1500     # bytes of a datagram that are looked at, and of one that is made
    STREAM_MAX_FRAME = 2880      # samples of one capture or playout: 60 ms at 48 kHz

cdef enum stream_verdict_t:
    STREAM_ACCEPTED = 0          # audio, an event or comfort noise, taken in
    STREAM_HELD = 1              # a new SSRC or sequence: kept until it proves to be the stream's
    STREAM_DUPLICATE = 2
    STREAM_LATE = 3              # its place has been played already
    STREAM_RTCP = 4              # RFC 5761: not for the stream
    STREAM_NOT_RTP = 5           # RFC 7983: STUN, DTLS or garbage
    STREAM_MALFORMED = 6
    STREAM_UNKNOWN_TYPE = 7      # a payload type that nobody agreed on; counted, not played
    STREAM_OVERFLOW = 8          # no room, or too long a payload

cdef enum stream_playout_t:      # flags
    STREAM_SILENCE = 0           # nothing to play: the frame is zeros
    STREAM_AUDIO = 1             # at least one sample came from the network
    STREAM_CONCEALED = 2         # at least one sample was made up for a lost one

cdef enum stream_event_kind_t:
    STREAM_EVENT_DTMF = 1        # `code` (RFC 4733, 3.2: 0-9, 10 *, 11 #, 12-15 A-D) and `duration_ms`
    STREAM_EVENT_SSRC = 2        # another source took over: `ssrc`; the first one too
    STREAM_EVENT_STARTED = 3     # the first audio of the stream was accepted

cdef struct stream_config_t:
    uint32_t ssrc
    uint16_t sequence            # of the first packet sent
    uint32_t timestamp           # of the first packet sent
    int rate                     # samples a second, of frames and of RTP timestamps
    int ptime_ms

cdef struct stream_event_t:
    int kind
    int code
    int duration_ms
    uint32_t ssrc

cdef struct stream_statistics_t:
    uint64_t sent_packets
    uint64_t sent_bytes          # payload octets, as in a sender report
    uint64_t packets             # accepted or late, without duplicates
    uint64_t bytes
    uint64_t lost
    uint64_t late
    uint64_t duplicated
    uint64_t reordered
    uint64_t discarded           # accepted, but given up to bring the delay down, or for want of room
    uint64_t refused             # malformed, not RTP, unknown type
    uint64_t requested_samples   # all playout asked for = played + concealed + silent + inserted
    uint64_t played_samples
    uint64_t concealed_samples
    uint64_t silent_samples
    uint64_t inserted_samples    # by stretching
    uint64_t removed_samples     # by stretching
    uint64_t dropped_samples     # decoded, but given up
    double jitter_ms             # RFC 3550, A.8; negative: not measured
    double buffer_ms             # arrival to playout, smoothed; negative: not measured

# Fixed memory, its fields are the stream's own (stream.pyx).
cdef struct stream_t

cdef stream_t *stream_new(const stream_config_t *config) noexcept nogil
cdef void stream_free(stream_t *stream) noexcept nogil

# Codec ids are those of codec.pxd. event_payload_type -1: none was agreed.
cdef int stream_configure_send(stream_t *stream, int payload_type, int codec,
                               int event_payload_type) noexcept nogil
cdef int stream_configure_receive(stream_t *stream, int payload_type, int codec) noexcept nogil
cdef void stream_clear_receive(stream_t *stream) noexcept nogil

cdef int stream_receive(stream_t *stream, const uint8_t *packet, int length,
                        int64_t arrival_ns) noexcept nogil
# Packets were not given to the stream for a while, on purpose: none of them is lost.
cdef void stream_pass_over(stream_t *stream) noexcept nogil
# frame NULL: silence. Less than ptime is collected: 0 comes back until a packet is full.
cdef int stream_capture(stream_t *stream, const int16_t *frame, int samples,
                        uint8_t *packet, int capacity) noexcept nogil
# Time passed in which nothing was sent (held, or slots missed): timestamps go on.
cdef void stream_skip_capture(stream_t *stream, int samples) noexcept nogil
cdef int stream_playout(stream_t *stream, int16_t *frame, int samples,
                        int64_t now_ns) noexcept nogil
cdef int stream_next_event(stream_t *stream, stream_event_t *event) noexcept nogil

# Both return 0, or -1 if the queue is full or no payload type was agreed. A pause of at
# least 40 ms is kept between events anyhow.
cdef int stream_send_event(stream_t *stream, int event, int duration_ms, int volume) noexcept nogil
cdef int stream_send_pause(stream_t *stream, int duration_ms) noexcept nogil
cdef int stream_events_pending(const stream_t *stream) noexcept nogil

cdef void stream_statistics(const stream_t *stream, stream_statistics_t *statistics) noexcept nogil
# The dictionary of the control protocol's `stats`: `send` and `receive`.
cdef dict statistics_dict(const stream_statistics_t *statistics, int rate)


cdef class Stream:
    cdef stream_t *stream        # owned
    cdef readonly int rate
    cdef readonly int frame_samples  # of one packet sent

"""What a stream says: of a packet, of a frame, of what happened, and in figures."""

from libc.stdint cimport uint32_t, uint64_t

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

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    RTP_HEADER = 12
    RTP_WINDOW = 128         # packets back from the newest in which duplicates are known
    RTP_MAX_DROPOUT = 3000   # RFC 3550, A.1
    RTP_MAX_MISORDER = 100   # RFC 3550, A.1

cdef enum rtp_parsed_t:
    RTP_OK = 0
    RTP_IS_RTCP = -1
    RTP_NOT_RTP = -2
    RTP_MALFORMED = -3

cdef enum rtp_order_t:
    RTP_NEXT = 0             # the newest so far; packets before it may be missing
    RTP_REORDERED = 1        # an older one that had not come yet
    RTP_DUPLICATE = 2
    RTP_JUMP = 3             # not in sequence with this source; nothing was changed

cdef struct rtp_packet_t:
    int payload_type
    int marker
    uint16_t sequence
    uint32_t timestamp
    uint32_t ssrc
    int payload_offset
    int payload_length       # without padding
    int csrc_count
    int extension_profile    # -1: no header extension
    int extension_offset
    int extension_length

cdef struct rtp_source_t:
    uint32_t ssrc
    uint8_t active
    uint8_t jitter_known
    int64_t base             # extended sequence number of the first packet
    int64_t highest          # extended sequence number of the newest
    uint64_t received        # without duplicates
    uint64_t window[2]       # bit n: packet `highest - n` has come
    int64_t transit_ns
    double jitter_ns         # RFC 3550, 6.4.1

cdef int rtp_parse(const uint8_t *data, int length, rtp_packet_t *packet) noexcept nogil
cdef void rtp_write_header(uint8_t *out, int payload_type, int marker, uint16_t sequence,
                           uint32_t timestamp, uint32_t ssrc) noexcept nogil
cdef void rtp_source_start(rtp_source_t *source, uint32_t ssrc, uint16_t sequence) noexcept nogil
cdef int rtp_source_update(rtp_source_t *source, uint16_t sequence,
                           int64_t *extended) noexcept nogil
cdef void rtp_source_jitter(rtp_source_t *source, uint32_t timestamp, int64_t arrival_ns,
                            int rate) noexcept nogil
cdef int64_t rtp_source_lost(const rtp_source_t *source) noexcept nogil

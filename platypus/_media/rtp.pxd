from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    RTP_HEADER = 12
    RTP_WINDOW = 128         # packets back from the newest in which duplicates are known
    RTP_MAX_DROPOUT = 3000   # RFC 3550, A.1
    RTP_MAX_MISORDER = 100   # RFC 3550, A.1
    RTP_LONGEST_JITTER_NS = 2_000_000_000

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

cdef int rtp_parse_any(const uint8_t *data, int length, rtp_packet_t *packet) noexcept nogil
cdef void rtp_source_start(rtp_source_t *source, uint32_t ssrc, uint16_t sequence) noexcept nogil
cdef int rtp_source_place(rtp_source_t *source, uint16_t sequence,
                          int64_t *extended) noexcept nogil
cdef int64_t rtp_source_lost(const rtp_source_t *source) noexcept nogil


cdef inline uint32_t rtp_16(const uint8_t *data) noexcept nogil:
    return <uint32_t>data[0] << 8 | data[1]


cdef inline uint32_t rtp_32(const uint8_t *data) noexcept nogil:
    return rtp_16(data) << 16 | rtp_16(data + 2)


cdef inline void rtp_parse_fixed(const uint8_t *data, rtp_packet_t *packet) noexcept nogil:
    """The header that every packet has."""
    packet.csrc_count = data[0] & 15
    packet.marker = data[1] >> 7
    packet.payload_type = data[1] & 0x7f
    packet.sequence = <uint16_t>rtp_16(data + 2)
    packet.timestamp = rtp_32(data + 4)
    packet.ssrc = rtp_32(data + 8)
    packet.extension_profile = -1
    packet.extension_offset = packet.extension_length = 0


cdef inline int rtp_parse(const uint8_t *data, int length, rtp_packet_t *packet) noexcept nogil:
    """Nearly all packets have nothing but the fixed header before their payload."""
    if length < RTP_HEADER or data[0] != 0x80 or 192 <= data[1] <= 223:
        return rtp_parse_any(data, length, packet)
    rtp_parse_fixed(data, packet)
    packet.payload_offset = RTP_HEADER
    packet.payload_length = length - RTP_HEADER
    return RTP_OK


cdef inline void rtp_write_header(uint8_t *out, int payload_type, int marker, uint16_t sequence,
                                  uint32_t timestamp, uint32_t ssrc) noexcept nogil:
    out[0] = 0x80
    out[1] = <uint8_t>((0x80 if marker else 0) | payload_type)
    out[2] = <uint8_t>(sequence >> 8)
    out[3] = <uint8_t>sequence
    out[4] = <uint8_t>(timestamp >> 24)
    out[5] = <uint8_t>(timestamp >> 16)
    out[6] = <uint8_t>(timestamp >> 8)
    out[7] = <uint8_t>timestamp
    out[8] = <uint8_t>(ssrc >> 24)
    out[9] = <uint8_t>(ssrc >> 16)
    out[10] = <uint8_t>(ssrc >> 8)
    out[11] = <uint8_t>ssrc


cdef inline bint rtp_source_awaits(const rtp_source_t *source, uint16_t sequence) noexcept nogil:
    """Whether this is the number behind the newest: in order, and nothing is missing."""
    return sequence == <uint16_t>(source.highest + 1)


cdef inline int rtp_source_update(rtp_source_t *source, uint16_t sequence,
                                  int64_t *extended) noexcept nogil:
    if not rtp_source_awaits(source, sequence):
        return rtp_source_place(source, sequence, extended)
    source.highest += 1
    extended[0] = source.highest
    source.window[1] = source.window[1] << 1 | source.window[0] >> 63
    source.window[0] = source.window[0] << 1 | 1
    source.received += 1
    return RTP_NEXT


cdef inline void rtp_source_jitter(rtp_source_t *source, uint32_t timestamp, int64_t arrival_ns,
                                   int rate) noexcept nogil:
    """RFC 3550, A.8, in ns."""
    cdef int64_t transit = arrival_ns - <int64_t>timestamp * 1000000000 // rate
    cdef int64_t difference = transit - source.transit_ns
    source.transit_ns = transit
    if not source.jitter_known:
        source.jitter_known = 1
        source.jitter_ns = 0.0
        return
    if difference < 0:
        difference = -difference
    # A wrap or a jump of timestamps is no jitter, and would spoil the figure for minutes.
    if difference < RTP_LONGEST_JITTER_NS:
        source.jitter_ns += (<double>difference - source.jitter_ns) / 16.0

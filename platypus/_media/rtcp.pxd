from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

cdef enum:
    RTCP_CNAME_MAX = 64
    RTCP_MAX = 256           # bytes of the longest compound packet written here
    RTCP_UNKNOWN = 127       # RFC 3611, 4.7.3 to 4.7.5: a level or score that is not known

cdef struct rtcp_sender_t:   # RFC 3550, 6.4.1: sender information
    uint64_t ntp             # seconds since 1900, 32.32
    uint32_t rtp
    uint32_t packets
    uint32_t octets

cdef struct rtcp_block_t:    # RFC 3550, 6.4.1: a report block
    uint32_t ssrc
    uint32_t fraction_lost   # in 256ths
    int32_t lost             # 24 bits, signed
    uint32_t highest
    uint32_t jitter          # in units of timestamps
    uint32_t lsr
    uint32_t dlsr            # 65,536ths of a second

cdef struct rtcp_voip_t:     # RFC 3611, 4.7
    uint32_t ssrc
    int loss_rate, discard_rate, burst_density, gap_density  # in 256ths
    int burst_ms, gap_ms, round_trip_ms, end_system_ms
    int signal_dbm0, noise_dbm0, echo_loss_db, gmin
    int r_factor, external_r_factor, mos_lq, mos_cq          # scores of MOS in tenths
    int receiver_config, buffer_nominal_ms, buffer_maximum_ms, buffer_absolute_ms

cdef struct rtcp_compound_t: # what a datagram says
    uint32_t ssrc            # whose it is
    int has_sender, has_block, has_voip, bye
    rtcp_sender_t sender
    rtcp_block_t block
    rtcp_voip_t voip

# Each writes one packet and returns its length. `sender` and `block` may be NULL.
cdef int rtcp_write_report(uint8_t *out, uint32_t ssrc, const rtcp_sender_t *sender,
                           const rtcp_block_t *block) noexcept nogil
cdef int rtcp_write_cname(uint8_t *out, uint32_t ssrc, const uint8_t *cname,
                          int length) noexcept nogil
cdef int rtcp_write_voip(uint8_t *out, uint32_t ssrc, const rtcp_voip_t *voip) noexcept nogil
cdef int rtcp_write_bye(uint8_t *out, uint32_t ssrc) noexcept nogil

# 0, or -1 for what is no compound packet. Blocks are read if they are about `ours`.
cdef int rtcp_parse(const uint8_t *data, int length, uint32_t ours,
                    rtcp_compound_t *compound) noexcept nogil

"""RTCP packets, written and read (RFC 3550, section 6; RFC 3611, sections 2 and 4.7).

Written: SR or RR, SDES with a CNAME, BYE, and XR with the VoIP metrics block. Read: the
same, as one compound packet, whose lengths are all checked before anything is believed
(A.2). Other packets and blocks are passed over. What the figures mean is not known here.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    SR = 200
    RR = 201
    SDES = 202
    BYE = 203
    XR = 207
    CNAME = 1
    VOIP_METRICS = 7
    VOIP_WORDS = 8           # of the block, without its own header
    HEADER = 8               # with the SSRC that begins every packet here
    SENDER = 20
    BLOCK = 24


cdef inline uint32_t read_16(const uint8_t *data) noexcept nogil:
    return <uint32_t>data[0] << 8 | data[1]


cdef inline uint32_t read_32(const uint8_t *data) noexcept nogil:
    return read_16(data) << 16 | read_16(data + 2)


cdef inline void write_16(uint8_t *out, uint32_t value) noexcept nogil:
    out[0] = <uint8_t>(value >> 8)
    out[1] = <uint8_t>value


cdef inline void write_32(uint8_t *out, uint32_t value) noexcept nogil:
    write_16(out, value >> 16)
    write_16(out + 2, value)


cdef int finish(uint8_t *out, int kind, int count, int length, uint32_t ssrc) noexcept nogil:
    """The header of a packet whose length is known by now."""
    out[0] = <uint8_t>(0x80 | count)
    out[1] = <uint8_t>kind
    write_16(out + 2, <uint32_t>(length // 4 - 1))
    write_32(out + 4, ssrc)
    return length


cdef int rtcp_write_report(uint8_t *out, uint32_t ssrc, const rtcp_sender_t *sender,
                           const rtcp_block_t *block) noexcept nogil:
    cdef int length = HEADER
    if sender != NULL:
        write_32(out + length, <uint32_t>(sender.ntp >> 32))
        write_32(out + length + 4, <uint32_t>sender.ntp)
        write_32(out + length + 8, sender.rtp)
        write_32(out + length + 12, sender.packets)
        write_32(out + length + 16, sender.octets)
        length += SENDER
    if block != NULL:
        write_32(out + length, block.ssrc)
        write_32(out + length + 4, block.fraction_lost << 24
                 | (<uint32_t>block.lost & 0xFFFFFF))
        write_32(out + length + 8, block.highest)
        write_32(out + length + 12, block.jitter)
        write_32(out + length + 16, block.lsr)
        write_32(out + length + 20, block.dlsr)
        length += BLOCK
    return finish(out, RR if sender == NULL else SR, 0 if block == NULL else 1, length, ssrc)


cdef int rtcp_write_cname(uint8_t *out, uint32_t ssrc, const uint8_t *cname,
                          int length) noexcept nogil:
    # RFC 3550, 6.5: one to four zero bytes end the chunk at a word.
    cdef int end = HEADER + 2 + length
    cdef int padded = (end // 4 + 1) * 4
    out[HEADER] = CNAME
    out[HEADER + 1] = <uint8_t>length
    memcpy(out + HEADER + 2, cname, length)
    memset(out + end, 0, padded - end)
    return finish(out, SDES, 1, padded, ssrc)


cdef int rtcp_write_bye(uint8_t *out, uint32_t ssrc) noexcept nogil:
    return finish(out, BYE, 1, HEADER, ssrc)


cdef int rtcp_write_voip(uint8_t *out, uint32_t ssrc, const rtcp_voip_t *voip) noexcept nogil:
    cdef uint8_t *at = out + HEADER
    at[0] = VOIP_METRICS
    at[1] = 0
    write_16(at + 2, VOIP_WORDS)
    write_32(at + 4, voip.ssrc)
    at[8] = <uint8_t>voip.loss_rate
    at[9] = <uint8_t>voip.discard_rate
    at[10] = <uint8_t>voip.burst_density
    at[11] = <uint8_t>voip.gap_density
    write_16(at + 12, <uint32_t>voip.burst_ms)
    write_16(at + 14, <uint32_t>voip.gap_ms)
    write_16(at + 16, <uint32_t>voip.round_trip_ms)
    write_16(at + 18, <uint32_t>voip.end_system_ms)
    at[20] = <uint8_t>voip.signal_dbm0
    at[21] = <uint8_t>voip.noise_dbm0
    at[22] = <uint8_t>voip.echo_loss_db
    at[23] = <uint8_t>voip.gmin
    at[24] = <uint8_t>voip.r_factor
    at[25] = <uint8_t>voip.external_r_factor
    at[26] = <uint8_t>voip.mos_lq
    at[27] = <uint8_t>voip.mos_cq
    at[28] = <uint8_t>voip.receiver_config
    at[29] = 0
    write_16(at + 30, <uint32_t>voip.buffer_nominal_ms)
    write_16(at + 32, <uint32_t>voip.buffer_maximum_ms)
    write_16(at + 34, <uint32_t>voip.buffer_absolute_ms)
    return finish(out, XR, 0, HEADER + 4 * (VOIP_WORDS + 1), ssrc)


cdef int is_compound(const uint8_t *data, int length) noexcept nogil:
    """RFC 3550, A.2: a report first, every version 2, padding in the last only, no bytes over."""
    cdef int at = 0
    cdef int end
    if length < HEADER or not (data[1] == SR or data[1] == RR) or data[0] & 0x20:
        return 0
    while at < length:
        if length - at < 4 or data[at] >> 6 != 2:
            return 0
        end = at + 4 * (<int>read_16(data + at + 2) + 1)
        if end > length:
            return 0
        if data[at] & 0x20 and (end != length or not 0 < data[end - 1] <= end - at - 4
                                or data[end - 1] & 3):
            return 0
        at = end
    return 1


cdef void read_block(const uint8_t *at, rtcp_block_t *block) noexcept nogil:
    block.ssrc = read_32(at)
    block.fraction_lost = at[4]
    # The shift up and the arithmetic one down carry the sign.
    block.lost = <int32_t>(read_32(at + 4) << 8) >> 8
    block.highest = read_32(at + 8)
    block.jitter = read_32(at + 12)
    block.lsr = read_32(at + 16)
    block.dlsr = read_32(at + 20)


cdef int read_report(const uint8_t *data, int length, uint32_t ours,
                     rtcp_compound_t *compound) noexcept nogil:
    """SR or RR; -1 if its blocks do not fit in it."""
    cdef int at = HEADER
    cdef int index
    cdef int fixed = HEADER + SENDER if data[1] == SR else HEADER
    if length < fixed + BLOCK * (data[0] & 31):
        return -1
    if read_32(data + 4) != compound.ssrc:
        return 0  # a mixer's further sources
    if data[1] == SR:
        compound.has_sender = 1
        compound.sender.ntp = <uint64_t>read_32(data + 8) << 32 | read_32(data + 12)
        compound.sender.rtp = read_32(data + 16)
        compound.sender.packets = read_32(data + 20)
        compound.sender.octets = read_32(data + 24)
        at += SENDER
    for index in range(data[0] & 31):
        if read_32(data + at) == ours:
            read_block(data + at, &compound.block)
            compound.has_block = 1
        at += BLOCK
    return 0


cdef void read_voip(const uint8_t *at, rtcp_voip_t *voip) noexcept nogil:
    voip.ssrc = read_32(at + 4)
    voip.loss_rate = at[8]
    voip.discard_rate = at[9]
    voip.burst_density = at[10]
    voip.gap_density = at[11]
    voip.burst_ms = <int>read_16(at + 12)
    voip.gap_ms = <int>read_16(at + 14)
    voip.round_trip_ms = <int>read_16(at + 16)
    voip.end_system_ms = <int>read_16(at + 18)
    # Levels are signed; the scores are not.
    voip.signal_dbm0 = at[20] - 256 if at[20] > 127 else at[20]
    voip.noise_dbm0 = at[21] - 256 if at[21] > 127 else at[21]
    voip.echo_loss_db = at[22]
    voip.gmin = at[23]
    voip.r_factor = at[24]
    voip.external_r_factor = at[25]
    voip.mos_lq = at[26]
    voip.mos_cq = at[27]
    voip.receiver_config = at[28]
    voip.buffer_nominal_ms = <int>read_16(at + 30)
    voip.buffer_maximum_ms = <int>read_16(at + 32)
    voip.buffer_absolute_ms = <int>read_16(at + 34)


cdef void read_extended(const uint8_t *data, int length, uint32_t ours,
                        rtcp_compound_t *compound) noexcept nogil:
    cdef int at = HEADER
    cdef int words
    if length < HEADER or read_32(data + 4) != compound.ssrc:
        return
    while length - at >= 4:
        words = <int>read_16(data + at + 2)
        if at + 4 * (words + 1) > length:
            return
        if data[at] == VOIP_METRICS and words == VOIP_WORDS and read_32(data + at + 4) == ours:
            read_voip(data + at, &compound.voip)
            compound.has_voip = 1
        at += 4 * (words + 1)


cdef void read_bye(const uint8_t *data, int length, rtcp_compound_t *compound) noexcept nogil:
    cdef int index
    for index in range(data[0] & 31):
        if 4 * (index + 2) > length:
            return
        if read_32(data + 4 * (index + 1)) == compound.ssrc:
            compound.bye = 1


cdef int rtcp_parse(const uint8_t *data, int length, uint32_t ours,
                    rtcp_compound_t *compound) noexcept nogil:
    cdef int at = 0
    cdef int size, inner
    memset(compound, 0, sizeof(rtcp_compound_t))
    if not is_compound(data, length):
        return -1
    compound.ssrc = read_32(data + 4)
    while at < length:
        size = 4 * (<int>read_16(data + at + 2) + 1)
        inner = size - data[at + size - 1] if data[at] & 0x20 else size
        if data[at + 1] == SR or data[at + 1] == RR:
            if inner < HEADER or read_report(data + at, inner, ours, compound) < 0:
                return -1
        elif data[at + 1] == XR:
            read_extended(data + at, inner, ours, compound)
        elif data[at + 1] == BYE:
            read_bye(data + at, inner, compound)
        at += size
    return 0


def parse(data, uint32_t ours=0) -> dict | None:
    """What a compound packet says, its blocks about `ours` only; None if it is none."""
    cdef Py_buffer view
    cdef rtcp_compound_t compound
    cdef int result = -1
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if view.len <= 65535:
            result = rtcp_parse(<const uint8_t *>view.buf, <int>view.len, ours, &compound)
    finally:
        PyBuffer_Release(&view)
    if result < 0:
        return None
    return {
        "ssrc": compound.ssrc,
        "sender": dict(compound.sender) if compound.has_sender else None,
        "block": dict(compound.block) if compound.has_block else None,
        "voip": dict(compound.voip) if compound.has_voip else None,
        "bye": bool(compound.bye),
    }

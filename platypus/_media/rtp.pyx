"""RTP headers and the order of packets (RFC 3550, sections 5.1, 5.3.1, A.1, A.3, A.8).

`rtp_parse` checks all lengths before anything is believed. `rtp_source_*` follow one
synchronisation source: the extended sequence number, duplicates, loss and the
interarrival jitter. A source takes its first packet at once: the probation of A.1
would cost the first words of a call. What is out of sequence is reported as a jump,
and whether to follow it is the stream's decision.

RTCP is only told apart (RFC 5761, section 4), not read.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from typing import NamedTuple


cdef int rtp_parse_any(const uint8_t *data, int length, rtp_packet_t *packet) noexcept nogil:
    cdef int offset, padding
    if length < 1 or data[0] >> 6 != 2:
        return RTP_NOT_RTP  # RFC 7983: first byte 128 to 191
    # RFC 5761, section 4: these second bytes are RTCP types, not payload types with marker.
    if length >= 2 and 192 <= data[1] <= 223:
        return RTP_IS_RTCP
    if length < RTP_HEADER:
        return RTP_MALFORMED
    rtp_parse_fixed(data, packet)
    offset = RTP_HEADER + 4 * packet.csrc_count
    if data[0] & 0x10:
        if offset + 4 > length:
            return RTP_MALFORMED
        packet.extension_profile = <int>rtp_16(data + offset)
        packet.extension_length = 4 * <int>rtp_16(data + offset + 2)
        packet.extension_offset = offset + 4
        offset += 4 + packet.extension_length
    if offset > length:
        return RTP_MALFORMED
    padding = 0
    if data[0] & 0x20:
        padding = data[length - 1]
        if padding == 0 or offset + padding > length:
            return RTP_MALFORMED
    packet.payload_offset = offset
    packet.payload_length = length - offset - padding
    return RTP_OK


cdef void rtp_source_start(rtp_source_t *source, uint32_t ssrc, uint16_t sequence) noexcept nogil:
    """Follow `ssrc` from `sequence` on; the packet itself is still to be given to update."""
    source.active = 1
    source.ssrc = ssrc
    source.base = sequence
    source.highest = <int64_t>sequence - 1
    source.received = 0
    source.window[0] = source.window[1] = 0
    source.jitter_known = 0


cdef void shift_window(rtp_source_t *source, int64_t steps) noexcept nogil:
    if steps >= RTP_WINDOW:
        source.window[0] = source.window[1] = 0
    elif steps >= 64:
        source.window[1] = source.window[0] << (steps - 64)
        source.window[0] = 0
    elif steps > 0:
        source.window[1] = source.window[1] << steps | source.window[0] >> (64 - steps)
        source.window[0] <<= steps


cdef int rtp_source_place(rtp_source_t *source, uint16_t sequence,
                          int64_t *extended) noexcept nogil:
    cdef int distance = <int16_t><uint16_t>(sequence - <uint16_t>source.highest)
    cdef uint64_t bit
    extended[0] = source.highest + distance
    if distance > RTP_MAX_DROPOUT or distance < -RTP_MAX_MISORDER:
        return RTP_JUMP
    if distance > 0:
        shift_window(source, distance)
        source.highest = extended[0]
        source.window[0] |= 1
        source.received += 1
        return RTP_NEXT
    bit = <uint64_t>1 << (-distance & 63)
    if source.window[-distance >> 6] & bit:
        return RTP_DUPLICATE
    source.window[-distance >> 6] |= bit
    source.received += 1
    if extended[0] < source.base:
        source.base = extended[0]  # overtaken by the packet that was first
    return RTP_REORDERED


cdef int64_t rtp_source_lost(const rtp_source_t *source) noexcept nogil:
    """RFC 3550, A.3: expected less received; what is still on its way counts as lost."""
    if not source.active:
        return 0
    return source.highest - source.base + 1 - <int64_t>source.received


class Packet(NamedTuple):
    """One RTP packet, parsed. `extension` is its profile and its words, or None."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None


def parse(data) -> Packet | None:
    """The packet in a datagram, or None if it is not RTP (RTCP, STUN, garbage)."""
    cdef Py_buffer view
    cdef rtp_packet_t packet
    cdef const uint8_t *bytes_in
    cdef int end
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        bytes_in = <const uint8_t *>view.buf
        if view.len > 65535 or rtp_parse(bytes_in, <int>view.len, &packet) != RTP_OK:
            return None
        end = packet.payload_offset + packet.payload_length
        csrcs = tuple([rtp_32(bytes_in + RTP_HEADER + 4 * i) for i in range(packet.csrc_count)])
        extension = None
        if packet.extension_profile >= 0:
            extension = (packet.extension_profile, bytes_in[
                packet.extension_offset:packet.extension_offset + packet.extension_length])
        return Packet(packet.payload_type, bool(packet.marker), packet.sequence,
                      packet.timestamp, packet.ssrc, bytes_in[packet.payload_offset:end],
                      csrcs, extension)
    finally:
        PyBuffer_Release(&view)


def serialize(packet) -> bytes:
    """The datagram of a packet, without padding; for tests and tools."""
    cdef uint8_t[RTP_HEADER] header
    if not 0 <= packet.payload_type < 128:
        raise ValueError("a payload type has seven bits")
    rtp_write_header(header, packet.payload_type, packet.marker, packet.sequence,
                     packet.timestamp, packet.ssrc)
    header[0] |= len(packet.csrcs) & 15
    parts = [b"".join(csrc.to_bytes(4, "big") for csrc in packet.csrcs)]
    if packet.extension is not None:
        profile, words = packet.extension
        if len(words) & 3:
            raise ValueError("a header extension is made of 32-bit words")
        header[0] |= 0x10
        parts.append(profile.to_bytes(2, "big") + (len(words) // 4).to_bytes(2, "big") + words)
    return header[:RTP_HEADER] + b"".join(parts) + packet.payload

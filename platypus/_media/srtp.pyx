"""SRTP and SRTCP (RFC 3711, RFC 7714) of one direction, by libsrtp's functions.

Whoever makes a Context hands in the addresses of the functions and of the session they are to
work on; which library that is, where keys come from and how long they are is not known here.
An MKI is cut out before libsrtp sees the packet: the binding that brings libsrtp can't tell it
of one. Every SSRC has its own rollover counter and replay window, in libsrtp.
"""

from libc.stdint cimport uint8_t, uint32_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memmove

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer

from platypus._media.arena cimport arena_clear, arena_give
from platypus._media.crowd cimport crowd_join, crowd_leave
from platypus._media.rollover cimport (
    SSRCS_MAX, rollover_lead, rollover_note, rollover_t, srtp_function_t,
)

cdef enum:
    RTP_HEADER = 12
    RTCP_HEADER = 8

REFUSALS = {
    SRTP_BAD: "malformed",
    SRTP_FORGED: "forged",
    SRTP_REPLAYED: "replayed",
    SRTP_REPLAYED_OLD: "replayed",
    SRTP_CROWDED: "crowded",
}


cdef uint32_t ssrc_of(const uint8_t *packet, bint rtcp) noexcept nogil:
    cdef const uint8_t *at = packet + (4 if rtcp else 8)
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef bint knows(context_t *context, uint32_t ssrc) noexcept nogil:
    cdef int index
    if context.last < context.ssrc_count and context.ssrcs[context.last] == ssrc:
        return True
    for index in range(context.ssrc_count):
        if context.ssrcs[index] == ssrc:
            context.last = index
            return True
    return False


cdef int without_mki(context_t *context, uint8_t *packet, int length, int tag) noexcept nogil:
    """RFC 3711, 3.1: it stands before the tag, and with AEAD (RFC 7714) last.

    A packet without the announced MKI stays whole: whether its key is the right one is for the
    tag to say.
    """
    cdef uint8_t *at = packet + length - tag - context.mki_length
    if context.mki_length == 0 or at < packet + RTP_HEADER:
        return length
    if memcmp(at, context.mki, context.mki_length) != 0:
        return length
    memmove(at, at + context.mki_length, tag)
    return length - context.mki_length


cdef context_t *by_mki(context_t *first, const uint8_t *packet, int length,
                       bint rtcp) noexcept nogil:
    """The context of the key that a packet names; the first for one that names none."""
    cdef context_t *context = first
    cdef int tag = first.rtcp_tag if rtcp else first.rtp_tag
    cdef const uint8_t *at = packet + length - tag - first.mki_length  # all are as long
    if at < packet + RTP_HEADER:
        return first
    while context != NULL:
        if memcmp(at, context.mki, context.mki_length) == 0:
            return context
        context = context.beside
    return first


cdef int context_protect(
    context_t *context, uint8_t *packet, int length, bint rtcp
) noexcept nogil:
    cdef srtp_function_t function = context.rtcp if rtcp else context.rtp
    cdef int status
    if length < (RTCP_HEADER if rtcp else RTP_HEADER):
        return -SRTP_BAD
    status = function(context.session, packet, &length)
    return length if status == SRTP_OK else -status


cdef int context_unprotect(
    context_t *context, uint8_t *packet, int length, bint rtcp
) noexcept nogil:
    cdef srtp_function_t function = context.rtcp if rtcp else context.rtp
    cdef rollover_t *first = NULL if rtcp else context.rollover  # RTCP says its index itself
    cdef uint32_t ssrc, sequence
    cdef bint known
    cdef int status
    # libsrtp of some ages trusts its caller with this.
    if length < (RTCP_HEADER + 4 + 10 if rtcp else RTP_HEADER + 4):
        return -SRTP_BAD
    if context.beside != NULL:
        context = by_mki(context, packet, length, rtcp)
    ssrc = ssrc_of(packet, rtcp)
    known = knows(context, ssrc)
    if not known and context.ssrc_count == SSRCS_MAX:
        return -SRTP_CROWDED
    length = without_mki(context, packet, length, context.rtcp_tag if rtcp else context.rtp_tag)
    sequence = <uint32_t>packet[2] << 8 | packet[3]
    if first != NULL:
        rollover_lead(first, context.rollover, ssrc, context.session, function)
    status = function(context.session, packet, &length)
    if status != SRTP_OK:
        return -status
    if first != NULL:
        rollover_note(first, context.rollover, ssrc, sequence)
    if not known:
        context.ssrcs[context.ssrc_count] = ssrc
        context.ssrc_count += 1
    return length


cdef class Context:
    """One direction of one call, with one master key."""

    def __cinit__(
        self,
        owner,
        *,
        uintptr_t session,
        uintptr_t rtp,
        uintptr_t rtcp,
        int rtp_tag,
        int rtcp_tag,
        bytes mki=b"",
        Context beside=None,
        uintptr_t same_key=0,
        uintptr_t protect=0,
    ):
        self.context = <context_t *>arena_clear(sizeof(context_t))
        if self.context == NULL:
            raise MemoryError("no memory for an SRTP context")
        if not (session and rtp and rtcp):
            raise ValueError("a session and two functions are needed")
        if len(mki) > MKI_MAX or not 0 <= rtp_tag <= 16 or not 0 <= rtcp_tag <= 16:
            raise ValueError(f"an MKI has at most {MKI_MAX} bytes, a tag 16")
        if beside is not None:
            if beside.leased or beside.context.mki_length != len(mki):
                raise ValueError("keys of one sender have MKIs of one length, and one user")
            beside.leased = True
            self.beside = beside
            self.context.beside = beside.context
        if beside is not None or same_key:
            self.context.rollover = <rollover_t *>calloc(1, sizeof(rollover_t))
            if self.context.rollover == NULL:
                raise MemoryError
            if not (same_key and protect):
                raise ValueError("where there are several keys each needs a session to protect by")
            self.context.rollover.session = <void *>same_key
            self.context.rollover.protect = <srtp_function_t>protect
        self.owner = owner
        self.context.session = <void *>session
        crowd_join(self.context.session)
        self.context.rtp = <srtp_function_t>rtp
        self.context.rtcp = <srtp_function_t>rtcp
        self.context.rtp_tag = <uint8_t>rtp_tag
        self.context.rtcp_tag = <uint8_t>rtcp_tag
        self.context.mki_length = <uint8_t>len(mki)
        memcpy(self.context.mki, <const char *>mki, len(mki))

    def __dealloc__(self):
        if self.context != NULL:
            free(self.context.rollover)
            if self.context.session != NULL:
                crowd_leave()
            arena_give(self.context, sizeof(context_t))

    def protect(self, packet, *, rtcp=False):
        """A packet as the loop sends it, for tests and replay."""
        return self.apply(packet, rtcp, True)

    def unprotect(self, packet, *, rtcp=False):
        """A packet as the loop takes it in. ValueError says why it is refused."""
        return self.apply(packet, rtcp, False)

    cdef bytes apply(self, packet, bint rtcp, bint protect):
        cdef uint32_t words[PACKET_WORDS]  # libsrtp reads whole words
        cdef uint8_t *data = <uint8_t *>words
        cdef Py_buffer view
        cdef int length
        if self.leased:
            raise ValueError("the media loop has this context")
        PyObject_GetBuffer(packet, &view, PyBUF_SIMPLE)
        try:
            if view.len > PACKET_MAX:
                raise ValueError(f"a packet has at most {PACKET_MAX} bytes")
            length = <int>view.len
            memcpy(data, view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        if protect:
            length = context_protect(self.context, data, length, rtcp)
        else:
            length = context_unprotect(self.context, data, length, rtcp)
        if length < 0:
            raise ValueError(REFUSALS.get(-length, f"refused ({-length})"))
        return data[:length]

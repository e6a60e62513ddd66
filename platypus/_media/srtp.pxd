"""One SRTP session of one direction, as the loop calls it: libsrtp's functions by address.

A context_t is made and freed with its Context, under the GIL, and belongs to whoever holds the
lease on that: the thread that was given it, and nobody else until it comes back. libsrtp is not
thread-safe.
"""

from libc.stdint cimport uint8_t, uint32_t

from platypus._media.rollover cimport SSRCS_MAX, rollover_t, srtp_function_t

cdef enum:
    PACKET_MAX = 2048       # what comes from a socket is no longer
    SRTP_TRAILER_MAX = 160  # what protecting may add: a tag of 16, an index of 4, an MKI of 128
    PACKET_WORDS = 552      # room for both, in the words that libsrtp reads by
    MKI_MAX = 128           # RFC 4568, 9.2


# What libsrtp's functions return, of those that mean something here (srtp_err_status_t).
cdef enum srtp_status_t:
    SRTP_OK = 0
    SRTP_BAD = 2         # not a packet
    SRTP_FORGED = 7      # wrong key, or tampered with
    SRTP_REPLAYED = 9
    SRTP_REPLAYED_OLD = 10
    SRTP_CROWDED = 100   # ours: one SSRC too many


cdef struct context_t:       # down to the first SSRCs one line of memory, all that most packets need
    void *session            # an srtp_t; the Context's owner keeps it alive
    srtp_function_t rtp
    srtp_function_t rtcp
    context_t *beside        # of another key of the same sender, or NULL: the MKI says which
    rollover_t *rollover     # where there are several keys, or NULL
    uint8_t rtp_tag, rtcp_tag  # bytes behind an MKI
    uint8_t mki_length
    int ssrc_count
    int last                 # where the SSRC of the packet before was found
    uint32_t ssrcs[SSRCS_MAX]
    uint8_t mki[MKI_MAX]


# The new length, or minus a srtp_status_t. `packet` has SRTP_TRAILER_MAX bytes of room behind.
cdef int context_protect(context_t *context, uint8_t *packet, int length, bint rtcp) noexcept nogil
# What is refused may have been overwritten.
cdef int context_unprotect(context_t *context, uint8_t *packet, int length, bint rtcp) noexcept nogil


cdef class Context:
    cdef object __weakref__
    cdef context_t *context  # owned
    cdef object owner
    cdef Context beside
    cdef readonly bint leased  # a leg has it, or had it: nobody else may use it any more
    cdef object place          # the leg's id, and in which direction

    cdef bytes apply(self, packet, bint rtcp, bint protect)

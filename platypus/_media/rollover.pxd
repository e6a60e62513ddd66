"""Which index a packet of SRTP has where its sender uses several keys (RFC 3711, 3.3.1).

The rollover counter belongs to the stream of an SSRC, not to a key (8.1), but libsrtp counts in
each session by itself: one whose key comes into use after a wrap of the sequence numbers guesses
that there was none. It is led to where the stream is by packets of our own under its key, which
go nowhere else.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    # libsrtp allocates a stream for each new SSRC that authenticates: this many a context.
    # A far end that has more than so many in one agreement is broken, or means ill.
    SSRCS_MAX = 64


ctypedef int (*srtp_function_t)(void *session, void *packet, int *length) noexcept nogil


cdef struct rollover_t:
    void *session               # an srtp_t that protects by the same key; its owner keeps it
    srtp_function_t protect
    int ssrc_count              # these three of all keys, and so only with the first of them
    uint32_t ssrcs[SSRCS_MAX]
    uint64_t latest[SSRCS_MAX]  # the greatest index heard
    uint64_t own[SSRCS_MAX]     # the greatest that the receiving session of this key knows of
    uint64_t led[SSRCS_MAX]     # and that of `session`


# Before a packet with that SSRC is opened by `unprotect(session)`, which is of the key of `used`.
cdef void rollover_lead(rollover_t *first, rollover_t *used, uint32_t ssrc, void *session,
                        srtp_function_t unprotect) noexcept nogil
# After it has authenticated.
cdef void rollover_note(rollover_t *first, rollover_t *used, uint32_t ssrc,
                        uint32_t sequence) noexcept nogil

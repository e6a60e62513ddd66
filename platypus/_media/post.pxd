"""Packets that Python has to look at, from the media thread: a ring beside that of the events."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from platypus._media.platform cimport platform_address_t
from platypus._media.srtp cimport PACKET_MAX

cdef enum:
    POSTS_MAX = 256  # a power of two; what does not fit is counted, as a network would lose it


cdef enum post_kind_t:
    POST_OUTSIDE = 0       # neither RTP nor RTCP: STUN, DTLS (RFC 7983)
    # For who can't call libsrtp by address: to be opened, and to be protected.
    POST_OPEN_RTP = 1
    POST_OPEN_RTCP = 2
    POST_SEAL_RTP = 3
    POST_SEAL_RTCP = 4


cdef struct post_t:
    int leg
    post_kind_t kind
    int64_t arrival_ns
    platform_address_t address   # where it came from, or where it is to go
    int length
    uint8_t data[PACKET_MAX]


cdef struct posts_t:
    uint32_t pushed     # atomic; stored by the loop thread
    uint32_t popped     # atomic; stored under the GIL
    uint32_t lost       # the loop thread's
    post_t items[POSTS_MAX]


cdef bint posts_push(posts_t *posts, int leg, post_kind_t kind, const platform_address_t *address,
                     const uint8_t *data, int length, int64_t arrival_ns) noexcept nogil

# Under the GIL.
cdef list posts_drain(posts_t *posts)

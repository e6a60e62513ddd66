"""When a packet goes out only to keep a NAT's binding open (RFC 6263).

Where media go out these do it. What the packet is like is the sender's business.
"""

from libc.stdint cimport int64_t

cdef enum:
    KEEP_ALIVE_S = 15  # RFC 6263, 6: Tr


cdef struct keep_alive_t:
    int64_t sent_ns  # when something went out last; 0: never, and then it is time at once


cdef inline bint keep_alive_due(keep_alive_t *keep_alive, int64_t now_ns) noexcept nogil:
    """Whether one is to go out now; if so it is taken to have."""
    if now_ns - keep_alive.sent_ns < <int64_t>KEEP_ALIVE_S * 1_000_000_000:
        return False
    keep_alive.sent_ns = now_ns
    return True

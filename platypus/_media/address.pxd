"""Whose packets are heard and where ours go. The loop thread owns every field."""

from libc.stdint cimport int64_t, uint16_t, uint32_t

from platypus._media.platform cimport platform_address_equal, platform_address_t


cdef enum latch_verdict_t:
    LATCH_STRANGER = 0
    LATCH_TAKEN = 1
    LATCH_MOVED = 2  # taken, and from now on we send there


cdef struct latch_t:
    platform_address_t signalled  # from SDP; family 0 until known
    platform_address_t heard      # whose packets are taken; family 0 until there was one
    platform_address_t target     # where we send; family 0: nowhere
    int64_t last_heard_ns     # CLOCK_MONOTONIC
    uint32_t ssrc             # of the last packet taken
    uint16_t sequence
    int evidence              # packets in a row from `heard` while it is not the target


cdef void latch_signal(latch_t *latch, const platform_address_t *remote) noexcept nogil
cdef latch_verdict_t latch_judge_any(
    latch_t *latch, const platform_address_t *source, uint32_t ssrc, uint16_t sequence, int64_t now_ns
) noexcept nogil


cdef inline latch_verdict_t latch_judge(
    latch_t *latch, const platform_address_t *source, uint32_t ssrc, uint16_t sequence, int64_t now_ns
) noexcept nogil:
    """Mostly it is who was heard before, and who is sent to."""
    if not (platform_address_equal(source, &latch.heard)
            and platform_address_equal(source, &latch.target)):
        return latch_judge_any(latch, source, ssrc, sequence, now_ns)
    latch.last_heard_ns = now_ns
    latch.ssrc = ssrc
    latch.sequence = sequence
    return LATCH_TAKEN


cdef platform_address_t address_of(object pair) except *
cdef object pair_of(const platform_address_t *address)


cdef class Latch:
    cdef latch_t latch

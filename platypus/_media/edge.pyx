"""What feeds and outlets have in common: other sampling rates, and the level of a card's ring."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from platypus._media.endpoint cimport FRAME_MAX, STAGE_MAX, card_t
from platypus._media.platform cimport platform_load_acquire
from platypus._media.resample cimport resampler_max_output, resampler_new, resampler_t


cdef bint converts(resampler_t **resampler, int from_rate, int to_rate) noexcept nogil:
    """A resampler where one is needed; False when there is none for these rates."""
    resampler[0] = NULL
    if from_rate == to_rate or from_rate == 0 or to_rate == 0:
        return True
    resampler[0] = resampler_new(from_rate, to_rate)
    return resampler[0] != NULL and (
        resampler_max_output(resampler[0], max(1, from_rate // 50)) <= STAGE_MAX - FRAME_MAX
    )


cdef double since_callback(const card_t *card, int rate, int64_t now_ns) noexcept nogil:
    """Samples the card has moved since its last callback; at most one period.

    With them taken into account a ring's level has no steps. `now_ns` is a deadline, and the
    callback may have come a little after it: then they are fewer than none.
    """
    cdef int32_t elapsed_us
    if card.stamp_us == NULL:
        return card.period / 2.0
    elapsed_us = <int32_t>(<uint32_t>(now_ns // 1000) - platform_load_acquire(card.stamp_us))
    return max(-<double>card.period, min(<double>card.period, elapsed_us * 1e-6 * rate))

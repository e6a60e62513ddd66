"""What feeds and outlets have in common; called by the media thread, `converts` under the GIL."""

from libc.stdint cimport int64_t

from platypus._media.endpoint cimport card_t
from platypus._media.resample cimport resampler_t

cdef enum:
    MARGIN_MS = 5   # a card's ring is held this far above what the next callback or frame takes
    EXCESS_MS = 60  # a level this far above that is not drift: a thread or the card stood still


cdef bint converts(resampler_t **resampler, int from_rate, int to_rate) noexcept nogil
cdef double since_callback(const card_t *card, int rate, int64_t now_ns) noexcept nogil

"""A source as one leg hears it. Made and freed under the GIL, run by the media thread."""

from libc.stdint cimport int16_t, int64_t

from platypus._media.endpoint cimport Source, feed_t, source_t


cdef feed_t *feed_new(source_t *source, int leg_rate) noexcept nogil
cdef void feed_free(feed_t *feed) noexcept nogil
cdef void feed_attach(feed_t *feed) noexcept nogil
cdef void feed_detach(feed_t *feed) noexcept nogil
# Fills `frame`; `played` are the last `count` samples that the leg played (for the echo).
cdef void feed_pull(
    feed_t *feed, int16_t *frame, int count, int leg_rate, const int16_t *played, int64_t now_ns
) noexcept nogil


cdef class Feed:
    cdef feed_t *feed        # owned
    cdef Source source
    cdef int rate

"""A sound card's stream, and what its callback shares with the media thread."""

from libc.stdint cimport uint32_t

from platypus._media.endpoint cimport RingSink, RingSource
from platypus._media.ring cimport Ring, ring_t


# Read and written by PortAudio's thread from start until Pa_CloseStream returned.
cdef struct callback_t:
    ring_t *capture      # the card writes, the media thread reads; NULL: no microphone
    ring_t *playout      # the media thread writes, the card reads; NULL: no speaker
    uint32_t stamp_us    # atomic: CLOCK_MONOTONIC of the last callback, modulo 2**32
    uint32_t callbacks   # atomic
    uint32_t flagged     # atomic: callbacks that came after the card had lost something


# The addresses of PortAudio's functions.
cdef struct functions_t:
    int (*open_stream)(
        void **, const void *, const void *, double, unsigned long, unsigned long, void *, void *
    ) noexcept nogil
    int (*start_stream)(void *) noexcept nogil
    int (*abort_stream)(void *) noexcept nogil
    int (*close_stream)(void *) noexcept nogil
    int (*is_stream_active)(void *) noexcept nogil


cdef class NativeStream:
    cdef callback_t *shared      # owned; freed only after the stream was closed
    cdef functions_t functions
    cdef void *stream            # PortAudio's; NULL when closed
    cdef Ring capture, playout
    cdef readonly RingSource source
    cdef readonly RingSink sink
    cdef readonly int rate, period

    cdef int take_functions(self, functions) except -1
    cdef int open(self, capture, playout) except -1

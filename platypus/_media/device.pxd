"""A sound card's stream, and what its callback shares with the media thread."""

from libc.stdint cimport int64_t, uint32_t

from platypus._media.endpoint cimport RingSink, RingSource
from platypus._media.overlay cimport Overlay, overlay_t
from platypus._media.platform cimport platform_foreign_t
from platypus._media.ring cimport Ring, ring_t


# Read and written by PortAudio's thread from start until Pa_CloseStream returned.
cdef struct callback_t:
    ring_t *capture      # the card writes, the media thread reads; NULL: no microphone
    ring_t *playout      # the media thread writes, the card reads; NULL: no speaker
    overlay_t *said      # of what is captured; the Overlay's
    overlay_t *heard     # of what is played
    bint played_whole    # the last callback found all that it wanted
    uint32_t stamp_us    # atomic: CLOCK_MONOTONIC of the last callback, modulo 2**32
    uint32_t callbacks   # atomic
    uint32_t flagged     # atomic: callbacks that came after the card had lost something
    uint32_t gaps        # atomic: how often the playout ring ran dry
    uint32_t longest_us  # atomic: between two callbacks
    platform_foreign_t thread  # PortAudio's; set before `callbacks` is 1


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
    cdef readonly Overlay said, heard
    cdef readonly int rate, period
    cdef int64_t started_ns
    # When the thread was looked at last, and what it had done by then.
    cdef int64_t looked_ns, used_ns
    cdef uint32_t called_before
    cdef bint goes_round         # by that look

    cdef void look(self) noexcept
    cdef int take_functions(self, functions) except -1
    cdef int open(self, capture, playout, bytes name) except -1

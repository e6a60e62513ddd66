"""Echo cancelling by WebRTC's audio processing, in a library that is called by address."""

from libc.stdint cimport int16_t, uint8_t, uint32_t, uint64_t

cdef enum:
    BLOCK_MAX = 480        # samples of 10 ms at 48 kHz
    MESSAGE_MAX = 64


# One direction: 10 ms of samples, and the request that names their address.
cdef struct lane_t:
    int request            # its number in the library's protocol
    int length
    uint8_t message[MESSAGE_MAX]
    int16_t samples[BLOCK_MAX]


# The media thread's while a leg has the source that points to it, but for what is atomic.
cdef struct canceller_t:
    uint64_t (*call)(const uint8_t *, size_t, const uint8_t **, size_t *) noexcept nogil
    bint (*drop)(uint64_t) noexcept nogil
    uint64_t module        # the library's handle
    int rate               # that the messages speak of
    lane_t said, heard
    uint32_t enabled       # atomic; stored under the GIL
    uint32_t failures      # atomic; stored by the media thread: blocks that were left as they are


cdef void canceller_hear(
    canceller_t *canceller, const int16_t *frame, int count, int rate
) noexcept nogil
cdef void canceller_say(canceller_t *canceller, int16_t *frame, int count, int rate) noexcept nogil


cdef class Canceller:
    cdef canceller_t canceller

    cdef uint64_t new_module(self, bint echo, bint noise, bint gain) except? 0
    cdef int try_out(self) except -1

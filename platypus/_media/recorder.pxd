"""Recordings, written by one native thread for each loop.

A recorder_t is made under the GIL, fed by the loop thread, drained by the writer thread, and
freed under the GIL once its `state` is DONE. The writer's slots change hands by `taken`.
"""

from libc.stdint cimport int16_t, int64_t, uint32_t

from platypus._media.platform cimport platform_semaphore_t, platform_thread_t
from platypus._media.resample cimport resampler_t
from platypus._media.ring cimport ring_t

cdef enum:
    RECORDERS_MAX = 512
    RECORD_BLOCK = 4096  # samples written in one system call


cdef enum recorder_state_t:
    RECORDER_RUNNING = 0
    RECORDER_FINISHING = 1  # stored by the loop: no more samples come
    RECORDER_DONE = 2       # stored by the writer: the file is closed, and nobody touches it


cdef struct recorder_t:
    ring_t *ring            # loop -> writer; owned
    resampler_t *resampler  # the loop's; owned; NULL at equal rates
    resampler_t *second     # of the other side, likewise; NULL for one side
    int channels            # 1: what is played; 2: what is sent (left) and played (right)
    int fd                  # the writer's
    int rate
    uint32_t state          # atomic recorder_state_t
    uint32_t failed         # atomic; stored by the writer: errno when the file took no more
    int64_t written         # frames in the file, a sample of each channel; the writer's until DONE
    bint piped              # the file is somebody else's to read before more goes in
    bint begun              # the header was written; the writer's


cdef struct writer_t:
    recorder_t *recorders[RECORDERS_MAX]
    uint32_t taken[RECORDERS_MAX]  # atomic; set by the loop, cleared by the writer
    uint32_t stop                  # atomic; set under the GIL: finish everything and end
    bint waits                     # the writer's: for the reader of a pipe
    bint fed                       # the loop's: somebody was fed since the last rouse
    platform_semaphore_t work      # posted by the loop
    platform_semaphore_t ended     # posted by the writer, last
    platform_thread_t thread


cdef recorder_t *recorder_new(int fd, int leg_rate, int rate, int channels) noexcept nogil
cdef void recorder_free(recorder_t *recorder) noexcept nogil
cdef void recorder_feed(recorder_t *recorder, const int16_t *frame, int count) noexcept nogil
cdef void recorder_feed_both(recorder_t *recorder, const int16_t *sent, const int16_t *played,
                             int count) noexcept nogil
cdef void recorder_finish(recorder_t *recorder) noexcept nogil
cdef bint recorder_done(const recorder_t *recorder) noexcept nogil

cdef int writer_start(writer_t *writer) noexcept nogil
cdef bint writer_stop(writer_t *writer, int64_t timeout_ns) noexcept nogil
cdef bint writer_take(writer_t *writer, recorder_t *recorder) noexcept nogil
cdef void writer_wake(writer_t *writer) noexcept nogil
# Fed now, rouse at the end of the turn: one post for all that were fed in it.
cdef void writer_fed(writer_t *writer) noexcept nogil
cdef void writer_rouse(writer_t *writer) noexcept nogil


cdef class Writer:
    cdef writer_t *writer  # owned; leaked when its thread does not end in time


cdef class Recording:
    cdef recorder_t *recorder
    cdef Writer writer

"""Recordings of a leg: what it plays (mono), or both sides (stereo: left sent, right played).

16-bit WAV, frame by frame as it plays.

The loop puts samples into a ring and posts a semaphore, neither of which can block; a native
thread writes them behind a 44-byte header at once, so that a reader may follow the file as it
grows. The header's sizes are 0xFFFFFFFF until the end, and then those of the file. A disk
that stops for longer than the ring holds costs samples, which are counted and told of, never a
packet. Whoever reads a pipe slowly, or not at all, costs that recording alone.
"""

from libc.errno cimport errno
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from platypus._media.platform cimport (
    PLATFORM_PIPE_BLOCK, platform_file_close, platform_file_is_piped, platform_file_ready,
    platform_file_seek, platform_file_write, platform_load_acquire, platform_monotonic_ns,
    platform_semaphore_destroy, platform_semaphore_init, platform_semaphore_post,
    platform_semaphore_wait, platform_store_release, platform_thread_join, platform_thread_start,
)
from platypus._media.resample cimport (
    resampler_free, resampler_max_output, resampler_new, resampler_process,
)
from platypus._media.ring cimport ring_available, ring_free, ring_new, ring_read, ring_write

# Disks stop for a second or so (a flush of the journal, a spinning one waking up).
cdef int SLACK_S = 4
cdef uint32_t UNKNOWN_SIZE = 0xFFFFFFFF
cdef int64_t LOOK_NS = 10_000_000          # how often it is looked whether a pipe was read
cdef int64_t LAST_CHANCE_NS = 300_000_000  # for its reader, once all is to end
cdef enum:
    HEADER = 44
    RESAMPLED_MAX = 4096


cdef void put(uint8_t *header, int at, uint32_t value, int width) noexcept nogil:
    cdef int index
    for index in range(width):
        header[at + index] = (value >> (8 * index)) & 0xFF


cdef bint write_header(int fd, int rate, int channels, uint32_t riff_size, uint32_t data_size) noexcept nogil:
    cdef uint8_t header[HEADER]
    memcpy(header, <const char *>b"RIFF....WAVEfmt ", 16)
    put(header, 4, riff_size, 4)
    put(header, 16, 16, 4)         # size of the format chunk
    put(header, 20, 1, 2)          # PCM
    put(header, 22, channels, 2)
    put(header, 24, rate, 4)
    put(header, 28, 2 * channels * rate, 4)  # bytes a second
    put(header, 32, 2 * channels, 2)  # bytes a frame
    put(header, 34, 16, 2)         # bits a sample
    memcpy(header + 36, <const char *>b"data", 4)
    put(header, 40, data_size, 4)
    return platform_file_write(fd, header, HEADER) == 0


cdef recorder_t *recorder_new(int fd, int leg_rate, int rate, int channels) noexcept nogil:
    """NULL when memory or a resampler for these rates can't be had."""
    cdef recorder_t *recorder = <recorder_t *>calloc(1, sizeof(recorder_t))
    if recorder == NULL:
        return NULL
    recorder.fd = fd
    recorder.piped = platform_file_is_piped(fd)
    recorder.rate = rate
    recorder.channels = channels
    recorder.ring = ring_new(SLACK_S * rate * channels)
    if rate != leg_rate:
        recorder.resampler = resampler_new(leg_rate, rate)
        if channels == 2:
            recorder.second = resampler_new(leg_rate, rate)
    if recorder.ring == NULL or (rate != leg_rate and (
        recorder.resampler == NULL
        or (channels == 2 and recorder.second == NULL)
        or resampler_max_output(recorder.resampler, leg_rate // 50) > RESAMPLED_MAX
    )):
        recorder_free(recorder)
        return NULL
    return recorder


cdef void recorder_free(recorder_t *recorder) noexcept nogil:
    if recorder != NULL:
        resampler_free(recorder.resampler)
        resampler_free(recorder.second)
        ring_free(recorder.ring)
        free(recorder)


cdef void recorder_feed(recorder_t *recorder, const int16_t *frame, int count) noexcept nogil:
    """At most 20 ms of the leg's samples."""
    cdef int16_t samples[RESAMPLED_MAX]
    if recorder.resampler == NULL:
        ring_write(recorder.ring, frame, count)
        return
    count = resampler_process(recorder.resampler, frame, count, samples, RESAMPLED_MAX)
    ring_write(recorder.ring, samples, count)


cdef void recorder_feed_both(
    recorder_t *recorder, const int16_t *sent, const int16_t *played, int count
) noexcept nogil:
    """At most 20 ms of each side, in step. The ring holds pairs, and never half of one."""
    cdef int16_t left[RESAMPLED_MAX]
    cdef int16_t right[RESAMPLED_MAX]
    cdef int16_t pairs[2 * RESAMPLED_MAX]
    cdef int index
    if recorder.resampler != NULL:
        resampler_process(recorder.second, sent, count, left, RESAMPLED_MAX)
        count = resampler_process(recorder.resampler, played, count, right, RESAMPLED_MAX)
        sent, played = left, right
    for index in range(count):
        pairs[2 * index] = sent[index]
        pairs[2 * index + 1] = played[index]
    ring_write(recorder.ring, pairs, 2 * count)


cdef void recorder_finish(recorder_t *recorder) noexcept nogil:
    platform_store_release(&recorder.state, RECORDER_FINISHING)


cdef bint recorder_done(const recorder_t *recorder) noexcept nogil:
    return platform_load_acquire(&recorder.state) == RECORDER_DONE


cdef bint must_wait(const recorder_t *recorder) noexcept nogil:
    return recorder.piped and not recorder.failed and not platform_file_ready(recorder.fd)


cdef bint drain(recorder_t *recorder) noexcept nogil:
    """Write what there is; False where the reader of a pipe has to read first."""
    cdef int16_t block[RECORD_BLOCK]
    cdef int count, most = RECORD_BLOCK
    if recorder.piped:
        most = min(most, PLATFORM_PIPE_BLOCK // <int>sizeof(int16_t))
    if not recorder.begun:
        if must_wait(recorder):
            return False
        recorder.begun = True
        if not write_header(
            recorder.fd, recorder.rate, recorder.channels, UNKNOWN_SIZE, UNKNOWN_SIZE
        ):
            platform_store_release(&recorder.failed, <uint32_t>max(1, errno))
    while ring_available(recorder.ring) > 0:
        if must_wait(recorder):
            return False
        count = ring_read(recorder.ring, block, most)
        if recorder.failed:
            continue
        if platform_file_write(recorder.fd, block, count * sizeof(int16_t)) != 0:
            platform_store_release(&recorder.failed, <uint32_t>max(1, errno))
            continue
        recorder.written += count // recorder.channels
    return True


cdef void finish(recorder_t *recorder) noexcept nogil:
    cdef int64_t size = 2 * recorder.channels * recorder.written
    # A WAV over 4 GB keeps the sizes that mean "to the end of the file".
    if size + 36 < UNKNOWN_SIZE and platform_file_seek(recorder.fd, 0) == 0:
        write_header(
            recorder.fd, recorder.rate, recorder.channels, <uint32_t>(size + 36), <uint32_t>size
        )
    platform_file_close(recorder.fd)
    platform_store_release(&recorder.state, RECORDER_DONE)


cdef bint serve(writer_t *writer, bint patient) noexcept nogil:
    """One round over all recordings; whether there are any. Not `patient`, they end as they are."""
    cdef bint busy = False
    cdef bint last
    cdef int index
    writer.waits = False
    for index in range(RECORDERS_MAX):
        if not platform_load_acquire(&writer.taken[index]):
            continue
        busy = True
        # Read before the ring: what came before the end is then surely in it.
        last = platform_load_acquire(&writer.recorders[index].state) == RECORDER_FINISHING
        if not drain(writer.recorders[index]) and patient:
            writer.waits = True
        elif last:
            finish(writer.recorders[index])
            platform_store_release(&writer.taken[index], 0)
    return busy


cdef void write_recordings(void *argument) noexcept nogil:
    cdef writer_t *writer = <writer_t *>argument
    cdef int64_t end_ns = 0
    cdef bint patient = True
    while True:
        if platform_load_acquire(&writer.stop):
            if end_ns == 0:
                end_ns = platform_monotonic_ns() + LAST_CHANCE_NS
            patient = platform_monotonic_ns() < end_ns
            if not serve(writer, patient):
                break
        platform_semaphore_wait(&writer.work, LOOK_NS if writer.waits or end_ns else -1)
        serve(writer, patient)
    platform_semaphore_post(&writer.ended)


cdef int writer_start(writer_t *writer) noexcept nogil:
    if platform_semaphore_init(&writer.work) != 0 or platform_semaphore_init(&writer.ended) != 0:
        return -1
    return platform_thread_start(&writer.thread, write_recordings, writer)


cdef bint writer_stop(writer_t *writer, int64_t timeout_ns) noexcept nogil:
    """Once all recordings are finishing. False: its thread hangs, and all it uses must stay."""
    platform_store_release(&writer.stop, 1)
    platform_semaphore_post(&writer.work)
    if not platform_semaphore_wait(&writer.ended, timeout_ns):
        return False
    platform_thread_join(&writer.thread)
    platform_semaphore_destroy(&writer.work)
    platform_semaphore_destroy(&writer.ended)
    return True


cdef bint writer_take(writer_t *writer, recorder_t *recorder) noexcept nogil:
    """From the loop thread: False when there are too many recordings."""
    cdef int index
    for index in range(RECORDERS_MAX):
        if not platform_load_acquire(&writer.taken[index]):
            writer.recorders[index] = recorder
            platform_store_release(&writer.taken[index], 1)
            platform_semaphore_post(&writer.work)
            return True
    return False


cdef void writer_wake(writer_t *writer) noexcept nogil:
    platform_semaphore_post(&writer.work)


cdef void writer_fed(writer_t *writer) noexcept nogil:
    writer.fed = True


cdef void writer_rouse(writer_t *writer) noexcept nogil:
    if writer.fed:
        writer.fed = False
        platform_semaphore_post(&writer.work)


cdef class Writer:
    """The writer thread from Python, for tests: the loop has its own."""

    def __cinit__(self):
        self.writer = <writer_t *>calloc(1, sizeof(writer_t))
        if self.writer == NULL or writer_start(self.writer) != 0:
            raise MemoryError("no thread to write recordings")

    def close(self):
        cdef bint ended
        if self.writer == NULL:
            return
        with nogil:
            ended = writer_stop(self.writer, 1_000_000_000)
        if ended:
            free(self.writer)
        self.writer = NULL


cdef class Recording:
    """One recording fed from Python, for tests; owns the descriptor."""

    def __cinit__(
        self, Writer writer not None, int fd, int leg_rate, int rate, *, bint stereo=False
    ):
        self.writer = writer
        self.recorder = recorder_new(fd, leg_rate, rate, 2 if stereo else 1)
        if self.recorder == NULL:
            raise ValueError(f"can't record {leg_rate} Hz at {rate} Hz")
        writer_take(writer.writer, self.recorder)

    def __dealloc__(self):
        if self.recorder != NULL and recorder_done(self.recorder):
            recorder_free(self.recorder)

    def feed(self, const int16_t[::1] frame not None):
        if frame.shape[0] and frame.shape[0] <= 960:
            recorder_feed(self.recorder, &frame[0], <int>frame.shape[0])
        writer_wake(self.writer.writer)

    def feed_both(self, const int16_t[::1] sent not None, const int16_t[::1] played not None):
        if sent.shape[0] != played.shape[0]:
            raise ValueError("both sides have as many samples")
        if sent.shape[0] and sent.shape[0] <= 960:
            recorder_feed_both(self.recorder, &sent[0], &played[0], <int>sent.shape[0])
        writer_wake(self.writer.writer)

    def finish(self):
        recorder_finish(self.recorder)
        writer_wake(self.writer.writer)

    @property
    def done(self):
        return recorder_done(self.recorder)

    @property
    def failed(self):
        return platform_load_acquire(&self.recorder.failed) != 0

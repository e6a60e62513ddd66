"""The sound card: a callback in C between PortAudio's thread and two PCM rings.

PortAudio's functions are called by their addresses in the library that PyAudio has loaded, so
device numbers are PyAudio's and there is one PortAudio in the process. The callback takes no
lock and never meets the GIL. Which devices there are, and who may open one, is for
`platypus.audio.portaudio`; drift against the media clock is for the endpoints.
"""

import time

cimport cython
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int16_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from platypus._media.endpoint cimport RingSink, RingSource
from platypus._media.overlay cimport Overlay, overlay_shape
from platypus._media.platform cimport (
    PLATFORM_SCHEDULING_PLAIN, platform_ask_scheduling, platform_ask_scheduling_of,
    platform_foreign_end, platform_foreign_self, platform_foreign_used_ns, platform_load_acquire,
    platform_monotonic_ns, platform_store_release,
)
from platypus._media.ring cimport Ring, ring_read, ring_write

# portaudio.h, V19
cdef unsigned long PA_INT16 = 8
cdef unsigned long PA_NO_FLAG = 0

cdef struct stream_parameters_t:
    int device
    int channels
    unsigned long sample_format
    double suggested_latency
    void *host_api_info

# pa_linux_alsa.h: opens a device by ALSA's own name, also one that PortAudio does not list.
cdef struct alsa_info_t:
    unsigned long size
    int host_api
    unsigned long version
    const char *name

cdef int PA_ALSA = 8
cdef int PA_BY_HOST_API = -2  # paUseHostApiSpecificDeviceSpecification

# What the card may get ahead or behind before samples are lost.
cdef int RING_MS = 200
# A callback comes every 10 ms, so a thread that works this long without one does not get there.
cdef int64_t LOOK_NS = 60_000_000
cdef enum:
    BLOCK_MAX = 4096  # samples shaped at a time; a callback has far fewer


cdef void capture_samples(callback_t *shared, const int16_t *captured, int count) noexcept nogil:
    cdef int16_t shaped[BLOCK_MAX]
    cdef int part
    while count > 0:
        part = min(count, BLOCK_MAX)
        memcpy(shaped, captured, part * sizeof(int16_t))
        overlay_shape(shared.said, shaped, part)
        ring_write(shared.capture, shaped, part)
        captured += part
        count -= part


cdef void play_samples(callback_t *shared, int16_t *played, int count) noexcept nogil:
    cdef int given = 0
    if shared.playout != NULL:
        given = ring_read(shared.playout, played, count)
        if given < count and shared.played_whole:
            platform_store_release(&shared.gaps, shared.gaps + 1)
        shared.played_whole = given == count
    memset(played + given, 0, (count - given) * sizeof(int16_t))
    if shared.heard != NULL:
        overlay_shape(shared.heard, played, count)


cdef void tell_time(callback_t *shared) noexcept nogil:
    cdef uint32_t now_us = <uint32_t>(platform_monotonic_ns() // 1000)
    if shared.callbacks and now_us - shared.stamp_us > shared.longest_us:
        platform_store_release(&shared.longest_us, now_us - shared.stamp_us)
    platform_store_release(&shared.stamp_us, now_us)


cdef int move_samples(
    const void *captured, void *played, unsigned long frames, const void *times,
    unsigned long flags, void *argument,
) noexcept nogil:
    """PaStreamCallback: mono int16 both ways."""
    cdef callback_t *shared = <callback_t *>argument
    if shared.callbacks == 0:
        platform_ask_scheduling()  # PortAudio's thread has none of its own on ALSA
        shared.thread = platform_foreign_self()
    if captured != NULL and shared.capture != NULL:
        capture_samples(shared, <const int16_t *>captured, <int>frames)
    if played != NULL:
        play_samples(shared, <int16_t *>played, <int>frames)
    tell_time(shared)
    platform_store_release(&shared.callbacks, shared.callbacks + 1)
    if flags:
        platform_store_release(&shared.flagged, shared.flagged + 1)
    return 0  # paContinue


cdef void say_nothing() noexcept nogil:
    pass


def quiet_handler():
    """The address of a C function that does nothing with whatever it is given.

    For the error handlers of ALSA and JACK, which are called in any thread: a Python one would
    make PortAudio's thread wait for the GIL.
    """
    return <size_t>&say_nothing


def ask_scheduling(int thread):
    """For another thread of this process, by the system's number; whether it got any."""
    return platform_ask_scheduling_of(thread) != PLATFORM_SCHEDULING_PLAIN


@cython.no_gc_clear
cdef class NativeStream:
    """A stream of mono int16 at `rate`, with `period` samples a callback."""

    def __cinit__(self, functions, *, capture, playout, int rate, int period, bytes name=None):
        self.shared = <callback_t *>calloc(1, sizeof(callback_t))
        if self.shared == NULL:
            raise MemoryError("no memory for a sound card's stream")
        self.rate, self.period = rate, period
        self.take_functions(functions)
        if capture is not None:
            self.capture = Ring(rate * RING_MS // 1000)
            self.shared.capture = self.capture.ring
            self.said = Overlay(rate)
            self.shared.said = &self.said.overlay
            self.source = RingSource(self.capture, rate, card_period=period)
            self.source.source.card.stamp_us = &self.shared.stamp_us
            self.source.keeps = (self.capture, self)
        if playout is not None:
            self.playout = Ring(rate * RING_MS // 1000)
            self.shared.playout = self.playout.ring
            self.heard = Overlay(rate)
            self.shared.heard = &self.heard.overlay
            self.sink = RingSink(self.playout, rate, card_period=period)
            self.sink.sink.card.stamp_us = &self.shared.stamp_us
            self.sink.keeps = (self.playout, self)
        self.open(capture, playout, name)

    def __dealloc__(self):
        # With the stream still open its thread may be in the callback: rather leaked than freed.
        if self.stream == NULL:
            free(self.shared)
            return
        for used in (self.capture, self.playout, self.said, self.heard):
            Py_INCREF(used)

    cdef int take_functions(self, functions) except -1:
        cdef size_t address = functions["Pa_OpenStream"]
        (<size_t *>&self.functions.open_stream)[0] = address
        address = functions["Pa_StartStream"]
        (<size_t *>&self.functions.start_stream)[0] = address
        address = functions["Pa_AbortStream"]
        (<size_t *>&self.functions.abort_stream)[0] = address
        address = functions["Pa_CloseStream"]
        (<size_t *>&self.functions.close_stream)[0] = address
        address = functions["Pa_IsStreamActive"]
        (<size_t *>&self.functions.is_stream_active)[0] = address
        return 0

    cdef int open(self, capture, playout, bytes name) except -1:
        cdef stream_parameters_t to_capture, to_play
        cdef alsa_info_t info
        cdef int problem
        to_capture = parameters(capture)
        to_play = parameters(playout)
        if name is not None:
            info.size, info.host_api, info.version = sizeof(info), PA_ALSA, 1
            info.name = name
            to_capture.device = to_play.device = PA_BY_HOST_API
            to_capture.host_api_info = to_play.host_api_info = &info
        with nogil:
            problem = self.functions.open_stream(
                &self.stream,
                &to_capture if to_capture.channels else NULL,
                &to_play if to_play.channels else NULL,
                self.rate, self.period, PA_NO_FLAG, <void *>&move_samples, self.shared,
            )
        if problem:
            self.stream = NULL
            raise OSError(problem, "Pa_OpenStream")
        return 0

    @property
    def overlay(self):
        """Of what is played, or of what is captured where nothing is."""
        return self.heard if self.heard is not None else self.said

    def start(self):
        """OSError with PortAudio's number when it can't."""
        cdef int problem
        if self.stream == NULL:
            raise ValueError("the stream is closed")
        with nogil:
            problem = self.functions.start_stream(self.stream)
        if problem:
            raise OSError(problem, "Pa_StartStream")
        self.started_ns = platform_monotonic_ns()

    def close(self):
        """Stop and close it; blocks as long as PortAudio does. Idempotent."""
        cdef void *stream = self.stream
        cdef int problem
        if stream == NULL:
            return
        with nogil:
            self.functions.abort_stream(stream)
            problem = self.functions.close_stream(stream)
        if problem:
            raise OSError(problem, "Pa_CloseStream")
        self.stream = NULL

    cdef void look(self) noexcept:
        """Note whether its thread was busy since the last look, with anything but callbacks."""
        cdef int64_t now_ns = platform_monotonic_ns()
        cdef int64_t elapsed_ns = now_ns - self.looked_ns
        cdef uint32_t called = platform_load_acquire(&self.shared.callbacks)
        cdef int64_t used_ns
        if called == 0 or (called == self.called_before and elapsed_ns < LOOK_NS):
            return
        used_ns = platform_foreign_used_ns(self.shared.thread)
        self.goes_round = (called == self.called_before and used_ns >= 0
                           and used_ns - self.used_ns > elapsed_ns // 2)
        self.looked_ns, self.used_ns, self.called_before = now_ns, used_ns, called

    @property
    def active(self):
        """PortAudio says so: true for a card that is suspended, too. Watch `silent_ms`."""
        cdef int active
        if self.stream == NULL:
            return False
        with nogil:
            active = self.functions.is_stream_active(self.stream)
        self.look()
        return active == 1 and not self.goes_round

    def end_thread(self):
        """While `close` waits for PortAudio's thread: end it where it goes round for ever.

        In 19.6 a device that fails at the wrong moment leaves it in its handling of errors, where
        it can't be cancelled and prints a line each time: a processor, and 150 MB a second.
        Whether it was so; takes a few times 10 ms to know.
        """
        if self.stream == NULL:
            return False
        self.look()
        time.sleep(LOOK_NS / 1e9)
        self.look()
        return self.goes_round and platform_foreign_end(self.shared.thread) == 0

    @property
    def silent_ms(self):
        """Since the last callback, or the start; None before that."""
        cdef uint32_t elapsed_us
        if not platform_load_acquire(&self.shared.callbacks):
            if not self.started_ns:
                return None
            return (platform_monotonic_ns() - self.started_ns) / 1e6
        elapsed_us = <uint32_t>(platform_monotonic_ns() // 1000) - platform_load_acquire(
            &self.shared.stamp_us
        )
        return elapsed_us / 1000.0

    @property
    def called(self):
        """Whether a callback has come."""
        return platform_load_acquire(&self.shared.callbacks) > 0

    def read(self, int samples):
        """Up to so many of the captured samples; only while no leg has the source."""
        if self.capture is None:
            return b""
        return self.capture.read(min(samples, self.capture.available))

    def statistics(self):
        return {
            "callbacks": platform_load_acquire(&self.shared.callbacks),
            "flagged": platform_load_acquire(&self.shared.flagged),
            "gaps": platform_load_acquire(&self.shared.gaps),
            "longest_us": platform_load_acquire(&self.shared.longest_us),
            "captured": self.capture.available if self.capture is not None else 0,
            "capture_overruns": self.capture.overruns if self.capture is not None else 0,
            "playing": self.playout.available if self.playout is not None else 0,
            "playout_underruns": self.playout.underruns if self.playout is not None else 0,
        }


cdef stream_parameters_t parameters(end) except *:
    """From (device number, latency in seconds), or None for a direction that is not wanted."""
    cdef stream_parameters_t wanted
    memset(&wanted, 0, sizeof(wanted))
    if end is not None:
        wanted.device, wanted.suggested_latency = end
        wanted.channels = 1
        wanted.sample_format = PA_INT16
    return wanted

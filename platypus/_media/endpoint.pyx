"""Where a leg's audio comes from, and where it goes.

    Source -> feed (level of a card's ring, resampling) -> frame at the leg's rate
    frame at the leg's rate -> outlet (resampling, level of a card's ring) -> Sink

These are what Python holds; `feed` and `outlet` join them to one leg. Nothing here encodes,
sends or waits.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int16_t, uint32_t
from libc.string cimport memset

from platypus._media.canceller cimport Canceller
from platypus._media.platform cimport platform_store_release
from platypus._media.ring cimport Ring

RATE_MIN, RATE_MAX = 4000, 192000


cdef int checked_rate(rate) except -1:
    if not RATE_MIN <= rate <= RATE_MAX:
        raise ValueError(f"a sampling rate is {RATE_MIN} to {RATE_MAX} Hz, not {rate}")
    return rate


cdef class Source:
    """Something a leg hears from. Drives one leg at a time."""

    def __cinit__(self, *args, **options):
        memset(&self.source, 0, sizeof(source_t))

    @property
    def rate(self):
        return self.source.rate


cdef class Sink:
    """Something that takes what a leg plays. Serves one leg at a time."""

    def __cinit__(self, *args, **options):
        memset(&self.sink, 0, sizeof(sink_t))

    @property
    def rate(self):
        return self.sink.rate


cdef class SilenceSource(Source):
    """Zeros."""

    def __init__(self):
        self.source.kind = SOURCE_SILENCE


cdef class EchoSource(Source):
    """What the leg itself plays, sent back."""

    def __init__(self):
        self.source.kind = SOURCE_ECHO


cdef class ToneSource(Source):
    """A sum of sines, with an optional cadence that repeats."""

    def __init__(self, tones, cadence_ms=()):
        if not 0 < len(tones) <= TONES_MAX:
            raise ValueError(f"a tone has 1 to {TONES_MAX} sines, not {len(tones)}")
        if len(cadence_ms) > CADENCE_MAX or any(not 0 < part < 60_000 for part in cadence_ms):
            raise ValueError(f"a cadence has at most {CADENCE_MAX} parts of 1 to 59999 ms")
        for index, (hz, amplitude) in enumerate(tones):
            if not (0 < hz < 24_000 and 0 <= amplitude <= 32_767):
                raise ValueError(f"not a tone: {hz} Hz at amplitude {amplitude}")
            self.source.tones[<int>index].hz = hz
            self.source.tones[<int>index].amplitude = amplitude
        for index, part in enumerate(cadence_ms):
            self.source.cadence_ms[<int>index] = part
        self.source.tone_count = <int>len(tones)
        self.source.cadence_count = <int>len(cadence_ms)
        self.source.kind = SOURCE_TONE


cdef class BufferSource(Source):
    """Samples held in memory (a WAV file), played from the first when a leg takes it."""

    cdef Py_buffer view
    cdef bint held  # the view is to be given back

    def __init__(self, pcm, rate, *, loop=False):
        if self.held:
            raise TypeError("a BufferSource is set up once")
        checked_rate(rate)
        PyObject_GetBuffer(pcm, &self.view, PyBUF_SIMPLE)
        if self.view.len % 2:
            PyBuffer_Release(&self.view)
            raise ValueError("PCM has two bytes a sample: an odd length was given")
        self.held = True
        self.source.samples = <const int16_t *>self.view.buf
        self.source.count = self.view.len // 2
        self.source.loops = loop
        self.source.rate = rate
        self.source.kind = SOURCE_BUFFER

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef class RingSource(Source):
    """Frames that somebody else writes: Python, or a sound card."""

    def __init__(self, Ring ring not None, rate, *, int card_period=0):
        self.source.rate = checked_rate(rate)
        self.source.ring = ring.ring
        self.source.card.period = max(0, card_period)
        self.source.kind = SOURCE_RING
        self.keeps = ring

    def called(self, now_us):
        """The card's callback has come: for one that is Python's, or simulated."""
        platform_store_release(&self.stamp_us, <uint32_t>(now_us & 0xFFFFFFFF))
        self.source.card.stamp_us = &self.stamp_us

    def cancel_echo(self, Canceller canceller not None):
        """Clean what is captured, for good. Before any leg has it."""
        if self.loop is not None or self.canceller is not None:
            raise ValueError("a source gets its canceller once, before it is given to a leg")
        self.canceller = canceller
        self.source.canceller = &canceller.canceller


cdef class NullSink(Sink):
    """Nowhere."""


cdef class RingSink(Sink):
    """Frames for somebody else to read. What does not fit is dropped and counted."""

    def __init__(self, Ring ring not None, rate, *, int card_period=0):
        self.sink.rate = checked_rate(rate)
        self.sink.ring = ring.ring
        self.sink.card.period = max(0, card_period)
        self.keeps = ring

    def called(self, now_us):
        """The card's callback has come: for one that is Python's, or simulated."""
        platform_store_release(&self.stamp_us, <uint32_t>(now_us & 0xFFFFFFFF))
        self.sink.card.stamp_us = &self.stamp_us

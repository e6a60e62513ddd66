"""A ring of PCM samples between two threads (int16, mono, single producer, single consumer).

The producer stores only `written`, the consumer only `taken`; both count samples for
ever, modulo 2**32, so that full and empty differ. A store-release after the samples
and a load-acquire before them are all the order that is needed: no lock, no wait,
no allocation after `ring_new`.

A full ring refuses what does not fit (the newest is lost, and counted); an empty one
gives less than was asked for. It does not pace, resample or wake anybody.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy


cdef extern from "platform.h" nogil:
    uint32_t platform_load_acquire(const uint32_t *field)
    void platform_store_release(uint32_t *field, uint32_t value)
    uint32_t platform_fetch_add(uint32_t *field, uint32_t value)


cdef enum:
    MAX_CAPACITY = 1 << 24  # 350 s at 48 kHz: a larger one is a mistake, not a buffer


cdef ring_t *ring_new(int capacity) noexcept nogil:
    """A ring for `capacity` samples, or NULL."""
    cdef ring_t *ring
    cdef uint32_t size = 1
    if capacity < 1 or capacity > MAX_CAPACITY:
        return NULL
    while size < <uint32_t>capacity:
        size <<= 1
    ring = <ring_t *>calloc(1, sizeof(ring_t))
    if ring == NULL:
        return NULL
    ring.samples = <int16_t *>calloc(size, sizeof(int16_t))
    if ring.samples == NULL:
        free(ring)
        return NULL
    ring.mask = size - 1
    ring.capacity = <uint32_t>capacity
    return ring


cdef void ring_free(ring_t *ring) noexcept nogil:
    if ring != NULL:
        free(ring.samples)
        free(ring)


cdef int ring_write(ring_t *ring, const int16_t *samples, int count) noexcept nogil:
    """Producer: take in as many of `count` samples as fit; the rest count as overruns."""
    cdef uint32_t written = ring.written
    cdef uint32_t room = ring.capacity - (written - platform_load_acquire(&ring.taken))
    cdef uint32_t taken_in, start, first
    if count <= 0:
        return 0
    taken_in = <uint32_t>count
    if taken_in > room:
        platform_fetch_add(&ring.overruns, taken_in - room)
        taken_in = room
    start = written & ring.mask
    first = ring.mask + 1 - start
    if first > taken_in:
        first = taken_in
    memcpy(ring.samples + start, samples, first * sizeof(int16_t))
    memcpy(ring.samples, samples + first, (taken_in - first) * sizeof(int16_t))
    platform_store_release(&ring.written, written + taken_in)
    return <int>taken_in


cdef int ring_read(ring_t *ring, int16_t *samples, int count) noexcept nogil:
    """Consumer: give up to `count` samples; those that are missing count as underruns."""
    cdef uint32_t taken = ring.taken
    cdef uint32_t there = platform_load_acquire(&ring.written) - taken
    cdef uint32_t given, start, first
    if count <= 0:
        return 0
    given = <uint32_t>count
    if given > there:
        platform_fetch_add(&ring.underruns, given - there)
        given = there
    start = taken & ring.mask
    first = ring.mask + 1 - start
    if first > given:
        first = given
    memcpy(samples, ring.samples + start, first * sizeof(int16_t))
    memcpy(samples + first, ring.samples, (given - first) * sizeof(int16_t))
    platform_store_release(&ring.taken, taken + given)
    return <int>given


cdef int ring_discard(ring_t *ring, int count) noexcept nogil:
    """Consumer: forget up to `count` of the oldest samples; return how many there were."""
    cdef uint32_t taken = ring.taken
    cdef uint32_t there = platform_load_acquire(&ring.written) - taken
    if count <= 0:
        return 0
    if <uint32_t>count < there:
        there = <uint32_t>count
    platform_store_release(&ring.taken, taken + there)
    return <int>there


cdef int ring_available(const ring_t *ring) noexcept nogil:
    """Samples that a read would find now."""
    cdef uint32_t taken = platform_load_acquire(&ring.taken)
    return <int>(platform_load_acquire(&ring.written) - taken)


cdef int ring_room(const ring_t *ring) noexcept nogil:
    """Samples that a write would find room for now."""
    return <int>ring.capacity - ring_available(ring)


cdef class Ring:
    """The ring for Python: one thread writes, one thread reads; either may be native."""

    def __cinit__(self, int capacity):
        self.ring = ring_new(capacity)
        if self.ring == NULL:
            if 1 <= capacity <= MAX_CAPACITY:
                raise MemoryError("no memory for a ring of samples")
            raise ValueError(f"a ring holds 1 to {MAX_CAPACITY} samples, not {capacity}")

    def __dealloc__(self):
        ring_free(self.ring)

    def write(self, pcm) -> int:
        """Write int16 samples from a bytes-like object; return how many samples fitted."""
        cdef Py_buffer view
        PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
        try:
            if view.len & 1:
                raise ValueError("PCM has two bytes a sample: an odd length was given")
            if view.len > 2 * <Py_ssize_t>MAX_CAPACITY:
                raise ValueError("more samples than any ring holds")
            return ring_write(self.ring, <const int16_t *>view.buf, <int>(view.len >> 1))
        finally:
            PyBuffer_Release(&view)

    def read(self, int samples) -> bytes:
        """Take up to `samples` samples (int16); what is missing counts as underrun."""
        cdef bytes result
        cdef int there = ring_available(self.ring)
        if samples < 0:
            raise ValueError("cannot read a negative number of samples")
        result = PyBytes_FromStringAndSize(NULL, 2 * min(samples, there))
        ring_read(self.ring, <int16_t *>PyBytes_AS_STRING(result), min(samples, there))
        if samples > there:
            platform_fetch_add(&self.ring.underruns, <uint32_t>(samples - there))
        return result

    def discard(self, int samples) -> int:
        """Forget up to `samples` of the oldest samples; return how many there were."""
        return ring_discard(self.ring, samples)

    @property
    def available(self) -> int:
        return ring_available(self.ring)

    @property
    def capacity(self) -> int:
        return <int>self.ring.capacity

    @property
    def overruns(self) -> int:
        """Samples refused because the ring was full."""
        return platform_load_acquire(&self.ring.overruns)

    @property
    def underruns(self) -> int:
        """Samples asked for that were not there."""
        return platform_load_acquire(&self.ring.underruns)

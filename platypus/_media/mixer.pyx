"""Adding sounds, and how loud they are.

A conference adds all its parties into one sum of 32 bits, and gives each the sum
without its own part (N-1); only what comes out is limited to 16 bits. Levels are
against a full-scale square wave: a full-scale sine is -3.01 dBFS RMS and 0 dBFS peak.

Whose frames are mixed, and when, is the media loop's business.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport log10, sqrt
from libc.stdint cimport int16_t, int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset


cdef enum:
    MAX_BYTES = 1 << 26      # of a frame to be mixed: a mistake beyond

cdef double NOTHING_DBFS = -96.0  # below the least that 16 bits can hold, -90.3


cdef inline int16_t limited(int32_t value) noexcept nogil:
    return <int16_t>(32767 if value > 32767 else (-32768 if value < -32768 else value))


cdef void mix_clear(int32_t *sum, int count) noexcept nogil:
    memset(sum, 0, count * sizeof(int32_t))


cdef void mix_add(int32_t *sum, const int16_t *samples, int count) noexcept nogil:
    """Add one party; 65,536 of them fit."""
    cdef int i
    for i in range(count):
        sum[i] += samples[i]


cdef void mix_take(const int32_t *sum, const int16_t *own, int16_t *out, int count) noexcept nogil:
    """What a party hears: the sum, less its own part unless that is NULL."""
    cdef int i
    if own == NULL:
        for i in range(count):
            out[i] = limited(sum[i])
        return
    for i in range(count):
        out[i] = limited(sum[i] - own[i])


cdef double level_rms(const int16_t *samples, int count) noexcept nogil:
    """Root of the mean square, 0 to 32768."""
    cdef int64_t total = 0
    cdef int i, value
    for i in range(count):
        value = samples[i]
        total += value * value
    return sqrt(<double>total / count) if count > 0 else 0.0


cdef int level_peak(const int16_t *samples, int count) noexcept nogil:
    """The largest magnitude, 0 to 32768."""
    cdef int peak = 0, i, value
    for i in range(count):
        value = samples[i]
        peak = max(peak, value if value >= 0 else -value)
    return peak


cdef double level_dbfs(double amplitude) noexcept nogil:
    """An amplitude in dB below full scale; -96 for silence."""
    return 20.0 * log10(amplitude / 32768.0) if amplitude > 0.0 else NOTHING_DBFS


def mix(frames, *, without=None) -> bytes:
    """The sum of frames of equal length, limited; less the one with the index `without`."""
    cdef Py_ssize_t size = len(frames[0]) if frames else 0
    cdef int count
    cdef int32_t *total
    cdef const int16_t *own = NULL
    cdef bytes frame, result
    if size & 1 or size > MAX_BYTES:
        raise ValueError("PCM has two bytes a sample: an odd or huge length was given")
    if any(len(frame) != size for frame in frames):
        raise ValueError("frames to be mixed are of one length")
    count = <int>(size >> 1)
    total = <int32_t *>calloc(max(1, count), sizeof(int32_t))
    if total == NULL:
        raise MemoryError("no memory to mix")
    try:
        for frame in frames:
            mix_add(total, <const int16_t *>PyBytes_AS_STRING(frame), count)
        if without is not None:
            frame = frames[without]
            own = <const int16_t *>PyBytes_AS_STRING(frame)
        result = PyBytes_FromStringAndSize(NULL, size)
        mix_take(total, own, <int16_t *>PyBytes_AS_STRING(result), count)
        return result
    finally:
        free(total)


def level(pcm) -> tuple:
    """RMS and peak of int16 samples, in dBFS; -96 for silence."""
    cdef Py_buffer view
    cdef int count
    PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
    try:
        if view.len & 1 or view.len > MAX_BYTES:
            raise ValueError("PCM has two bytes a sample: an odd or huge length was given")
        count = <int>(view.len >> 1)
        return (level_dbfs(level_rms(<const int16_t *>view.buf, count)),
                level_dbfs(level_peak(<const int16_t *>view.buf, count)))
    finally:
        PyBuffer_Release(&view)

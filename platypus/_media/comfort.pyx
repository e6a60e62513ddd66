"""Comfort noise (RFC 3389): white noise through the filter that the far end described.

The first octet is the level below overload in dB, those behind it are reflection
coefficients of an all-pole filter for 8,000 samples a second; at other rates the noise stays
white. Describing noise of our own is `silence`'s.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport pow, sqrt
from libc.stdint cimport int16_t, int32_t, uint8_t, uint32_t
from libc.string cimport memset


cdef enum:
    MOST_SAMPLES = 1 << 20
    CHEAP = 30               # dB below overload: louder noise than this is no comfort

# Of numbers that are spread evenly over -1 to 1.
cdef double EVEN_RMS = 0.57735026919
cdef float WIDEST = 0.98     # a coefficient of one would ring for ever


cdef void comfort_describe(comfort_t *comfort, const uint8_t *payload, int length,
                           int rate) noexcept nogil:
    cdef double gain
    cdef float k
    cdef int i
    if length < 1:
        return
    comfort.known = 1
    comfort.order = min(length - 1, COMFORT_ORDER) if rate == 8000 else 0
    gain = 32768.0 * pow(10.0, -max(CHEAP, payload[0] & 0x7F) / 20.0) / EVEN_RMS
    for i in range(comfort.order):
        k = (payload[1 + i] - 127) / <float>128.0
        k = max(-WIDEST, min(WIDEST, k))
        comfort.k[i] = k
        gain *= sqrt(1.0 - k * k)  # each stage makes what goes through it louder by as much
    comfort.gain = <float>gain


cdef int comfort_make(comfort_t *comfort, int16_t *out, int samples) noexcept nogil:
    """`samples` of it; 0 where none was ever described."""
    cdef float value
    cdef int i, j
    if not comfort.known:
        return 0
    for i in range(samples):
        # Numerical Recipes' generator: whoever hears it will not tell it from a better one.
        comfort.seed = comfort.seed * 1664525 + 1013904223
        value = <int32_t>comfort.seed * comfort.gain / <float>2147483648.0
        for j in range(comfort.order - 1, -1, -1):
            value -= comfort.k[j] * comfort.b[j]
            comfort.b[j + 1] = comfort.b[j] + comfort.k[j] * value
        comfort.b[0] = value
        out[i] = <int16_t>max(<float>-32768.0, min(<float>32767.0, value))
    return samples


cdef class Comfort:
    """Noise for Python, for tests."""

    def __cinit__(self, int rate=8000):
        memset(&self.comfort, 0, sizeof(comfort_t))
        self.rate = rate

    def describe(self, payload) -> None:
        cdef Py_buffer view
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        comfort_describe(&self.comfort, <const uint8_t *>view.buf, <int>min(view.len, 255),
                         self.rate)
        PyBuffer_Release(&view)

    def make(self, int samples) -> bytes:
        cdef bytes result
        if not 0 <= samples <= MOST_SAMPLES:
            raise ValueError(f"a frame has at most {MOST_SAMPLES} samples")
        result = PyBytes_FromStringAndSize(NULL, 2 * samples)
        return result if comfort_make(
            &self.comfort, <int16_t *>PyBytes_AS_STRING(result), samples) else b""

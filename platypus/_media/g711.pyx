"""G.711, both laws, on 16-bit samples (ITU-T G.711, tables 1a to 2b, scaled as in G.191).

A sample takes the code whose decision interval it lies in; a value on the edge of two
intervals goes to the one nearer to zero when negative, as in the ITU's own G.191 (the
ones' complement of a negative number is its distance from -1). CPython's audioop
differs there for mu-law: it rounds negative samples away from zero, so that -1 comes
back as -8.

No packet-loss concealment and no comfort noise: appendices I and II are not here.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, uint8_t


cdef enum:
    ULAW_BIAS = 33       # G.711, table 2: makes every segment start at a power of two (14 bit)
    ULAW_MAX = 0x1fff    # the largest biased magnitude; beyond it the code is clipped
    MAX_BYTES = 1 << 30  # counts below are int


cdef int16_t[256] ulaw_values
cdef int16_t[256] alaw_values


cdef void fill_tables() noexcept:
    cdef int code, inverted, segment, step, magnitude
    for code in range(256):
        inverted = code ^ 0xff  # mu-law transmits all bits inverted
        segment = (inverted >> 4) & 7
        step = inverted & 15
        magnitude = (((2 * step + ULAW_BIAS) << segment) - ULAW_BIAS) << 2
        ulaw_values[code] = <int16_t>(-magnitude if inverted & 0x80 else magnitude)
        inverted = code ^ 0x55  # A-law transmits even bits inverted
        segment = (inverted >> 4) & 7
        step = inverted & 15
        magnitude = (2 * step + 1) << 3
        if segment > 0:
            magnitude = (magnitude + 256) << (segment - 1)
        alaw_values[code] = <int16_t>(magnitude if inverted & 0x80 else -magnitude)


fill_tables()


cdef extern from *:
    """
    #include <string.h>
    /* Sign, exponent and mantissa of a small whole number, as IEEE 754 has them: its highest
     * bit and the four below are what a code of G.711 is made of. Loops over this are
     * vectorised; a table for the segments would not be. */
    static inline int32_t g711_float_bits(int32_t value)
    {
        float number = (float)value;
        int32_t bits;
        memcpy(&bits, &number, sizeof bits);
        return bits;
    }
    """
    int g711_float_bits(int value) noexcept nogil


cdef enum:
    MANTISSA_SHIFT = 19      # leaves the exponent and four bits of 23
    ULAW_FIRST = (127 + 5) << 4  # of the least magnitude, 33: segment 0
    ALAW_FIRST = (127 + 4) << 4  # segments begin at 32 here; the lowest has two widths of 16


cdef void ulaw_encode(const int16_t *samples, int count, uint8_t *codes) noexcept nogil:
    cdef int i, sample, sign, magnitude
    for i in range(count):
        sample = samples[i]
        sign = sample >> 15  # -1 or 0
        magnitude = ((sample ^ sign) >> 2) + ULAW_BIAS
        magnitude = magnitude if magnitude < ULAW_MAX else ULAW_MAX
        codes[i] = <uint8_t>~((sign & 0x80)
                              | ((g711_float_bits(magnitude) >> MANTISSA_SHIFT) - ULAW_FIRST))


cdef void alaw_encode(const int16_t *samples, int count, uint8_t *codes) noexcept nogil:
    cdef int i, sample, sign, magnitude, code
    for i in range(count):
        sample = samples[i]
        sign = sample >> 15
        magnitude = (sample ^ sign) >> 3  # 0 to 4095
        code = (g711_float_bits(magnitude) >> MANTISSA_SHIFT) - ALAW_FIRST
        code = code if magnitude >= 32 else magnitude >> 1
        codes[i] = <uint8_t>(((~sign & 0x80) | code) ^ 0x55)


cdef void ulaw_decode(const uint8_t *codes, int count, int16_t *samples) noexcept nogil:
    cdef int i
    for i in range(count):
        samples[i] = ulaw_values[codes[i]]


cdef void alaw_decode(const uint8_t *codes, int count, int16_t *samples) noexcept nogil:
    cdef int i
    for i in range(count):
        samples[i] = alaw_values[codes[i]]


ctypedef void (*encoder_t)(const int16_t *, int, uint8_t *) noexcept nogil
ctypedef void (*decoder_t)(const uint8_t *, int, int16_t *) noexcept nogil


cdef bytes encoded(object pcm, encoder_t encode):
    cdef Py_buffer view
    cdef bytes result
    PyObject_GetBuffer(pcm, &view, PyBUF_SIMPLE)
    try:
        if view.len & 1 or view.len > MAX_BYTES:
            raise ValueError("PCM has two bytes a sample: an odd or huge length was given")
        result = PyBytes_FromStringAndSize(NULL, view.len >> 1)
        encode(<const int16_t *>view.buf, <int>(view.len >> 1),
               <uint8_t *>PyBytes_AS_STRING(result))
        return result
    finally:
        PyBuffer_Release(&view)


cdef bytes decoded(object codes, decoder_t decode):
    cdef Py_buffer view
    cdef bytes result
    PyObject_GetBuffer(codes, &view, PyBUF_SIMPLE)
    try:
        if view.len > MAX_BYTES:
            raise ValueError("too many codes at once")
        result = PyBytes_FromStringAndSize(NULL, 2 * view.len)
        decode(<const uint8_t *>view.buf, <int>view.len, <int16_t *>PyBytes_AS_STRING(result))
        return result
    finally:
        PyBuffer_Release(&view)


def encode_ulaw(pcm) -> bytes:
    """One mu-law code for each int16 sample."""
    return encoded(pcm, ulaw_encode)


def decode_ulaw(codes) -> bytes:
    """One int16 sample for each mu-law code."""
    return decoded(codes, ulaw_decode)


def encode_alaw(pcm) -> bytes:
    """One A-law code for each int16 sample."""
    return encoded(pcm, alaw_encode)


def decode_alaw(codes) -> bytes:
    """One int16 sample for each A-law code."""
    return decoded(codes, alaw_decode)

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
    MAX_BYTES = 1 << 30  # counts below are int


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

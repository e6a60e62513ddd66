from libc.stdint cimport int16_t, int32_t, uint8_t

cdef enum:
    G722_HISTORY = 11        # a filter of 12 taps needs so many samples of the past

# One of the two sub-bands, in either direction (G.722, 3.6): the predictor and the step size.
cdef struct g722_band_t:
    int32_t s                # the signal predicted for the next sample
    int32_t sz               # its part from the six zeros
    int32_t r1, r2           # the last two signals reconstructed
    int32_t p1, p2           # the last two partially reconstructed
    int32_t a1, a2           # coefficients of the poles
    int32_t b[6]             # of the zeros
    int32_t d[6]             # the last six differences, the newest first
    int32_t step_log         # logarithm of the step size
    int32_t step

cdef struct g722_t:
    g722_band_t low, high
    int16_t even[G722_HISTORY]  # of the quadrature mirror filter, the oldest first
    int16_t odd[G722_HISTORY]

cdef void g722_init(g722_t *state) noexcept nogil
# `codes` octets are twice as many samples of 16 kHz.
cdef void g722_encode(g722_t *state, const int16_t *samples, int codes,
                      uint8_t *out) noexcept nogil
cdef void g722_decode(g722_t *state, const uint8_t *codes, int count,
                      int16_t *samples) noexcept nogil
# Codes are missing before `following`, of which there are `count`: get ready to decode them.
cdef void g722_resume(g722_t *state, int missing, const uint8_t *following,
                      int count) noexcept nogil


cdef class Encoder:
    cdef g722_t state


cdef class Decoder:
    cdef g722_t state

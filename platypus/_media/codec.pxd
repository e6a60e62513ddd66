from libc.stdint cimport int16_t, uint8_t

cdef enum codec_t:
    CODEC_NONE = 0
    CODEC_PCMU = 1             # RFC 3551, 4.5.14
    CODEC_PCMA = 2
    CODEC_TELEPHONE_EVENT = 3  # RFC 4733
    CODEC_COMFORT_NOISE = 4    # RFC 3389; taken as silence

cdef int codec_samples(int codec, int length) noexcept nogil
cdef int codec_encode(int codec, const int16_t *frame, int samples, uint8_t *out) noexcept nogil
# A jitter_decode_t: G.711 has no state, the decoder is not looked at.
cdef int codec_decode(void *decoder, int codec, const uint8_t *payload, int length,
                      int16_t *out, int capacity) noexcept nogil

from libc.stdint cimport int16_t, uint8_t

cdef void ulaw_encode(const int16_t *samples, int count, uint8_t *codes) noexcept nogil
cdef void ulaw_decode(const uint8_t *codes, int count, int16_t *samples) noexcept nogil
cdef void alaw_encode(const int16_t *samples, int count, uint8_t *codes) noexcept nogil
cdef void alaw_decode(const uint8_t *codes, int count, int16_t *samples) noexcept nogil

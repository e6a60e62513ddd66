from libc.stdint cimport int16_t, uint8_t

# In C and inline: whoever codes a packet has them in his own code.
cdef extern from "g711.h" nogil:
    void ulaw_encode "ulaw_encode_all"(const int16_t *samples, int count, uint8_t *codes) noexcept
    void alaw_encode "alaw_encode_all"(const int16_t *samples, int count, uint8_t *codes) noexcept
    void ulaw_decode "ulaw_decode_all"(const uint8_t *codes, int count, int16_t *samples) noexcept
    void alaw_decode "alaw_decode_all"(const uint8_t *codes, int count, int16_t *samples) noexcept

/* The loops of G.711, as g711.pyx describes it: in one file of C, so that tests can build each of
 * their forms. */
#ifndef PLATYPUS_G711_H
#define PLATYPUS_G711_H

#include <string.h>
#include "platform.h"

/* A code is a sign and a number in floating point: three bits of exponent, four of mantissa.
 * So a small whole number as IEEE 754 has it has the code in its highest bits, and the other
 * way round. Loops over this are vectorised; over tables they would not be. */
enum {
    ULAW_BIAS = 33,           /* G.711, table 2: every segment begins at a power of two (14 bit) */
    ULAW_MAX = 0x1fff,        /* the largest biased magnitude; beyond it the code is clipped */
    MANTISSA_SHIFT = 19,      /* leaves the exponent and four bits of 23 */
    HALF_STEP = 1 << 18,      /* a code stands for the middle of its interval */
    ULAW_FIRST = (127 + 5) << 4,  /* of the least magnitude, 33: segment 0 */
    ALAW_FIRST = (127 + 4) << 4   /* segments begin at 32 here; the lowest has two widths of 16 */
};

static PLATFORM_INLINE int32_t float_bits(int32_t value)
{
    float number = (float)value;
    int32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* (2 step + 33) << segment, of a code without its sign. */
static PLATFORM_INLINE int32_t biased(int32_t code)
{
    int32_t bits = ((code + ULAW_FIRST) << MANTISSA_SHIFT) + HALF_STEP;
    float number;
    memcpy(&number, &bits, sizeof number);
    return (int32_t)number;
}

static PLATFORM_INLINE void ulaw_encode_each(const int16_t *__restrict samples, int count,
                                             uint8_t *__restrict codes)
{
    for (int i = 0; i < count; i++) {
        int32_t sample = samples[i], sign = sample >> 15; /* -1 or 0 */
        int32_t magnitude = ((sample ^ sign) >> 2) + ULAW_BIAS;
        magnitude = magnitude < ULAW_MAX ? magnitude : ULAW_MAX;
        codes[i] = (uint8_t)~((sign & 0x80)
                              | ((float_bits(magnitude) >> MANTISSA_SHIFT) - ULAW_FIRST));
    }
}

static PLATFORM_INLINE void alaw_encode_each(const int16_t *__restrict samples, int count,
                                             uint8_t *__restrict codes)
{
    for (int i = 0; i < count; i++) {
        int32_t sample = samples[i], sign = sample >> 15;
        int32_t magnitude = (sample ^ sign) >> 3; /* 0 to 4095 */
        int32_t code = (float_bits(magnitude) >> MANTISSA_SHIFT) - ALAW_FIRST;
        code = magnitude >= 32 ? code : magnitude >> 1;
        codes[i] = (uint8_t)(((~sign & 0x80) | code) ^ 0x55);
    }
}

static PLATFORM_INLINE void ulaw_decode_each(const uint8_t *__restrict codes, int count,
                                             int16_t *__restrict samples)
{
    for (int i = 0; i < count; i++) {
        int32_t code = codes[i] ^ 0xff; /* mu-law transmits all bits inverted */
        int32_t magnitude = (biased(code & 0x7f) - ULAW_BIAS) << 2;
        int32_t sign = -(code >> 7);
        samples[i] = (int16_t)((magnitude ^ sign) - sign);
    }
}

static PLATFORM_INLINE void alaw_decode_each(const uint8_t *__restrict codes, int count,
                                             int16_t *__restrict samples)
{
    for (int i = 0; i < count; i++) {
        int32_t code = codes[i] ^ 0x55; /* A-law transmits even bits inverted */
        int32_t magnitude = biased(code & 0x7f) << 2;
        int32_t sign = (code >> 7) - 1;
        /* The lowest segment has the steps of the next: (2 step + 1) << 3. */
        magnitude += (code & 0x7f) < 16 ? magnitude - 256 : 0;
        samples[i] = (int16_t)((magnitude ^ sign) - sign);
    }
}

PLATFORM_TWO_FORMS(ulaw_encode_each, ulaw_encode_all, int16_t, uint8_t)
PLATFORM_TWO_FORMS(alaw_encode_each, alaw_encode_all, int16_t, uint8_t)
PLATFORM_TWO_FORMS(ulaw_decode_each, ulaw_decode_all, uint8_t, int16_t)
PLATFORM_TWO_FORMS(alaw_decode_each, alaw_decode_all, uint8_t, int16_t)

#endif

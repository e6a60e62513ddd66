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

static inline void ulaw_encode_each(const int16_t *__restrict samples, int count,
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

static inline void alaw_encode_each(const int16_t *__restrict samples, int count,
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

static inline void ulaw_decode_each(const uint8_t *__restrict codes, int count,
                                    int16_t *__restrict samples)
{
    for (int i = 0; i < count; i++) {
        int32_t code = codes[i] ^ 0xff; /* mu-law transmits all bits inverted */
        int32_t magnitude = (biased(code & 0x7f) - ULAW_BIAS) << 2;
        int32_t sign = -(code >> 7);
        samples[i] = (int16_t)((magnitude ^ sign) - sign);
    }
}

static inline void alaw_decode_each(const uint8_t *__restrict codes, int count,
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

/* With AVX2 the same in 16 bits, 16 samples at a time: half the instructions, and a fifth of the
 * code, which is far from any cache when a turn comes. Powers of two by segment are looked up in a
 * register, and to multiply by one is to shift each sample by as much as it needs. What is left of
 * a frame is for the loops above. */
#if defined(__x86_64__) && defined(__GNUC__)

PLATFORM_AVX2 static PLATFORM_INLINE __m256i looked_up(__m256i at, char a, char b, char c, char d,
                                                       char e, char f, char g, char h, char rest)
{
    const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        a, b, c, d, e, f, g, h, rest, rest, rest, rest, rest, rest, rest, rest));
    return _mm256_shuffle_epi8(table, at);
}

/* Segment and step of magnitudes whose segments begin at 32: the step still has the bit of its
 * segment's beginning, but in the lowest segment there is none. */
PLATFORM_AVX2 static PLATFORM_INLINE __m256i segment_and_step(__m256i magnitude)
{
    const __m256i nibble = _mm256_set1_epi16(15);
    __m256i top = _mm256_srli_epi16(magnitude, 5); /* its highest bit's place is the segment */
    __m256i low = looked_up(_mm256_and_si256(top, nibble), 0, 0, 1, 1, 2, 2, 2, 2, 3);
    __m256i high = looked_up(_mm256_srli_epi16(top, 4), 0, 4, 5, 5, 6, 6, 6, 6, 7);
    __m256i segment = _mm256_max_epu8(low, high);
    __m256i power = looked_up(segment, (char)128, 64, 32, 16, 8, 4, 2, 1, 0);
    __m256i step = _mm256_mulhi_epu16(magnitude, _mm256_slli_epi16(power, 8));
    return _mm256_add_epi16(_mm256_slli_epi16(segment, 4), step);
}

PLATFORM_AVX2 static PLATFORM_INLINE __m256i ulaw_codes(const int16_t *samples)
{
    __m256i some = _mm256_loadu_si256((const __m256i *)samples);
    __m256i sign = _mm256_srai_epi16(some, 15);
    __m256i magnitude = _mm256_srli_epi16(_mm256_xor_si256(some, sign), 2);
    magnitude = _mm256_add_epi16(magnitude, _mm256_set1_epi16(ULAW_BIAS));
    magnitude = _mm256_min_epi16(magnitude, _mm256_set1_epi16(ULAW_MAX));
    __m256i code = _mm256_sub_epi16(segment_and_step(magnitude), _mm256_set1_epi16(16));
    code = _mm256_or_si256(code, _mm256_and_si256(sign, _mm256_set1_epi16(0x80)));
    return _mm256_xor_si256(code, _mm256_set1_epi16(0xff));
}

PLATFORM_AVX2 static PLATFORM_INLINE __m256i alaw_codes(const int16_t *samples)
{
    __m256i some = _mm256_loadu_si256((const __m256i *)samples);
    __m256i sign = _mm256_srai_epi16(some, 15);
    __m256i magnitude = _mm256_srli_epi16(_mm256_xor_si256(some, sign), 3);
    __m256i code = _mm256_or_si256(segment_and_step(magnitude),
                                   _mm256_andnot_si256(sign, _mm256_set1_epi16(0x80)));
    return _mm256_xor_si256(code, _mm256_set1_epi16(0x55));
}

PLATFORM_AVX2 static PLATFORM_INLINE void put_codes(uint8_t *codes, __m256i first, __m256i second)
{
    __m256i all = _mm256_packus_epi16(first, second); /* the middle quarters change places */
    _mm256_storeu_si256((__m256i *)codes, _mm256_permute4x64_epi64(all, 0xd8));
}

/* (2 step + 33) << segment of the codes in 16 bits each, and the step's place in the lowest. */
PLATFORM_AVX2 static PLATFORM_INLINE __m256i biased_codes(__m256i code)
{
    __m256i segment = _mm256_and_si256(_mm256_srli_epi16(code, 4), _mm256_set1_epi16(7));
    __m256i power = _mm256_and_si256(looked_up(segment, 1, 2, 4, 8, 16, 32, 64, (char)128, 0),
                                     _mm256_set1_epi16(0xff));
    __m256i step = _mm256_and_si256(code, _mm256_set1_epi16(15));
    step = _mm256_add_epi16(_mm256_slli_epi16(step, 1), _mm256_set1_epi16(ULAW_BIAS));
    return _mm256_mullo_epi16(step, power);
}

PLATFORM_AVX2 static PLATFORM_INLINE void put_samples(int16_t *samples, __m256i magnitude,
                                                      __m256i sign)
{
    magnitude = _mm256_sub_epi16(_mm256_xor_si256(magnitude, sign), sign);
    _mm256_storeu_si256((__m256i *)samples, magnitude);
}

PLATFORM_AVX2 static inline void ulaw_encode_wide(const int16_t *samples, int count, uint8_t *codes)
{
    for (; count >= 32; count -= 32, samples += 32, codes += 32)
        put_codes(codes, ulaw_codes(samples), ulaw_codes(samples + 16));
    if (count)
        ulaw_encode_each(samples, count, codes);
}

PLATFORM_AVX2 static inline void alaw_encode_wide(const int16_t *samples, int count, uint8_t *codes)
{
    for (; count >= 32; count -= 32, samples += 32, codes += 32)
        put_codes(codes, alaw_codes(samples), alaw_codes(samples + 16));
    if (count)
        alaw_encode_each(samples, count, codes);
}

PLATFORM_AVX2 static inline void ulaw_decode_wide(const uint8_t *codes, int count, int16_t *samples)
{
    for (; count >= 16; count -= 16, samples += 16, codes += 16) {
        __m256i code = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)codes));
        code = _mm256_xor_si256(code, _mm256_set1_epi16(0xff));
        __m256i magnitude = _mm256_sub_epi16(biased_codes(code), _mm256_set1_epi16(ULAW_BIAS));
        put_samples(samples, _mm256_slli_epi16(magnitude, 2),
                    _mm256_cmpgt_epi16(code, _mm256_set1_epi16(0x7f)));
    }
    if (count)
        ulaw_decode_each(codes, count, samples);
}

PLATFORM_AVX2 static inline void alaw_decode_wide(const uint8_t *codes, int count, int16_t *samples)
{
    for (; count >= 16; count -= 16, samples += 16, codes += 16) {
        __m256i code = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)codes));
        code = _mm256_xor_si256(code, _mm256_set1_epi16(0x55));
        __m256i magnitude = _mm256_slli_epi16(biased_codes(code), 2);
        __m256i lowest = _mm256_cmpeq_epi16(_mm256_and_si256(code, _mm256_set1_epi16(0x70)),
                                            _mm256_setzero_si256());
        __m256i more = _mm256_sub_epi16(magnitude, _mm256_set1_epi16(256));
        magnitude = _mm256_add_epi16(magnitude, _mm256_and_si256(more, lowest));
        put_samples(samples, magnitude, _mm256_cmpgt_epi16(_mm256_set1_epi16(0x80), code));
    }
    if (count)
        alaw_decode_each(codes, count, samples);
}

#else
#define ulaw_encode_wide ulaw_encode_each
#define alaw_encode_wide alaw_encode_each
#define ulaw_decode_wide ulaw_decode_each
#define alaw_decode_wide alaw_decode_each
#endif

PLATFORM_TWO_FORMS(ulaw_encode_each, ulaw_encode_wide, ulaw_encode_all, int16_t, uint8_t)
PLATFORM_TWO_FORMS(alaw_encode_each, alaw_encode_wide, alaw_encode_all, int16_t, uint8_t)
PLATFORM_TWO_FORMS(ulaw_decode_each, ulaw_decode_wide, ulaw_decode_all, uint8_t, int16_t)
PLATFORM_TWO_FORMS(alaw_decode_each, alaw_decode_wide, alaw_decode_all, uint8_t, int16_t)

#endif

from libc.stdint cimport int16_t, int64_t

cdef enum:
    TONE_PARTS = 4           # sines at once
    TONE_CADENCE = 8         # times on and off, in turn

cdef struct tone_t:
    int rate
    int parts
    double cosine[TONE_PARTS]    # 2 cos w: each sine is a recurrence...
    double last[TONE_PARTS]      # ...of its last two samples
    double before[TONE_PARTS]
    double step[TONE_PARTS]      # radians a sample
    double amplitude[TONE_PARTS]
    int64_t position             # samples since the beginning
    int cadence_count            # 0: steady
    int64_t cadence[TONE_CADENCE]    # samples
    int cadence_at
    int64_t cadence_left

cdef int tone_init(tone_t *tone, int rate, const double *hz, const double *amplitudes, int parts,
                   const int *cadence_ms, int cadence_count) noexcept nogil
cdef void tone_fill(tone_t *tone, int16_t *out, int count) noexcept nogil


cdef class Tone:
    cdef tone_t tone

from libc.stdint cimport int16_t, int64_t

cdef enum:
    RESAMPLE_BLOCK = 4096    # samples taken in at once, at the most

cdef struct resampler_t:
    int in_rate
    int out_rate
    int taps                 # coefficients of a phase, a multiple of 8; 0: the rates are equal
    int phases               # rows of the table; one more is stored, for what lies between
    int between              # positions fall between the rows
    int step                 # from one output sample to the next: step / parts input samples
    int parts
    int part                 # of the position of the next output sample
    int start                # first of the samples that it is made of, in `history`
    int filled               # samples in `history`
    float *table             # (phases + 1) x taps; owned, unless
    bint shared              # all of these two rates have the same
    float *history           # taps + RESAMPLE_BLOCK; owned

# Under the GIL. NULL: no memory, or a rate that is not 1,000 to 384,000 or more than 48 times the other.
cdef resampler_t *resampler_new(int in_rate, int out_rate) noexcept nogil
cdef void resampler_free(resampler_t *resampler) noexcept nogil
cdef void resampler_reset(resampler_t *resampler) noexcept nogil
# Takes in `count` samples, at most resampler_max_input(), and returns how many came out.
# The room must be resampler_max_output(count); what does not fit is lost.
cdef int resampler_process(resampler_t *resampler, const int16_t *samples, int count,
                           int16_t *out, int out_capacity) noexcept nogil
cdef int resampler_max_input(const resampler_t *resampler) noexcept nogil
cdef int resampler_max_output(const resampler_t *resampler, int count) noexcept nogil
# How many samples must still be given until `out_count` can come out.
cdef int resampler_needed(const resampler_t *resampler, int out_count) noexcept nogil


cdef class Resampler:
    cdef resampler_t *resampler  # owned

from libc.stdint cimport int16_t

cdef struct resampler_t:
    int in_rate
    int out_rate
    int taps             # coefficients a phase; even
    int phases           # rows of the table (one more is stored, for interpolation)
    int interpolated     # the ratio needs positions between the rows
    int step_whole       # input samples to go on by for one output sample...
    int step_part        # ... and the remainder, in units of 1 / step_parts
    int step_parts
    int part             # position of the next output between two inputs, same units
    int start            # first input sample the next output needs, index into `history`
    int filled           # samples in `history`
    int capacity         # of `history`
    float *coefficients  # (phases + 1) x taps; owned
    float *history       # owned

cdef resampler_t *resampler_new(int in_rate, int out_rate) noexcept nogil
cdef void resampler_free(resampler_t *resampler) noexcept nogil
cdef void resampler_reset(resampler_t *resampler) noexcept nogil
# Takes in all `count` samples, which may not be more than resampler_max_input(), and
# returns how many were put out. `out_capacity` must be resampler_max_output(count).
cdef int resampler_process(resampler_t *resampler, const int16_t *samples, int count,
                           int16_t *out, int out_capacity) noexcept nogil
cdef int resampler_max_input(const resampler_t *resampler) noexcept nogil
cdef int resampler_max_output(const resampler_t *resampler, int count) noexcept nogil
# How many input samples must still be given before `out_count` samples can be put out.
cdef int resampler_needed(const resampler_t *resampler, int out_count) noexcept nogil


cdef class Resampler:
    cdef resampler_t *resampler  # owned

from libc.stdint cimport int16_t

cdef enum:
    SCALE_MAX_LAG = 720          # 15 ms at 48 kHz: a pitch of 66 Hz
    SCALE_HISTORY = 2400         # 50 ms at 48 kHz: two of the longest periods and a window
    SCALE_UNITY = 1 << 15

cdef struct conceal_t:
    int rate
    int16_t history[SCALE_HISTORY]   # what was put out last, oldest first
    int filled                       # samples of it that are set, at its end
    int active                       # a loss is being concealed
    int16_t period[SCALE_MAX_LAG]    # one pitch period, its end joined to its beginning
    int length                       # of `period`
    int position                     # next sample of `period`
    int hold                         # samples until the fade begins
    int gain                         # of the next sample, SCALE_UNITY is one
    int step                         # by which the gain falls, each sample

cdef int scale_pitch(const int16_t *samples, int window, int shortest, int longest, int rate,
                     float *likeness) noexcept nogil
cdef float scale_power(const int16_t *samples, int count) noexcept nogil
cdef int scale_shorten(int16_t *samples, int count, int lag) noexcept nogil
cdef int scale_lengthen(int16_t *samples, int count, int lag) noexcept nogil

cdef void conceal_init(conceal_t *conceal, int rate) noexcept nogil
cdef void conceal_remember(conceal_t *conceal, const int16_t *samples, int count) noexcept nogil
cdef int conceal_fill(conceal_t *conceal, int16_t *out, int count) noexcept nogil
cdef void conceal_hush(conceal_t *conceal) noexcept nogil
cdef int conceal_silent(const conceal_t *conceal) noexcept nogil
cdef void conceal_merge(conceal_t *conceal, int16_t *samples, int count) noexcept nogil


cdef class Concealer:
    cdef conceal_t conceal

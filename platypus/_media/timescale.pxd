from libc.stdint cimport int16_t

cdef int scale_pitch(const int16_t *samples, int window, int shortest, int longest, int rate,
                     float *likeness) noexcept nogil
cdef float scale_power(const int16_t *samples, int count) noexcept nogil
cdef int scale_shorten(int16_t *samples, int count, int lag) noexcept nogil
cdef int scale_lengthen(int16_t *samples, int count, int lag) noexcept nogil

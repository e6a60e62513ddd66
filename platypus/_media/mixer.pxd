from libc.stdint cimport int16_t, int32_t

# All parties' samples are added once; each then hears the sum without its own.
cdef void mix_clear(int32_t *sum, int count) noexcept nogil
cdef void mix_add(int32_t *sum, const int16_t *samples, int count) noexcept nogil
cdef void mix_take(const int32_t *sum, const int16_t *own, int16_t *out, int count) noexcept nogil
cdef double level_rms(const int16_t *samples, int count) noexcept nogil
cdef int level_peak(const int16_t *samples, int count) noexcept nogil
cdef double level_dbfs(double amplitude) noexcept nogil

"""How late things happened. One thread adds; any may read, each word being atomic."""

from libc.stdint cimport int64_t, uint32_t

from platypus._media.platform cimport platform_thread_t, platform_timer_t


cdef enum:
    # Microseconds: exact below 16, then 16 steps an octave up to 2**32 us.
    LATENESS_BUCKETS = 464


cdef struct lateness_t:
    uint32_t counts[LATENESS_BUCKETS]  # written by the measured thread
    uint32_t worst_us                  # written by the measured thread
    uint32_t skipped                   # written by the measured thread
    uint32_t resets                    # written under the GIL: how often to begin again
    uint32_t resets_done               # written by the measured thread: how often it has


# So many at a time were no later than this.
cdef void lateness_add(lateness_t *lateness, int64_t late_ns, uint32_t count) noexcept nogil
cdef void lateness_skip(lateness_t *lateness, uint32_t count) noexcept nogil
cdef void lateness_reset(lateness_t *lateness) noexcept nogil
cdef dict lateness_summary(const lateness_t *lateness)


cdef struct idle_t:
    lateness_t lateness
    platform_timer_t timer  # the thread's alone while it runs
    int64_t period_ns       # constant
    bint scheduled          # constant
    uint32_t stop           # atomic


cdef class Histogram:
    cdef lateness_t lateness


cdef class DoNothingThread:
    cdef idle_t idle
    cdef platform_thread_t thread
    cdef bint started  # under the GIL

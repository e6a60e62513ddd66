"""How late packets leave, and a thread that does nothing to compare with.

A histogram of fixed size with a relative error of 6 %: adding takes no lock and allocates
nothing. `DoNothingThread` sleeps until absolute deadlines with the loop's own scheduling and
does nothing else: the lateness it shows is the machine's, not ours.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from platypus._media.platform cimport (
    platform_ask_scheduling, platform_load_acquire, platform_monotonic_ns,
    platform_sleep_until, platform_store_release, platform_thread_join,
    platform_thread_start, platform_timer_destroy, platform_timer_init,
)


cdef int bucket_of(uint32_t us) noexcept nogil:
    cdef int octave = 0
    if us < 16:
        return <int>us
    while (us >> octave) >= 32:
        octave += 1
    return 16 * (octave + 1) + <int>((us >> octave) & 15)


cdef double middle_us(int bucket) noexcept nogil:
    cdef int octave = bucket // 16 - 1
    if octave < 0:
        return bucket
    return (16 + bucket % 16 + 0.5) * (<int64_t>1 << octave)


cdef void begin_again(lateness_t *lateness) noexcept nogil:
    cdef uint32_t resets = platform_load_acquire(&lateness.resets)
    cdef int bucket
    if resets == lateness.resets_done:
        return
    for bucket in range(LATENESS_BUCKETS):
        platform_store_release(&lateness.counts[bucket], 0)
    platform_store_release(&lateness.worst_us, 0)
    platform_store_release(&lateness.skipped, 0)
    platform_store_release(&lateness.resets_done, resets)


cdef void lateness_add(lateness_t *lateness, int64_t late_ns, uint32_t count) noexcept nogil:
    cdef uint32_t us = 0
    cdef int bucket
    begin_again(lateness)
    if late_ns > 0:
        us = <uint32_t>min(late_ns // 1000, <int64_t>0xFFFFFFFF)
    bucket = bucket_of(us)
    platform_store_release(&lateness.counts[bucket], lateness.counts[bucket] + count)
    if us > lateness.worst_us:
        platform_store_release(&lateness.worst_us, us)


cdef void lateness_skip(lateness_t *lateness, uint32_t count) noexcept nogil:
    begin_again(lateness)
    platform_store_release(&lateness.skipped, lateness.skipped + count)


cdef void lateness_reset(lateness_t *lateness) noexcept nogil:
    """From under the GIL: the measured thread begins again at its next entry."""
    platform_store_release(&lateness.resets, lateness.resets + 1)


cdef double percentile_ms(const uint32_t *counts, int64_t total, double part, double worst_ms):
    cdef int64_t below = 0
    cdef int bucket
    for bucket in range(LATENESS_BUCKETS):
        below += counts[bucket]
        if below and below >= part * total:
            return min(middle_us(bucket) / 1000, worst_ms)
    return 0.0


cdef dict lateness_summary(const lateness_t *lateness):
    cdef uint32_t counts[LATENESS_BUCKETS]
    cdef int64_t total = 0
    cdef int bucket
    if platform_load_acquire(&lateness.resets_done) != platform_load_acquire(&lateness.resets):
        return {"count": 0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0, "skipped": 0}
    for bucket in range(LATENESS_BUCKETS):
        counts[bucket] = platform_load_acquire(&lateness.counts[bucket])
        total += counts[bucket]
    worst_ms = platform_load_acquire(&lateness.worst_us) / 1000.0
    return {
        "count": total,
        "p50_ms": percentile_ms(counts, total, 0.5, worst_ms),
        "p99_ms": percentile_ms(counts, total, 0.99, worst_ms),
        "max_ms": worst_ms,
        "skipped": platform_load_acquire(&lateness.skipped),
    }


cdef class Histogram:
    """The histogram from Python, for tests."""

    def __cinit__(self):
        memset(&self.lateness, 0, sizeof(lateness_t))

    def add(self, late_ns):
        lateness_add(&self.lateness, late_ns, 1)

    def skip(self, count):
        lateness_skip(&self.lateness, count)

    def reset(self):
        lateness_reset(&self.lateness)

    def summary(self):
        return lateness_summary(&self.lateness)


cdef void do_nothing(void *argument) noexcept nogil:
    cdef idle_t *idle = <idle_t *>argument
    cdef int64_t deadline
    if idle.scheduled:
        platform_ask_scheduling()
    deadline = platform_monotonic_ns() + idle.period_ns
    while not platform_load_acquire(&idle.stop):
        platform_sleep_until(&idle.timer, deadline)
        lateness_add(&idle.lateness, platform_monotonic_ns() - deadline, 1)
        deadline += idle.period_ns


cdef class DoNothingThread:
    """Sleeps until deadlines `period_ms` apart; scheduled as the media loop is, or plainly."""

    def __cinit__(self, int period_ms=20, *, bint scheduled=True):
        memset(&self.idle, 0, sizeof(idle_t))
        self.idle.period_ns = period_ms * 1_000_000
        self.idle.scheduled = scheduled
        self.started = False
        if platform_timer_init(&self.idle.timer) != 0:
            raise MemoryError("no timer")

    def __dealloc__(self):
        self.close()
        platform_timer_destroy(&self.idle.timer)

    def start(self):
        if not self.started and platform_thread_start(&self.thread, do_nothing, &self.idle) == 0:
            self.started = True

    def close(self):
        """Stop; takes at most one period."""
        if self.started:
            self.started = False
            platform_store_release(&self.idle.stop, 1)
            with nogil:
                platform_thread_join(&self.thread)

    def lateness(self):
        return lateness_summary(&self.idle.lateness)

    def reset_lateness(self):
        lateness_reset(&self.idle.lateness)

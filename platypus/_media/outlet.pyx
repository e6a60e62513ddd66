"""A sink as one leg plays to it: brought to its rate, and a card's ring held at its level.

Made with all its memory under the GIL, then run by the media thread. Nothing here allocates,
waits or touches a Python object.
"""

from libc.stdint cimport int16_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from platypus._media.drift cimport drift_measure, drift_resample, drift_reset, drift_skip
from platypus._media.edge cimport EXCESS_MS, MARGIN_MS, converts, since_callback
from platypus._media.endpoint cimport FRAME_MAX, STAGE_MAX, Sink, outlet_t, sink_t
from platypus._media.platform cimport platform_load_acquire
from platypus._media.resample cimport resampler_free, resampler_process
from platypus._media.ring cimport ring_available, ring_write


cdef void push_card(outlet_t *outlet, int16_t *samples, int count, int64_t now_ns) noexcept nogil:
    cdef sink_t *sink = outlet.sink
    cdef int16_t slid[STAGE_MAX + 16]
    cdef double level = ring_available(sink.ring) - since_callback(&sink.card, sink.rate, now_ns)
    cdef int missing = <int>(outlet.drift.target - level)
    cdef double ratio
    if sink.card.stamp_us != NULL and platform_load_acquire(sink.card.stamp_us) == 0:
        return  # it takes nothing before its first callback
    if missing > 0 and (not outlet.running or ring_available(sink.ring) == 0):
        # At the start, and after the card took more than there was: up to the level at once.
        memset(slid, 0, sizeof(slid))
        missing -= ring_write(sink.ring, slid, min(missing, STAGE_MAX))
        outlet.running = True
    elif -missing > EXCESS_MS * sink.rate // 1000:
        outlet.overruns += <uint32_t>count
        return
    ratio = drift_measure(&outlet.drift, level, <double>count / sink.rate)
    count = drift_skip(&outlet.drift, samples, count)
    count = drift_resample(&outlet.drift, ratio, samples, count, slid, STAGE_MAX + 16)
    outlet.overruns += <uint32_t>(count - ring_write(sink.ring, slid, count))


cdef void outlet_push(
    outlet_t *outlet, const int16_t *frame, int count, int64_t now_ns
) noexcept nogil:
    cdef int16_t samples[STAGE_MAX]
    cdef sink_t *sink = outlet.sink
    if sink == NULL or sink.ring == NULL:
        return
    if outlet.resampler != NULL:
        count = resampler_process(outlet.resampler, frame, count, samples, STAGE_MAX)
    else:
        memcpy(samples, frame, count * sizeof(int16_t))
    if sink.card.period:
        push_card(outlet, samples, count, now_ns)
    else:
        outlet.overruns += <uint32_t>(count - ring_write(sink.ring, samples, count))


cdef outlet_t *outlet_new(sink_t *sink, int leg_rate) noexcept nogil:
    cdef outlet_t *outlet = <outlet_t *>calloc(1, sizeof(outlet_t))
    if outlet == NULL:
        return NULL
    outlet.sink = sink
    if not converts(&outlet.resampler, leg_rate, sink.rate):
        outlet_free(outlet)
        return NULL
    if sink.card.period:
        # What is there just before a write must outlast the callback that comes with it.
        drift_reset(&outlet.drift, sink.rate, MARGIN_MS * sink.rate // 1000)
    return outlet


cdef void outlet_free(outlet_t *outlet) noexcept nogil:
    if outlet != NULL:
        resampler_free(outlet.resampler)
        free(outlet)


cdef void outlet_attach(outlet_t *outlet) noexcept nogil:
    if outlet.sink.outlet != NULL:
        outlet.sink.outlet.sink = NULL
    outlet.sink.outlet = outlet


cdef void outlet_detach(outlet_t *outlet) noexcept nogil:
    if outlet.sink != NULL:
        outlet.sink.outlet = NULL
        outlet.sink = NULL


cdef class Outlet:
    """An outlet from Python, for tests and measurements in virtual time."""

    def __cinit__(self, Sink sink not None, int rate):
        self.sink = sink
        self.outlet = outlet_new(&sink.sink, rate)
        if self.outlet == NULL:
            raise ValueError(f"can't resample from {rate} Hz to a sink of {sink.rate}")
        outlet_attach(self.outlet)

    def __dealloc__(self):
        if self.outlet != NULL:
            outlet_detach(self.outlet)
            outlet_free(self.outlet)

    def push(self, const int16_t[::1] samples not None, now_ns):
        """Play these, at this time."""
        if not 0 < samples.shape[0] <= FRAME_MAX:
            raise ValueError(f"a frame is 1 to {FRAME_MAX} samples, not {samples.shape[0]}")
        outlet_push(self.outlet, &samples[0], <int>samples.shape[0], now_ns)

    @property
    def overruns(self):
        """Samples that were dropped."""
        return self.outlet.overruns

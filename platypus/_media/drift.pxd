"""Holds a sound card's ring at its level. Everything belongs to the loop thread."""

from libc.stdint cimport int16_t, int64_t

cdef enum:
    DRIFT_BLOCK_MAX = 2880  # samples in one step: 60 ms at 48 kHz


cdef struct drift_t:
    int rate
    double target       # samples the ring is to hold
    double error        # smoothed difference from it, in samples
    double offset       # the drift learnt so far, as a fraction
    double position     # of the next output between history[1] and history[2]
    int16_t history[3]  # the last samples of the block before


cdef void drift_reset(drift_t *drift, int rate, double target) noexcept nogil
cdef double drift_measure(drift_t *drift, double level, double seconds) noexcept nogil
cdef int drift_skip(drift_t *drift, int16_t *samples, int count) noexcept nogil
cdef int drift_resample(
    drift_t *drift, double ratio, const int16_t *samples, int count, int16_t *out, int capacity
) noexcept nogil


cdef class Drift:
    cdef drift_t drift

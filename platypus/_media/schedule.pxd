"""Slots: when each leg's turn comes. Everything belongs to the loop thread."""

from libc.stdint cimport int64_t

cdef enum:
    SLOTS = 40
    FRAME_NS = 20_000_000
    HALF_NS = 10_000_000
    WORK_MAX_NS = 500_000        # in one slot: no more than lies between two
    WORK_MAX_SLICE_NS = 90_000   # with a slice of 0.1 ms
    AHEAD_NS = 700_000           # before its deadline a turn may be taken by a thread that is awake


cdef struct slot_t:
    int64_t phase_ns     # its place inside the 20 ms; constant
    int64_t deadline_ns  # of its next turn, CLOCK_MONOTONIC; 0: not running
    int64_t work_ns      # smoothed time one turn takes
    int legs
    int cards            # of these, legs on a sound card: turns come every 10 ms
    bint half            # the next turn is the one between two frames


# `apart`: each as far as can be from those that were chosen before it.
cdef void slots_init(slot_t *slots, bint apart) noexcept nogil
cdef int slots_choose(const slot_t *slots, bint card, int64_t work_max_ns) noexcept nogil
# Of the first `count`: none of the others was ever chosen.
cdef int slots_next(const slot_t *slots, int count) noexcept nogil
# Whether a thread that is awake need not sleep until its turn.
cdef bint slot_is_near(const slot_t *slot, int64_t now_ns) noexcept nogil
cdef void slot_add(slot_t *slot, bint card, int64_t now_ns) noexcept nogil
cdef void slot_remove(slot_t *slot, bint card) noexcept nogil
cdef void slot_worked(slot_t *slot, int64_t work_ns) noexcept nogil
cdef void slot_advance(slot_t *slot) noexcept nogil
cdef int slot_skip(slot_t *slot, int64_t now_ns) noexcept nogil


cdef class Schedule:
    cdef slot_t slots[SLOTS]
    cdef int used

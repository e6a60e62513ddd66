"""Slots: when each leg's turn comes. Everything belongs to the loop thread."""

from libc.stdint cimport int64_t

cdef enum:
    SLOTS = 40
    FRAME_NS = 20_000_000
    HALF_NS = 10_000_000
    WORK_MAX_NS = 500_000        # in one slot: no more than lies between two
    WORK_MAX_SLICE_NS = 90_000   # with a slice of 0.1 ms
    AHEAD_NS = 700_000           # before its deadline a turn may be taken by a thread that is awake
    # A jitter buffer at the far end has given up on anything later.
    CATCH_UP_NS = 200_000_000


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
cdef void slot_add(slot_t *slot, bint card, int64_t now_ns) noexcept nogil
cdef void slot_remove(slot_t *slot, bint card) noexcept nogil
cdef int slot_skip_frames(slot_t *slot, int64_t late_ns) noexcept nogil


# What the thread asks and tells in each turn.
cdef inline int slots_next(const slot_t *slots, int count) noexcept nogil:
    """The slot whose turn is next, or -1 when none has a leg.

    Of the first `count`: none of the others was ever chosen.
    """
    cdef int index
    cdef int best = -1
    for index in range(count):
        if slots[index].deadline_ns and (
            best < 0 or slots[index].deadline_ns < slots[best].deadline_ns
        ):
            best = index
    return best


cdef inline bint slot_is_near(const slot_t *slot, int64_t now_ns) noexcept nogil:
    """Whether a thread that is awake need not sleep until its turn."""
    return slot.deadline_ns - now_ns <= AHEAD_NS


cdef inline void slot_worked(slot_t *slot, int64_t work_ns) noexcept nogil:
    slot.work_ns += (work_ns - slot.work_ns) // 8


cdef inline void slot_advance(slot_t *slot) noexcept nogil:
    """After a turn. Without a card the turns between frames are left out."""
    if slot.half or slot.cards:
        slot.deadline_ns += HALF_NS
        slot.half = not slot.half
    else:
        slot.deadline_ns += FRAME_NS


cdef inline int slot_skip(slot_t *slot, int64_t now_ns) noexcept nogil:
    """How many whole frames are too long gone to be caught up; the deadline moves on by them."""
    cdef int64_t late_ns = now_ns - slot.deadline_ns
    return slot_skip_frames(slot, late_ns) if late_ns > CATCH_UP_NS else 0


cdef class Schedule:
    cdef slot_t slots[SLOTS]
    cdef int used

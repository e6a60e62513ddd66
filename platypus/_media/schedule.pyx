"""Slots: legs are spread over the 20 ms, each slot with its own absolute deadline.

A slot takes legs while its work stays under a limit, so that the last packet of a slot is not
late because of the first: 0.5 ms for a thread with real-time priority, and for one that has only
a short slice of the processor less than that slice, since it is put behind the others after it.

With real-time priority slots follow one another every 0.5 ms, and a thread that is awake takes
the next one's turn a little before its deadline: to sleep and be woken costs as much as serving
several legs. Any other thread has its slots far apart, and sleeps between them.

Legs on a sound card share the first slot, whose turns then come every 10 ms: the one between two
frames only plays, which halves what the card's ring must hold.

A thread that was stalled runs the turns it missed one after another, up to 200 ms: every
packet is sent, late, in a short burst. What was missed before that is skipped, and RTP
timestamps jump by the same time. Pure: is given the time, and touches no leg.
"""

from libc.stdint cimport int64_t
from libc.string cimport memset

# What a leg is taken to cost before its slot's work was measured: a little more than was seen.
cdef int64_t LEG_WORK_NS = 4_500
# Without a divisor in common with SLOTS, and by the golden section: so few are spread well, too.
cdef int STEP_APART = 23


cdef void slots_init(slot_t *slots, bint apart) noexcept nogil:
    cdef int index
    memset(slots, 0, SLOTS * sizeof(slot_t))
    for index in range(SLOTS):
        slots[index].phase_ns = (
            index * (STEP_APART if apart else 1) % SLOTS * (FRAME_NS // SLOTS)
        )


cdef int64_t load(const slot_t *slot) noexcept nogil:
    return max(slot.work_ns, slot.legs * LEG_WORK_NS)


cdef int slots_choose(const slot_t *slots, bint card, int64_t work_max_ns) noexcept nogil:
    """The first slot with room; when none has any, the one with the least work."""
    cdef int index
    cdef int best = 0
    if card:
        return 0
    for index in range(SLOTS):
        if load(&slots[index]) + LEG_WORK_NS <= work_max_ns:
            return index
        if load(&slots[index]) < load(&slots[best]):
            best = index
    return best


cdef void slot_add(slot_t *slot, bint card, int64_t now_ns) noexcept nogil:
    slot.legs += 1
    slot.cards += card
    if slot.deadline_ns == 0:
        slot.deadline_ns = now_ns - (now_ns - slot.phase_ns) % FRAME_NS + FRAME_NS
        slot.half = False


cdef void slot_remove(slot_t *slot, bint card) noexcept nogil:
    slot.legs -= 1
    slot.cards -= card
    if slot.legs == 0:
        slot.deadline_ns = 0
        slot.work_ns = 0


cdef int slot_skip_frames(slot_t *slot, int64_t late_ns) noexcept nogil:
    cdef int frames = <int>((late_ns - CATCH_UP_NS + FRAME_NS - 1) // FRAME_NS)
    slot.deadline_ns += frames * FRAME_NS
    return frames


cdef class Schedule:
    """The slots from Python, for tests in virtual time."""

    def __cinit__(self):
        slots_init(self.slots, False)

    def spread(self):
        slots_init(self.slots, True)

    def add(self, now_ns, card=False, work_max_ns=WORK_MAX_NS):
        cdef int index = slots_choose(self.slots, card, work_max_ns)
        self.used = max(self.used, index + 1)
        slot_add(&self.slots[index], card, now_ns)
        return index

    def remove(self, int index, card=False):
        slot_remove(&self.slots[index % SLOTS], card)

    def worked(self, int index, work_ns):
        slot_worked(&self.slots[index % SLOTS], work_ns)

    def is_near(self, now_ns):
        cdef int index = slots_next(self.slots, self.used)
        return index >= 0 and slot_is_near(&self.slots[index], now_ns)

    def next_turn(self, now_ns):
        cdef slot_t *slot
        index = slots_next(self.slots, self.used)
        if index < 0:
            return None
        slot = &self.slots[index]
        skipped = slot_skip(slot, now_ns)
        turn = (index, slot.deadline_ns, slot.half, skipped)
        slot_advance(slot)
        return turn

"""In which slot a leg is served: with its conference, and with whoever is on a sound card.

So all parties are heard before they are mixed, and only what needs it has turns of 10 ms.
"""

from libc.stdint cimport int64_t

from platypus._media.leg cimport leg_t
from platypus._media.platform cimport PLATFORM_SCHEDULING_SLICE
from platypus._media.schedule cimport (
    WORK_MAX_NS, WORK_MAX_SLICE_NS, slot_add, slot_remove, slots_choose,
)
from platypus._media.thread cimport loop_t


cdef bint confers(const leg_t *leg, const leg_t *other) noexcept nogil:
    """Whether two legs are in one conference."""
    return (leg.party != NULL and other.party != NULL
            and leg.party.party.conference == other.party.party.conference)


cdef int company(loop_t *loop, const leg_t *leg) noexcept nogil:
    """The slot of another party of the leg's conference, or -1."""
    cdef int index
    cdef const leg_t *other
    if leg.party == NULL:
        return -1
    for index in range(loop.leg_count):
        other = loop.legs[index]
        if other != leg and other.slot >= 0 and other.card == leg.card and confers(leg, other):
            return other.slot
    return -1


cdef void seat_take(loop_t *loop, leg_t *leg, int64_t now_ns) noexcept nogil:
    cdef int64_t work_max_ns = WORK_MAX_NS
    if loop.scheduling == PLATFORM_SCHEDULING_SLICE:
        work_max_ns = WORK_MAX_SLICE_NS
    leg.slot = company(loop, leg)
    if leg.slot < 0:
        leg.slot = slots_choose(loop.slots, leg.card, work_max_ns)
    loop.slots_used = max(loop.slots_used, leg.slot + 1)
    slot_add(&loop.slots[leg.slot], leg.card, now_ns)
    leg.next = loop.first[leg.slot]
    loop.first[leg.slot] = leg


cdef void seat_leave(loop_t *loop, leg_t *leg) noexcept nogil:
    cdef leg_t **link = &loop.first[leg.slot]
    while link[0] != leg:
        link = &link[0].next
    link[0] = leg.next
    slot_remove(&loop.slots[leg.slot], leg.card)
    leg.slot = -1


cdef bint has_card(const leg_t *leg) noexcept nogil:
    """Whether the leg is on a sound card, or has packets for it."""
    cdef bint card = leg.tenths
    if leg.source != NULL and leg.source.feed.source != NULL:
        card = card or leg.source.feed.source.card.period > 0
    if leg.sink != NULL and leg.sink.outlet.sink != NULL:
        card = card or leg.sink.outlet.sink.card.period > 0
    return card


cdef void seat_settle(loop_t *loop, leg_t *leg, int64_t now_ns) noexcept nogil:
    """In the slot of the cards if the leg, or its conference, has one; and with its conference."""
    cdef bint card = has_card(leg)
    cdef int index, slot
    if leg.party != NULL:
        for index in range(loop.leg_count):
            if confers(leg, loop.legs[index]):
                card = card or has_card(loop.legs[index])
    slot = company(loop, leg) if card == leg.card else -1
    if card == leg.card and (slot < 0 or slot == leg.slot):
        return
    seat_leave(loop, leg)
    leg.card = card
    seat_take(loop, leg, now_ns)


cdef void seat_settle_all(loop_t *loop, int64_t now_ns) noexcept nogil:
    """After a source, a sink or a party moved: it may have been taken from another leg."""
    cdef int index
    for index in range(loop.leg_count):
        seat_settle(loop, loop.legs[index], now_ns)

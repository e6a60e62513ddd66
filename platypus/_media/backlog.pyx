"""The packets that wait to be played: fixed memory, in the order of sending.

On a quiet path a packet is played in the turn in which it came, and no other waits: that one
stays where it came in, and is played from there. All others lie in the shelf: the payloads of the
first few with everything else that a turn looks at; those of the others elsewhere, where they are
in nobody's way until a path needs them.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy, memmove


cdef void backlog_init(backlog_t *backlog, shelf_t *shelf) noexcept nogil:
    cdef int i
    backlog.shelf = shelf
    backlog.count = 0
    backlog.passing = 0
    backlog.spare = BACKLOG_PACKETS
    for i in range(BACKLOG_PACKETS):
        shelf.free[i] = <uint8_t>(BACKLOG_PACKETS - 1 - i)


cdef inline uint8_t *room_of(shelf_t *shelf, int place) noexcept nogil:
    if place < BACKLOG_NEAR:
        return shelf.near + place * BACKLOG_PAYLOAD
    return shelf.far + (place - BACKLOG_NEAR) * BACKLOG_PAYLOAD


cdef jitter_packet_t *backlog_shelve(backlog_t *backlog, int64_t position, const uint8_t *payload,
                                     int length) noexcept nogil:
    cdef shelf_t *shelf = backlog.shelf
    cdef int place = backlog.count
    cdef int taken
    cdef jitter_packet_t *packet
    backlog.spare -= 1
    taken = shelf.free[backlog.spare]
    while place > 0 and shelf.packets[shelf.order[place - 1]].position > position:
        shelf.order[place] = shelf.order[place - 1]
        place -= 1
    shelf.order[place] = <uint8_t>taken
    backlog.count += 1
    packet = &shelf.packets[taken]
    packet.position = position
    packet.payload = room_of(shelf, taken)
    if length > 0:
        memcpy(room_of(shelf, taken), payload, length)
    return packet


cdef void backlog_take_along(backlog_t *backlog) noexcept nogil:
    """The packet that lies where it came in goes to the shelf."""
    cdef jitter_packet_t *packet
    cdef const jitter_packet_t *alone = &backlog.alone
    backlog.passing = 0
    backlog.count = 0
    packet = backlog_shelve(backlog, alone.position, alone.payload, alone.length)
    packet.timestamp = alone.timestamp
    packet.arrival = alone.arrival
    packet.codec = alone.codec
    packet.samples = alone.samples
    packet.length = alone.length


cdef void backlog_unshelve(backlog_t *backlog) noexcept nogil:
    cdef shelf_t *shelf = backlog.shelf
    backlog.count -= 1
    shelf.free[backlog.spare] = shelf.order[0]
    backlog.spare += 1
    memmove(shelf.order, shelf.order + 1, backlog.count)

"""The packets that wait to be played: fixed memory, in the order of sending.

The payloads of the first few lie with everything else that a turn looks at; those of the others
elsewhere, where they are in nobody's way until a path needs them.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memmove


cdef void backlog_init(backlog_t *backlog) noexcept nogil:
    cdef int i
    backlog.count = 0
    backlog.spare = BACKLOG_PACKETS
    for i in range(BACKLOG_PACKETS):
        backlog.free[i] = <uint8_t>(BACKLOG_PACKETS - 1 - i)
        if i < BACKLOG_NEAR:
            backlog.packets[i].payload = backlog.near + i * BACKLOG_PAYLOAD
        else:
            backlog.packets[i].payload = backlog.far + (i - BACKLOG_NEAR) * BACKLOG_PAYLOAD


cdef jitter_packet_t *backlog_add(backlog_t *backlog, int64_t position) noexcept nogil:
    cdef int place = backlog.count
    cdef jitter_packet_t *packet
    backlog.spare -= 1
    while place > 0 and backlog.packets[backlog.order[place - 1]].position > position:
        backlog.order[place] = backlog.order[place - 1]
        place -= 1
    backlog.order[place] = backlog.free[backlog.spare]
    backlog.count += 1
    packet = &backlog.packets[backlog.order[place]]
    packet.position = position
    return packet


cdef jitter_packet_t *backlog_head(backlog_t *backlog) noexcept nogil:
    return &backlog.packets[backlog.order[0]] if backlog.count > 0 else NULL


cdef void backlog_pop(backlog_t *backlog) noexcept nogil:
    backlog.free[backlog.spare] = backlog.order[0]
    backlog.spare += 1
    backlog.count -= 1
    memmove(backlog.order, backlog.order + 1, backlog.count)

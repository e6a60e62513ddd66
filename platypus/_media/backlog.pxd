from libc.stdint cimport int64_t, uint8_t

cdef enum:
    BACKLOG_PACKETS = 64
    BACKLOG_NEAR = 4         # all that a call uses on a quiet path
    BACKLOG_FAR = BACKLOG_PACKETS - BACKLOG_NEAR
    BACKLOG_PAYLOAD = 1440   # 120 ms of any codec, and all that an MTU has room for

cdef struct jitter_packet_t:
    int64_t position         # in order of sending, across resets of sequence numbers
    int64_t timestamp        # in samples, unwrapped and across jumps
    int64_t arrival          # in samples of our own clock
    int codec
    int samples              # 0: no audio, but its place in the order
    int length
    const uint8_t *payload   # in the shelf, or where it came in

cdef struct shelf_t:
    uint8_t *far             # payloads of BACKLOG_FAR packets: somebody else's, set before all else
    uint8_t order[BACKLOG_PACKETS]  # of those in `packets`, sorted by position
    uint8_t free[BACKLOG_PACKETS]   # a stack
    jitter_packet_t packets[BACKLOG_PACKETS]
    uint8_t near[BACKLOG_NEAR * BACKLOG_PAYLOAD]

cdef struct backlog_t:
    shelf_t *shelf           # somebody else's
    int count
    int spare                # places in the shelf
    int passing              # the only packet that waits is `alone`
    jitter_packet_t alone    # which lies where it came in: not in the shelf, and not copied yet

cdef void backlog_init(backlog_t *backlog, shelf_t *shelf) noexcept nogil
cdef jitter_packet_t *backlog_shelve(backlog_t *backlog, int64_t position, const uint8_t *payload,
                                     int length) noexcept nogil
cdef void backlog_take_along(backlog_t *backlog) noexcept nogil
cdef void backlog_unshelve(backlog_t *backlog) noexcept nogil


cdef inline void backlog_keep(backlog_t *backlog) noexcept nogil:
    """What still lies where it came in is taken to the shelf: that memory is used anew."""
    if backlog.passing:
        backlog_take_along(backlog)


cdef inline jitter_packet_t *backlog_add(backlog_t *backlog, int64_t position,
                                         const uint8_t *payload, int length) noexcept nogil:
    """There must be a spare place. The position and the payload are set, all else is for the caller.

    A payload may have to stay where it is until `backlog_keep`.
    """
    if backlog.count == 0:
        backlog.passing = 1
        backlog.count = 1
        backlog.alone.position = position
        backlog.alone.payload = payload
        return &backlog.alone
    backlog_keep(backlog)
    return backlog_shelve(backlog, position, payload, length)


cdef inline jitter_packet_t *backlog_head(backlog_t *backlog) noexcept nogil:
    """NULL if there is none."""
    if backlog.passing:
        return &backlog.alone
    return &backlog.shelf.packets[backlog.shelf.order[0]] if backlog.count > 0 else NULL


cdef inline void backlog_pop(backlog_t *backlog) noexcept nogil:
    if backlog.passing:
        backlog.passing = 0
        backlog.count = 0
    else:
        backlog_unshelve(backlog)

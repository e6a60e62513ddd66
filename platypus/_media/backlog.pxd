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
    uint8_t *payload         # BACKLOG_PAYLOAD bytes, for good

cdef struct backlog_t:
    uint8_t *far             # payloads of BACKLOG_FAR packets: somebody else's, set before all else
    int count
    int spare
    uint8_t order[BACKLOG_PACKETS]  # of those in `packets`, sorted by position
    uint8_t free[BACKLOG_PACKETS]   # a stack
    jitter_packet_t packets[BACKLOG_PACKETS]
    uint8_t near[BACKLOG_NEAR * BACKLOG_PAYLOAD]

cdef void backlog_init(backlog_t *backlog) noexcept nogil
# There must be a spare one. All but its position is for the caller to set.
cdef jitter_packet_t *backlog_add(backlog_t *backlog, int64_t position) noexcept nogil
# NULL if there is none.
cdef jitter_packet_t *backlog_head(backlog_t *backlog) noexcept nogil
cdef void backlog_pop(backlog_t *backlog) noexcept nogil

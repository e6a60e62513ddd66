from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t

from platypus._media.tone cimport tone_t

cdef enum:
    DTMF_QUEUE = 64          # keys that wait: as many as telephone events
    DTMF_TONES = 8           # four rows, four columns
    DTMF_FILTERS = 16        # two for each: one a little below, one a little above

cdef struct dtmf_key_t:
    int event                # as in RFC 4733, 3.2: 0-9, 10 *, 11 #, 12-15 A-D
    int tone_ms
    int gap_ms

cdef struct dtmf_sender_t:
    dtmf_key_t keys[DTMF_QUEUE]
    int first
    int count
    int rate                 # of the present key
    int64_t tone_left        # samples of it
    int64_t gap_left
    tone_t tone

cdef struct dtmf_receiver_t:
    int rate
    int block                # samples that are looked at together
    int filled
    float coefficient[DTMF_FILTERS]
    float last[DTMF_FILTERS]
    float before[DTMF_FILTERS]
    float energy
    int key                  # that is heard, -1: none
    int candidate            # of the last block, -1: none
    float candidate_energy
    int blocks               # that the key has lasted
    int misses               # blocks since it was heard last

cdef void dtmf_sender_init(dtmf_sender_t *sender) noexcept nogil
# 0, or -1 if there is no room.
cdef int dtmf_queue(dtmf_sender_t *sender, int event, int tone_ms, int gap_ms) noexcept nogil
# Whether there is something to be filled in.
cdef bint dtmf_sending(const dtmf_sender_t *sender) noexcept nogil
cdef void dtmf_fill(dtmf_sender_t *sender, int16_t *frame, int count, int rate) noexcept nogil

cdef void dtmf_receiver_init(dtmf_receiver_t *receiver, int rate) noexcept nogil
# The key that ended in these samples, and how long it was pressed; -1 for none.
cdef int dtmf_hear(dtmf_receiver_t *receiver, const int16_t *frame, int count,
                   int *duration_ms) noexcept nogil


cdef class KeySender:
    cdef dtmf_sender_t sender
    cdef int rate


cdef class KeyReceiver:
    cdef dtmf_receiver_t receiver

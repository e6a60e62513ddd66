"""A conference, and one leg's part in it.

A conference_t is made and freed under the GIL; a party_t too, with the resamplers that its leg
needs. From the moment a leg joins until its lease is given back a party, and from the first
to the last of them the conference, belong to the loop thread. Nothing here is atomic.
"""

from libc.stdint cimport int16_t, int32_t, int64_t

from platypus._media.endpoint cimport FRAME_MAX
from platypus._media.gear cimport bridge_t, gear_t


cdef struct conference_t:
    int rate                 # at which it mixes: the highest of its parties'
    int frame                # samples of 20 ms
    party_t *first
    int64_t turn             # for which the sum stands
    int32_t heard[FRAME_MAX] # the last 20 ms of all parties together
    int16_t local[FRAME_MAX] # of whoever has a microphone, for those who have none
    bint has_local


cdef struct party_t:
    conference_t *conference # whose lease the command holds
    bint joined
    party_t *next
    int rate                 # the leg's
    bridge_t bridge
    int16_t voice[FRAME_MAX] # the last 20 ms heard of the far end, at the conference's rate
    int16_t local[FRAME_MAX] # the last 20 ms of its own source, at the conference's rate
    bint has_local


cdef conference_t *conference_new(int rate) noexcept nogil
cdef void conference_free(conference_t *conference) noexcept nogil
cdef party_t *party_new(int leg_rate, conference_t *conference) noexcept nogil
cdef void party_free(party_t *party) noexcept nogil

cdef void conference_join(party_t *party) noexcept nogil
cdef void conference_leave(party_t *party) noexcept nogil

# A turn, in this order; each for all parties before the next.
cdef void party_hear(party_t *party, const int16_t *frame, int count) noexcept nogil
cdef void conference_sum(conference_t *conference, int64_t turn) noexcept nogil
cdef void party_played(party_t *party, int16_t *frame, int count) noexcept nogil
cdef void party_speak(party_t *party, const int16_t *frame, int count) noexcept nogil
cdef void party_send(party_t *party, bint muted, int16_t *frame, int count) noexcept nogil

# The leg changes its rate.
cdef void party_swap(party_t *party, gear_t *gear) noexcept nogil


cdef class Conference:
    cdef conference_t *conference  # owned
    cdef object loop               # whose thread it belongs to, weakly; under the GIL

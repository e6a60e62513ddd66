"""A local conference: each party hears all the others and whoever sits here (N-1).

    far end's frame -> up -> voice ---+--> sum of all --------> down -> loudspeaker, recording
    own source ------> up -> local ---+--> sum - voice + local -> down -> far end

It mixes at the highest rate of its parties, so that a wide-band party stays wide-band to
others like it; only what comes out is limited to 16 bits. Parties that have no source of their own
hear the one that has the microphone. At equal rates nothing is resampled, and a party that
alone speaks reaches the others bit for bit.

Half frames (a sound card's turns) slide through the last 20 ms that each voice keeps. Whose
turn it is, and what is sent, is the loop's business.
"""

from libc.stdint cimport int16_t, int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

from platypus._media.gear cimport bridge_free, bridge_make, bridge_t
from platypus._media.mixer cimport mix_add, mix_clear, mix_take
from platypus._media.resample cimport resampler_process, resampler_t


cdef conference_t *conference_new(int rate) noexcept nogil:
    """NULL when there is no memory."""
    cdef conference_t *conference = <conference_t *>calloc(1, sizeof(conference_t))
    if conference != NULL:
        conference.rate = rate
        conference.frame = rate // 50
    return conference


cdef void conference_free(conference_t *conference) noexcept nogil:
    free(conference)


cdef party_t *party_new(int leg_rate, conference_t *conference) noexcept nogil:
    """For a leg that is to join; NULL when memory or resamplers can't be had."""
    cdef int rate = conference.rate
    cdef party_t *party = <party_t *>calloc(1, sizeof(party_t))
    if party == NULL:
        return NULL
    party.conference = conference
    party.rate = leg_rate
    if not bridge_make(&party.bridge, leg_rate, rate):
        party_free(party)
        return NULL
    return party


cdef void party_free(party_t *party) noexcept nogil:
    if party != NULL:
        bridge_free(&party.bridge)
        free(party)


cdef void conference_join(party_t *party) noexcept nogil:
    party.next = party.conference.first
    party.conference.first = party
    party.joined = True


cdef void conference_leave(party_t *party) noexcept nogil:
    cdef party_t **link
    if not party.joined:
        return
    link = &party.conference.first
    while link[0] != party:
        link = &link[0].next
    link[0] = party.next
    party.joined = False


cdef int convert(
    resampler_t *resampler, const int16_t *samples, int count, int16_t *out, int room
) noexcept nogil:
    if resampler == NULL:
        memcpy(out, samples, count * sizeof(int16_t))
        return count
    return resampler_process(resampler, samples, count, out, room)


cdef void slide(int16_t *window, int size, const int16_t *samples, int count) noexcept nogil:
    memmove(window, window + count, (size - count) * sizeof(int16_t))
    memcpy(window + size - count, samples, count * sizeof(int16_t))


cdef void party_hear(party_t *party, const int16_t *frame, int count) noexcept nogil:
    """What the leg plays now: 10 or 20 ms at its rate. NULL is silence."""
    cdef int16_t block[FRAME_MAX]
    cdef int16_t silence[FRAME_MAX]
    if frame == NULL:
        memset(silence, 0, sizeof(silence))
        frame = silence
    count = convert(party.bridge.up, frame, count, block, FRAME_MAX)
    slide(party.voice, party.conference.frame, block, count)


cdef void conference_sum(conference_t *conference, int64_t turn) noexcept nogil:
    """All that was heard; before anybody plays or sends, once a turn. Nobody has spoken yet."""
    cdef party_t *party = conference.first
    if conference.turn == turn:
        return
    conference.turn = turn
    mix_clear(conference.heard, conference.frame)
    conference.has_local = False
    while party != NULL:
        mix_add(conference.heard, party.voice, conference.frame)
        party.has_local = False
        party = party.next


cdef void party_played(party_t *party, int16_t *frame, int count) noexcept nogil:
    """What is heard here in this leg's place: everybody. `count` samples at the leg's rate."""
    cdef conference_t *conference = party.conference
    cdef int16_t block[FRAME_MAX]
    cdef int wanted = <int>(<int64_t>count * conference.rate // party.rate)
    mix_take(conference.heard + conference.frame - wanted, NULL, block, wanted)
    convert(party.bridge.down_played, block, wanted, frame, count)


cdef void party_speak(party_t *party, const int16_t *frame, int count) noexcept nogil:
    """From the leg's own source. The first that has one is heard by those without."""
    cdef conference_t *conference = party.conference
    cdef int16_t block[FRAME_MAX]
    count = convert(party.bridge.up_local, frame, count, block, FRAME_MAX)
    slide(party.local, conference.frame, block, count)
    party.has_local = True
    if not conference.has_local:
        conference.has_local = True
        memcpy(conference.local, party.local, conference.frame * sizeof(int16_t))


cdef void party_send(party_t *party, bint muted, int16_t *frame, int count) noexcept nogil:
    """What the far end hears: the others, and us unless it shall not."""
    cdef conference_t *conference = party.conference
    cdef const int16_t *local = NULL
    cdef int16_t block[FRAME_MAX]
    cdef int32_t total[FRAME_MAX]
    cdef int wanted = <int>(<int64_t>count * conference.rate // party.rate)
    cdef int since = conference.frame - wanted
    memcpy(total, conference.heard + since, wanted * sizeof(int32_t))
    if not muted:
        local = party.local if party.has_local else (
            conference.local if conference.has_local else NULL
        )
    if local != NULL:
        mix_add(total, local + since, wanted)
    mix_take(total, party.voice + since, block, wanted)
    convert(party.bridge.down_sent, block, wanted, frame, count)


cdef void party_swap(party_t *party, gear_t *gear) noexcept nogil:
    cdef bridge_t before = party.bridge
    party.rate = gear.rate
    party.bridge = gear.bridge
    gear.bridge = before


cdef class Conference:
    """What legs join by `Leg.join`. It mixes at `rate`: the band of its widest party is best."""

    def __cinit__(self, int rate):
        if rate not in (8000, 16000, 24000, 32000, 48000):
            raise ValueError(f"no conference mixes at {rate} Hz")
        self.conference = conference_new(rate)
        if self.conference == NULL:
            raise MemoryError("no memory for a conference")

    def __dealloc__(self):
        conference_free(self.conference)

    @property
    def rate(self):
        return self.conference.rate

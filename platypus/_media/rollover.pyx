"""Which index a packet of SRTP has where its sender uses several keys (RFC 3711, 3.3.1).

    heard by key 1:  ... 65,534  65,535 | 0  1  2         the session of key 1 counts: 1
    then by key 2:                              3  4      that of key 2 is led here first

What is heard decides, so that nobody without the keys can lead a session anywhere.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

cdef enum:
    HEADER = 12
    LENGTH = HEADER + 4
    WORDS = 48       # with room for what protecting adds

cdef uint64_t HALF = 1 << 15   # what is nearer than this is guessed right
cdef uint64_t BEHIND = 1 << 14  # led no closer, for packets that were overtaken
cdef uint64_t STEP = 0x7000
cdef uint64_t STEPS_MAX = 512   # at a time: 80 hours of speech, in about a millisecond


cdef int place_of(const rollover_t *first, uint32_t ssrc) noexcept nogil:
    cdef int index
    for index in range(first.ssrc_count):
        if first.ssrcs[index] == ssrc:
            return index
    return -1


cdef uint64_t index_of(uint64_t latest, uint32_t sequence) noexcept nogil:
    """RFC 3711, appendix A: the one nearest to the latest."""
    cdef uint64_t near = (latest & ~<uint64_t>0xFFFF) | sequence
    if near + HALF < latest:
        return near + 0x10000
    if near > latest + HALF and near >= 0x10000:
        return near - 0x10000
    return near


cdef void write(uint8_t *packet, uint32_t ssrc, uint64_t index) noexcept nogil:
    memset(packet, 0, LENGTH)
    packet[0] = 0x80
    packet[2] = <uint8_t>(index >> 8)
    packet[3] = <uint8_t>index
    packet[8] = <uint8_t>(ssrc >> 24)
    packet[9] = <uint8_t>(ssrc >> 16)
    packet[10] = <uint8_t>(ssrc >> 8)
    packet[11] = <uint8_t>ssrc


cdef bint next_step(rollover_t *first, rollover_t *used, uint32_t ssrc,
                    uint8_t *packet) noexcept nogil:
    """Whether there is another packet to lead the key's session by, which is written then."""
    cdef int place = place_of(first, ssrc)
    cdef uint64_t target
    if place < 0 or first.latest[place] < used.own[place] + HALF:
        return False
    target = first.latest[place] - BEHIND
    if target > used.led[place] + STEPS_MAX * STEP:
        return False
    if used.led[place] >= target:
        used.own[place] = target
        return False
    used.led[place] = min(used.led[place] + STEP, target)
    write(packet, ssrc, used.led[place])
    return True


cdef void rollover_lead(rollover_t *first, rollover_t *used, uint32_t ssrc, void *session,
                        srtp_function_t unprotect) noexcept nogil:
    cdef uint32_t words[WORDS]
    cdef uint8_t *packet = <uint8_t *>words
    cdef int length
    while next_step(first, used, ssrc, packet):
        length = LENGTH
        # Refused where the session is beyond it already: no harm is done.
        if used.protect(used.session, packet, &length) == 0:
            unprotect(session, packet, &length)


cdef void rollover_note(rollover_t *first, rollover_t *used, uint32_t ssrc,
                        uint32_t sequence) noexcept nogil:
    cdef int place = place_of(first, ssrc)
    cdef uint64_t index = sequence
    if place < 0:
        if first.ssrc_count == SSRCS_MAX:
            return
        place = first.ssrc_count
        first.ssrcs[place] = ssrc
        first.ssrc_count += 1
    else:
        index = index_of(first.latest[place], sequence)
    first.latest[place] = max(first.latest[place], index)
    used.own[place] = max(used.own[place], index)


cdef class Rollover:
    """One key's, for who protects and opens packets by other functions than these."""

    cdef rollover_t rollover

    def lead(self, Rollover first not None, uint32_t ssrc):
        """The packets to lead its session by."""
        cdef uint8_t[LENGTH] packet
        found = []
        while next_step(&first.rollover, &self.rollover, ssrc, packet):
            found.append(packet[:LENGTH])
        return found

    def note(self, Rollover first not None, uint32_t ssrc, uint32_t sequence):
        """A packet that has authenticated."""
        rollover_note(&first.rollover, &self.rollover, ssrc, sequence & 0xFFFF)

from libc.stdint cimport int64_t, uint64_t

from platypus._media.rtcp cimport rtcp_voip_t

cdef enum:
    LOSSES_GMIN = 16         # RFC 3611, 4.7.2: its recommended value
    LOSSES_WINDOW = 64       # packets whose fate is open

cdef struct losses_t:
    # What is settled, since it is older than what follows.
    uint64_t lost
    uint64_t discarded
    uint64_t runs            # of packets that were not played, one after the other
    # RFC 3611, A.2: transitions of its four states.
    uint64_t in_burst
    uint64_t c11, c13, c14, c22, c23, c33
    # Each packet touches these.
    uint64_t played          # since the last one that was not
    uint64_t packets
    int64_t newest           # position of the newest packet
    uint64_t came            # bit n: packet `newest - n` came,
    uint64_t late            # and it came when its place was played
    int known
    int in_run

cdef struct losses_summary_t:
    double loss              # of all packets, as a fraction: what was not played
    double burst_ratio       # G.107: length of runs over that under random loss
    int any                  # a packet has been counted

cdef void losses_note_any(losses_t *losses, int64_t position, int late) noexcept nogil
# Both count what is not settled yet: a packet that is missing now is lost.
cdef void losses_summarize(const losses_t *losses, losses_summary_t *summary) noexcept nogil
cdef void losses_describe(const losses_t *losses, int packet_ms, rtcp_voip_t *voip) noexcept nogil


cdef inline void losses_note(losses_t *losses, int64_t position, int late) noexcept nogil:
    """A packet came, in time to be played or too late for it."""
    # The next one in time, while the one that leaves the window was played: nothing to be told.
    if (late or position != losses.newest + 1 or losses.known < LOSSES_WINDOW
            or not losses.came & ~losses.late & <uint64_t>1 << (LOSSES_WINDOW - 1)):
        losses_note_any(losses, position, late)
        return
    losses.packets += 1
    losses.played += 1
    losses.in_run = 0
    losses.came = losses.came << 1 | 1
    losses.late <<= 1
    losses.newest = position

from libc.stdint cimport int64_t

from platypus._media.slots cimport slots_t

cdef enum:
    DELAY_BINS = 400         # of 1 ms: what lies beyond counts as the last
    DELAY_LOOK_BINS = 29     # above the base, so 30 ms at most, are waited to see beyond a loss

cdef struct delay_t:
    int width                # samples of a bin
    int known                # something was observed
    int seen                 # packets, up to the memory's length
    int64_t base             # transit that falls into the middle of the first bin
    int64_t lowest[2]        # least transit in this span of packets and the one before
    int span                 # packets in this span
    int64_t recent[2]        # likewise, over a few packets
    int recent_span
    int settling             # packets left that only find the first base
    int64_t arrival          # of the packet before
    int highest              # no bin above it has anything in it
    float weight             # of the next packet
    float total
    float bins[DELAY_BINS]

cdef void delay_init(delay_t *delay, int rate) noexcept nogil
cdef void delay_observe(delay_t *delay, int64_t transit, int64_t arrival,
                        int samples) noexcept nogil
# What comes next is of another source, whose place follows from when it comes.
cdef void delay_renew(delay_t *delay) noexcept nogil
# Samples above the base that every packet has taken of late.
cdef int64_t delay_lateness(const delay_t *delay) noexcept nogil
cdef int delay_spread(const delay_t *delay) noexcept nogil
# The delay that costs least, and by how much (in R) it is better than the present one, where a
# share of `lost` packets never comes, `in_runs` of them with another behind; `told` if the packet
# behind a lost one tells what was in it.
cdef int64_t delay_best(const delay_t *delay, const slots_t *slots, int64_t present,
                        float lost, float in_runs, int told,
                        float *gain) noexcept nogil


cdef inline int64_t delay_look(const delay_t *delay) noexcept nogil:
    """The most that is waited for to see beyond a loss."""
    return delay.base + DELAY_LOOK_BINS * delay.width

"""How long packets are on their way, from when they arrive.

Transit is arrival less timestamp, in samples: its origin is arbitrary, its changes
are the path's. The least transit of the last 5 to 10 s is the base, which follows a
sender's drift; a histogram of what comes above it, in steps of 1 ms and forgetting over
some 400 packets, gives the delay that all but 2 % of the packets keep, and more than
one packet of the first fifty. Packets that come in a burst count little: the path held
up one of them, and those behind it tell nothing more.

It knows nothing of what is played; late and concealed packets are observed as well.
"""

from libc.stdint cimport int64_t
from libc.string cimport memmove, memset


cdef enum:
    MEMORY = 400             # packets
    SPAN = 250               # packets over which the least transit is held
    SETTLING = 10            # packets at the beginning that only find the base

cdef float TAIL = 0.02       # of the packets may come later than the delay asked for
cdef float LIGHTEST = 0.1    # share of a packet that came together with another
cdef float HEAVIEST = 1e6    # weights are scaled back here, far from float's precision


cdef void delay_init(delay_t *delay, int rate) noexcept nogil:
    memset(delay, 0, sizeof(delay_t))
    delay.width = max(1, rate // 1000)
    delay.weight = 1.0


cdef void begin(delay_t *delay, int64_t transit) noexcept nogil:
    delay.base = delay.lowest[0] = delay.lowest[1] = transit
    delay.settling = SETTLING
    delay.known = 1


cdef void move_base(delay_t *delay) noexcept nogil:
    """Let the base follow the least transit, in whole bins, and the histogram with it."""
    cdef int64_t lowest = min(delay.lowest[0], delay.lowest[1])
    cdef int64_t half = delay.width // 2
    cdef int64_t steps
    cdef int i, shift
    if delay.settling > 0:
        if lowest < delay.base - half:
            delay.settling = SETTLING  # a burst that was waiting: its end tells the base
        delay.base = lowest
    elif lowest < delay.base - half:
        steps = (delay.base - lowest + half) // delay.width
        shift = <int>min(steps, DELAY_BINS - 1)
        for i in range(DELAY_BINS - 1 - shift, DELAY_BINS - 1):
            delay.bins[DELAY_BINS - 1] += delay.bins[i]
        memmove(delay.bins + shift, delay.bins, (DELAY_BINS - 1 - shift) * sizeof(float))
        memset(delay.bins, 0, shift * sizeof(float))
        delay.base -= steps * delay.width
    elif lowest > delay.base + half:
        steps = (lowest - delay.base + half) // delay.width
        shift = <int>min(steps, DELAY_BINS - 1)
        for i in range(shift):
            delay.bins[shift] += delay.bins[i]
        memmove(delay.bins, delay.bins + shift, (DELAY_BINS - shift) * sizeof(float))
        memset(delay.bins + DELAY_BINS - shift, 0, shift * sizeof(float))
        delay.base += steps * delay.width


cdef void delay_observe(delay_t *delay, int64_t transit, int64_t arrival,
                        int samples) noexcept nogil:
    """Take in the transit of a packet of `samples`, which came at `arrival`."""
    cdef int64_t bin
    cdef int i
    cdef float weight
    if not delay.known:
        begin(delay, transit)
    if delay.span == SPAN:
        delay.lowest[1] = delay.lowest[0]
        delay.lowest[0] = transit
        delay.span = 0
    delay.span += 1
    if delay.settling > 0:
        delay.settling -= 1
    delay.lowest[0] = min(delay.lowest[0], transit)
    move_base(delay)
    bin = (transit - delay.base + delay.width // 2) // delay.width
    bin = max(0, min(bin, DELAY_BINS - 1))
    weight = <float>(arrival - delay.arrival) / <float>samples if delay.seen > 0 else 1.0
    weight = delay.weight * max(LIGHTEST, min(weight, <float>1.0))
    delay.arrival = arrival
    delay.bins[bin] += weight
    delay.total += weight
    if delay.seen < MEMORY:
        delay.seen += 1
        return
    delay.weight *= <float>MEMORY / <float>(MEMORY - 1)
    if delay.weight > HEAVIEST:
        for i in range(DELAY_BINS):
            delay.bins[i] /= delay.weight
        delay.total /= delay.weight
        delay.weight = 1.0


cdef int delay_spread(const delay_t *delay) noexcept nogil:
    """Samples above the base within which all but the tail of the packets arrive."""
    # One late packet proves nothing, however few there were.
    cdef float later = 0.0, allowed = max(delay.total * TAIL, <float>1.0)
    cdef int bin = DELAY_BINS - 1
    while bin > 0:
        later += delay.bins[bin]
        if later > allowed:
            return bin * delay.width
        bin -= 1
    return 0


cdef int64_t delay_needed(const delay_t *delay) noexcept nogil:
    """The transit that playout has to allow for, without any guard."""
    return delay.base + delay_spread(delay)

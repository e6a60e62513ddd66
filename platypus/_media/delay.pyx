"""How long packets are on their way, from when they arrive, and what waiting for them costs.

Transit is arrival less timestamp, in samples: its origin is arbitrary, its changes
are the path's. The least transit of the last 5 to 10 s is the base, which follows a
sender's drift; a histogram of what comes above it, in steps of 1 ms, forgets over some 20 s.
Packets that come in a burst at the very beginning, each sooner than the one before, count little:
they only waited for us.

`delay_best` weighs delay against loss in the units of ITU-T G.107's R. Delay costs what that
says (0.024 a ms, and 0.11 more beyond 177 ms, of which the rest of the path is taken to have
100). What a share of packets that are missing costs was measured with PESQ on this phone's
concealment: 9 for one in a hundred, 15 for three, 33 for ten.

It knows nothing of what is played; late and concealed packets are observed as well.
"""

from libc.math cimport expf, sqrtf
from libc.stdint cimport int64_t
from libc.string cimport memmove, memset

from platypus._media.slots cimport slots_aligned, slots_deadline, slots_measure


cdef enum:
    MEMORY = 1200            # packets
    SPAN = 250               # packets over which the least transit is held
    RECENT_SPAN = 4          # and that of the path as it is now
    FEW = 3                  # of which that is not known yet
    GUARD_BINS = 1           # a packet that comes as near as this to its slot is late
    FREE_GUARD_BINS = 5      # and so near it had better not come
    ANOTHER_PATH_BINS = 100  # by which the base rises at once where the path became another
    SETTLING = 10            # packets at the beginning that only find the base
    RANKS = 10               # latest packets that tell what may come later still

cdef float DOUBT = 100.0      # packets: so many more are supposed to have been in time, beside one late
cdef float LATE = 1.1         # how much more a late packet costs than a lost one: it is not bridged
cdef float TAIL = 0.02       # of the packets may come later than the spread
cdef float LIGHTEST = 0.1    # share of an early packet that came together with another
cdef float BLIND = 0.25      # how much more a loss costs that can't be seen beyond
cdef float UNTOLD = 4.0      # the same, where the next packet tells what was lost: BLIND of these
cdef float UNTOLD_RUN = 0.15 # then one with another behind it, where that can't be seen beyond
cdef float RARE = 0.3         # percent of packets: what is rarer costs as often as it happens
cdef float RARE_COST = 15.8
cdef float DELAY_COST = 0.024
cdef float LONG_DELAY_COST = 0.11
cdef float LONG_DELAY_MS = 77.3
cdef float HEAVIEST = 1e6    # weights are scaled back here, far from float's precision
cdef float UNHEARD = 1e-9    # share of packets
cdef float NOTHING = 1e-3    # of a packet: what is left of some long ago


cdef void delay_init(delay_t *delay, int rate) noexcept nogil:
    memset(delay, 0, sizeof(delay_t))
    delay.width = max(1, rate // 1000)
    delay.weight = 1.0


cdef void begin(delay_t *delay, int64_t transit) noexcept nogil:
    delay.base = delay.lowest[0] = delay.lowest[1] = transit
    delay.recent[0] = delay.recent[1] = transit
    delay.settling = SETTLING
    delay.known = 1


cdef void delay_forget(delay_t *delay) noexcept nogil:
    """This is another path: what the one before needed tells nothing of it."""
    memset(delay.bins, 0, sizeof(delay.bins))
    delay.total = 0.0
    delay.weight = 1.0
    delay.seen = 0
    delay.highest = 0


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
        # A bin at a time it is the sender's drift, and what came before was as near to its base.
        shift = 0 if steps == 1 else <int>min(steps, DELAY_BINS - 1)
        for i in range(DELAY_BINS - 1 - shift, DELAY_BINS - 1):
            delay.bins[DELAY_BINS - 1] += delay.bins[i]
        memmove(delay.bins + shift, delay.bins, (DELAY_BINS - 1 - shift) * sizeof(float))
        memset(delay.bins, 0, shift * sizeof(float))
        delay.base -= steps * delay.width
        delay.highest = min(delay.highest + shift, DELAY_BINS - 1)
    elif lowest > delay.base + half:
        steps = (lowest - delay.base + half) // delay.width
        if steps >= ANOTHER_PATH_BINS:
            delay_forget(delay)
        shift = <int>min(steps, DELAY_BINS - 1)
        for i in range(shift):
            delay.bins[shift] += delay.bins[i]
        memmove(delay.bins, delay.bins + shift, (DELAY_BINS - shift) * sizeof(float))
        memset(delay.bins + DELAY_BINS - shift, 0, shift * sizeof(float))
        delay.base += steps * delay.width
        delay.highest = max(0, delay.highest - shift)


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
    if delay.recent_span == RECENT_SPAN:
        delay.recent[1] = delay.recent[0]
        delay.recent[0] = transit
        delay.recent_span = 0
    delay.recent_span += 1
    delay.recent[0] = min(delay.recent[0], transit)
    if delay.settling > 0:
        delay.settling -= 1
    delay.lowest[0] = min(delay.lowest[0], transit)
    move_base(delay)
    bin = (transit - delay.base + delay.width // 2) // delay.width
    bin = max(0, min(bin, DELAY_BINS - 1))
    weight = delay.weight
    if delay.settling > 0 and delay.seen > 0 and transit <= delay.lowest[0]:
        weight *= max(LIGHTEST, min(<float>(arrival - delay.arrival) / <float>samples,
                                    <float>1.0))
    delay.arrival = arrival
    delay.highest = max(delay.highest, <int>bin)
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
        while delay.highest > 0 and delay.bins[delay.highest] < NOTHING:
            delay.bins[delay.highest] = 0.0
            delay.highest -= 1


cdef void fold(delay_t *delay, int step) noexcept nogil:
    """The path became slower by so many bins: what came before and since was as near to it.

    What came since is what lies nearer to the new base than to the old one.
    """
    cdef int i, beyond = (step + 1) // 2
    cdef float count
    for i in range(beyond, delay.highest + 1):
        count = delay.bins[i]
        delay.bins[i] = 0.0
        delay.bins[max(0, i - step)] += count
    delay.highest = max(min(delay.highest, beyond - 1), delay.highest - step)


cdef void delay_renew(delay_t *delay) noexcept nogil:
    """A path that has become slower lately is not to be waited for as if it were faster, too.

    The sender may just have paused its timestamps: nothing is late since then. Its next source
    would wait for as long as the pause was, until the base has followed.
    """
    cdef int64_t lowest = min(delay.recent[0], delay.recent[1])
    cdef int64_t steps = (lowest - delay.base) // delay.width
    if not delay.known or steps < ANOTHER_PATH_BINS:
        return
    fold(delay, <int>min(steps, <int64_t>DELAY_BINS - 1))
    delay.base = delay.lowest[0] = delay.lowest[1] = lowest


cdef int64_t delay_lateness(const delay_t *delay) noexcept nogil:
    cdef int64_t lowest = delay.recent[0]
    if delay.recent_span < FEW:
        lowest = min(lowest, delay.recent[1])
    return max(<int64_t>0, lowest - delay.base) if delay.known else 0


cdef int delay_spread(const delay_t *delay) noexcept nogil:
    """Samples above the base within which all but the tail of the packets arrive."""
    cdef float later = 0.0, allowed = max(delay.total * TAIL, delay.weight)
    cdef int bin = delay.highest
    while bin > 0:
        later += delay.bins[bin]
        if later > allowed:
            return bin * delay.width
        bin -= 1
    return 0


cdef void add_tail(const delay_t *delay, float *later, int second, float scale) noexcept nogil:
    """Beyond the `second` latest packet: a tail that falls by e in `scale` bins."""
    cdef float share = <float>1.5 * delay.weight / delay.total
    cdef float fall = expf(-1 / scale) if scale > 0 else 0.0
    # One late packet alone proves little, however few there were.
    cdef float single = delay.weight / (delay.total + DOUBT * delay.weight)
    cdef int bin
    memset(later + second + 1, 0, (DELAY_BINS - second) * sizeof(float))
    for bin in range(second + 1, DELAY_BINS + 1):
        share *= fall
        if share < UNHEARD:
            break  # and long before it is so small that processors get slow with it
        later[bin] = share
    for bin in range(second + 1, delay.highest + 1):
        later[bin] = max(later[bin], single)


cdef void add_up(const delay_t *delay, float *later) noexcept nogil:
    """For each bin, and one behind the last, the share of packets that come from it on.

    Where fewer than two were seen it is that of an exponential distribution whose scale the
    latest ones tell, so that the few packets of a call's beginning are not taken for all that
    the path can do.
    """
    cdef float total = 0.0, expected = 0.0, scale = 0.0
    cdef int bin = delay.highest + 1
    cdef int second = -1, rank = 2, spread = 0
    while bin > 0:
        bin -= 1
        total += delay.bins[bin]
        later[bin] = total / delay.total
        if second < 0 and total >= <float>1.5 * delay.weight:
            second = bin
        while rank < RANKS and total >= (<float>rank + <float>0.5) * delay.weight:
            # Of an exponential distribution the packets of these ranks are scale / rank apart.
            expected += <float>1.0 / <float>rank
            spread = second - bin
            rank += 1
    if expected > 0:
        # The fewer there are the less they tell: the tail may well be longer.
        scale = (1 + <float>(RANKS - rank) / <float>(RANKS - 2)) * <float>spread / expected
    add_tail(delay, later, second, scale)


cdef inline float late_at(const delay_t *delay, const slots_t *slots, int64_t playout,
                          const float *later) noexcept nogil:
    """The share of packets that come too late to be played at `playout`."""
    cdef int64_t latest = slots_deadline(slots, playout) - GUARD_BINS * delay.width
    cdef int64_t first = (latest - delay.base + delay.width // 2) // delay.width + 1
    return later[max(<int64_t>0, min(first, <int64_t>DELAY_BINS))]


cdef inline float waiting_cost(const delay_t *delay, int64_t playout) noexcept nogil:
    """What playing at `playout` (in the units of transit) costs for being late in itself."""
    cdef float ms = <float>(playout - delay.base) / <float>delay.width
    return DELAY_COST * ms + LONG_DELAY_COST * max(<float>0.0, ms - LONG_DELAY_MS)


cdef float cost_of(const delay_t *delay, const slots_t *slots, int64_t playout, float lost,
                   float in_runs, int told, const float *later) noexcept nogil:
    """What playing at `playout` costs, if `lost` never come."""
    cdef float late = late_at(delay, slots, playout, later)
    # So much of a lost packet is not yet played when the next one is there.
    cdef int64_t look = min(playout, delay_look(delay)) - slots_aligned(slots, delay.base)
    cdef float runs = 0.0
    cdef float blind = 1 - max(<float>0.0, min(<float>look / <float>slots.packet, <float>1.0))
    if told:
        # Nothing of a lost packet may have been made up when the next one tells what was in it.
        look = delay.base + slots.packet + delay.width - slots_deadline(slots, playout)
        blind = UNTOLD if look > 0 else 0.0
        # One before it is bridged to what is told: for that the packet after next has to be there.
        runs = in_runs if look > -slots.packet else 0.0
    cdef float percent
    blind = 1 + BLIND * blind
    percent = 100 * (LATE * late + lost * blind * blind + UNTOLD_RUN * runs)
    return (waiting_cost(delay, playout)
            + (RARE_COST * percent if percent < RARE
               else <float>8.3 * sqrtf(percent) + <float>0.67 * percent))


cdef int64_t delay_best(const delay_t *delay, const slots_t *slots, int64_t present,
                        float lost, float in_runs, int told, float *gain) noexcept nogil:
    cdef float later[DELAY_BINS + 1]
    cdef int step = max(slots_measure(slots.packet, slots.length), slots.length // 4)
    cdef int64_t candidate = slots_aligned(slots, delay.base + FREE_GUARD_BINS * delay.width)
    cdef int64_t last = delay.base + DELAY_BINS * delay.width
    # Where a lost packet can be seen beyond, or as much of it as that may take.
    cdef int64_t beyond = min(slots_aligned(slots, delay.base) + slots.packet, delay_look(delay))
    cdef int64_t best = present
    cdef float cost, now, least
    add_up(delay, later)
    now = least = cost_of(delay, slots, present, lost, in_runs, told, later)
    if not told and lost > 0:
        cost = cost_of(delay, slots, beyond, lost, in_runs, told, later)
        if cost < least:
            least = cost
            best = beyond
    # Nothing is lost at less than no cost: where waiting alone costs as much as the best, and
    # more with each step, no better one follows.
    while candidate <= last and waiting_cost(delay, candidate) < least:
        cost = cost_of(delay, slots, candidate, lost, in_runs, told, later)
        if cost < least:
            least = cost
            best = candidate
        candidate += step
    gain[0] = now - least
    return best

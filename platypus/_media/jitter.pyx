"""The jitter buffer: packets in as they come, PCM out when it is due.

    jitter_insert -> packets, in order -> decode / conceal -> pcm -> stretch -> frame
         |                                                      ^
         +-> delay (what the path needs) -----------------------+

Playout is decided in samples. The delay, our clock less the timestamp then played,
stays as it is while it suits the path, and then what comes out is what was sent, bit
for bit. A sample is needed at the slot in which it is played, so delay beyond the
next slot's edge is of no use: `aligned` finds the least delay that has one.

What is not there at its time is concealed, or silence if the sender left it out. A
path whose delay grew is followed by playing late packets after all; shrinking and
growing otherwise goes by pitch periods, in silence first. Long gaps end the playing,
and the next packet begins it anew at the delay that is then right.

Not here: what an RTP timestamp or a new SSRC means (stream), codecs, and any clock.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t
from libc.string cimport memcpy, memmove, memset

from platypus._media.delay cimport (
    delay_init, delay_needed, delay_observe, delay_spread,
)
from platypus._media.timescale cimport (
    conceal_fill, conceal_hush, conceal_init, conceal_merge, conceal_remember, conceal_silent,
    scale_lengthen, scale_pitch, scale_power, scale_shorten,
)


cdef enum:
    PLAYED_AUDIO = 1
    PLAYED_CONCEALED = 2

cdef enum:
    GUARD_MS = 5             # arrival to the slot that plays it, at the least, when chosen freely
    LEAST_GUARD_MS = 1       # below this the delay is to grow
    MOST_GUARD_MS = 6        # above it, if a whole slot could be saved, it is to shrink
    SURPLUS_MS = 60          # of delay; what is beyond is cut at once, not stretched
    PATIENCE_MS = 3000       # a surplus of up to two slots must last as long, and
    LONG_PATIENCE_MS = 10000 # one of a single slot so long: stretching is not for nothing
    RUSH_MS = 200            # then stretch whatever the sound
    FOLLOW_MS = 40           # made up without a break: the path itself has become slower
    IDLE_MS = 100            # concealment has faded out by then

cdef float SILENT_POWER = 1600.0  # -58 dBFS: anything may be cut here
cdef float ALIKE = 0.8            # of stretches that may be overlapped at leisure
cdef float RATHER_ALIKE = 0.5     # and if there is some hurry


cdef void jitter_init(jitter_t *jitter, int rate, jitter_decode_t decode,
                      void *decoder) noexcept nogil:
    """Set up a buffer, but for samples and packets: they are written before they are read."""
    cdef int i
    memset(jitter, 0, <size_t>(<char *>&jitter.pcm[0] - <char *>jitter))
    jitter.rate = rate
    jitter.decode = decode
    jitter.decoder = decoder
    jitter.wait = -1.0
    delay_init(&jitter.delay, rate)
    conceal_init(&jitter.conceal, rate)
    jitter.spare = JITTER_PACKETS
    for i in range(JITTER_PACKETS):
        jitter.free[i] = <uint8_t>(JITTER_PACKETS - 1 - i)


cdef inline int in_samples(const jitter_t *jitter, int ms) noexcept nogil:
    return jitter.rate * ms // 1000


cdef inline int64_t modulo(int64_t value, int64_t divisor) noexcept nogil:
    cdef int64_t rest = value % divisor
    return rest + divisor if rest < 0 else rest


cdef inline jitter_packet_t *head(jitter_t *jitter) noexcept nogil:
    return &jitter.packets[jitter.order[0]] if jitter.count > 0 else NULL


cdef void pop(jitter_t *jitter) noexcept nogil:
    """Take the first packet out; its position has been passed."""
    jitter.passed = jitter.packets[jitter.order[0]].position
    jitter.order_known = 1
    jitter.free[jitter.spare] = jitter.order[0]
    jitter.spare += 1
    jitter.count -= 1
    memmove(jitter.order, jitter.order + 1, jitter.count)


cdef int jitter_insert(jitter_t *jitter, int64_t position, int64_t timestamp, int64_t arrival,
                       int codec, int samples, const uint8_t *payload,
                       int length) noexcept nogil:
    """Take in a packet that is no duplicate. A full buffer gives up its oldest."""
    cdef jitter_packet_t *packet
    cdef int place
    if length > JITTER_PAYLOAD or samples > JITTER_SAMPLES:
        return JITTER_TOO_LONG
    if samples > 0:
        delay_observe(&jitter.delay, arrival - timestamp, arrival, samples)
    if jitter.order_known and position <= jitter.passed:
        jitter.counters.late += 1
        return JITTER_LATE
    if jitter.spare == 0:
        pop(jitter)
        jitter.counters.discarded += 1
    jitter.spare -= 1
    place = jitter.count
    while place > 0 and jitter.packets[jitter.order[place - 1]].position > position:
        jitter.order[place] = jitter.order[place - 1]
        place -= 1
    jitter.order[place] = jitter.free[jitter.spare]
    jitter.count += 1
    packet = &jitter.packets[jitter.order[place]]
    packet.position = position
    packet.timestamp = timestamp
    packet.arrival = arrival
    packet.codec = codec
    packet.samples = samples
    packet.length = length
    if length > 0:
        memcpy(packet.payload, payload, length)
    if samples > 0:
        jitter.grid = timestamp
        jitter.grid_samples = samples
        jitter.newest = max(jitter.newest, timestamp + samples)
    return JITTER_TAKEN


cdef int common_divisor(int a, int b) noexcept nogil:
    cdef int rest
    while b:
        rest = a % b
        a = b
        b = rest
    return a


cdef int64_t aligned(const jitter_t *jitter, int64_t delay) noexcept nogil:
    """The least useful delay of at least `delay`.

    With packets as long as slots (or a multiple) it is the one that plays a packet
    from a slot's beginning. With others, some packets are needed up to a slot less
    their common measure before their own time.
    """
    cdef int measure = common_divisor(jitter.grid_samples, jitter.slot)
    return (delay + modulo(jitter.clock - jitter.grid - delay, measure)
            + jitter.slot - measure)


cdef int64_t jitter_glue(const jitter_t *jitter, int64_t arrival, int samples) noexcept nogil:
    """A timestamp for a packet whose own means nothing: as if it followed what is there.

    The packet is then played in the first slot that leaves the path its spread.
    """
    cdef int64_t due, ahead, timestamp
    if not jitter.playing or samples < 1:
        timestamp = arrival - jitter.delay.base if jitter.delay.known else arrival
        return max(timestamp, jitter.newest)
    due = (arrival + delay_spread(&jitter.delay) + in_samples(jitter, GUARD_MS)
           + jitter.slot - common_divisor(samples, jitter.slot))
    ahead = max(0, due - jitter.clock)
    ahead = (ahead + jitter.slot - 1) // jitter.slot * jitter.slot
    timestamp = jitter.end - jitter.pcm_count + ahead
    return max(timestamp, max(jitter.end, jitter.newest if jitter.count > 0 else jitter.end))


cdef int jitter_dry(const jitter_t *jitter, int count) noexcept nogil:
    """The next playout of `count` samples would have to make something up."""
    return jitter.count == 0 and jitter.pcm_count < count


cdef void drop_oldest_samples(jitter_t *jitter, int count) noexcept nogil:
    jitter.pcm_count -= count
    memmove(jitter.pcm, jitter.pcm + count, jitter.pcm_count * sizeof(int16_t))


cdef void skip(jitter_t *jitter, int64_t count) noexcept nogil:
    """We ourselves were late: what was to be played meanwhile is given up."""
    cdef int waiting = <int>min(count, <int64_t>jitter.pcm_count)
    drop_oldest_samples(jitter, waiting)
    jitter.counters.dropped += waiting
    jitter.end += count - waiting


cdef void keep_time(jitter_t *jitter, int count, int64_t now) noexcept nogil:
    """Follow the times we are called at: `clock` is the grid of slots."""
    cdef int64_t error
    jitter.slot = count
    if not jitter.clock_known:
        jitter.clock_known = 1
        jitter.clock = now
    error = now - jitter.clock
    if error >= count:
        jitter.clock = now
        # A slot or two are taken up by stretching, and soon: the fault is known to be ours.
        jitter.surplus_for = in_samples(jitter, LONG_PATIENCE_MS)
        if jitter.playing and error > in_samples(jitter, SURPLUS_MS):
            skip(jitter, error)
    elif error < -in_samples(jitter, 1):
        jitter.clock = now  # the first calls came late; the grid is earlier


cdef void append_missing(jitter_t *jitter, int count, int lost) noexcept nogil:
    """Put in `count` samples for what is not there."""
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    cdef int heard
    if not lost:
        conceal_hush(&jitter.conceal)
    heard = conceal_fill(&jitter.conceal, out, count)
    if not lost:
        heard = 0  # the end of what was sent, rounded off
    jitter.counters.concealed += heard
    jitter.counters.silent += count - heard
    conceal_remember(&jitter.conceal, out, count)
    jitter.pcm_count += count
    jitter.end += count
    jitter.dry += count


cdef int append_decoded(jitter_t *jitter, int late) noexcept nogil:
    """Decode the first packet, without its first `late` samples, and take it out."""
    cdef jitter_packet_t *packet = head(jitter)
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    cdef int samples = jitter.decode(jitter.decoder, packet.codec, packet.payload, packet.length,
                                     out, JITTER_PCM - jitter.pcm_count)
    cdef double wait = <double>(jitter.clock + jitter.pcm_count - late - packet.arrival)
    jitter.end = packet.timestamp + samples
    jitter.counters.decoded += samples
    late = min(late, samples)
    samples -= late
    jitter.counters.dropped += late
    memmove(out, out + late, samples * sizeof(int16_t))
    conceal_merge(&jitter.conceal, out, samples)
    conceal_remember(&jitter.conceal, out, samples)
    jitter.pcm_count += samples
    jitter.heard = jitter.end
    jitter.dry = 0
    jitter.quiet = 0
    jitter.wait = wait if jitter.wait < 0 else jitter.wait + (wait - jitter.wait) / 16
    pop(jitter)
    return samples


cdef void pass_what_is_no_audio(jitter_t *jitter) noexcept nogil:
    """Events, comfort noise, keep-alives: after them nothing is missing."""
    while jitter.count > 0 and head(jitter).samples == 0:
        jitter.quiet = 1
        pop(jitter)


cdef int64_t delay_to_start(jitter_t *jitter) noexcept nogil:
    """The delay at which the first packet is to be played."""
    cdef jitter_packet_t *packet = head(jitter)
    jitter.grid = packet.timestamp
    jitter.grid_samples = packet.samples
    return aligned(jitter, in_samples(jitter, GUARD_MS)
                   + max(delay_needed(&jitter.delay), packet.arrival - packet.timestamp))


cdef void leave_surplus_out(jitter_t *jitter) noexcept nogil:
    """Begin behind what has waited for too long to be stretched away."""
    cdef int64_t most = (delay_needed(&jitter.delay) + jitter.slot
                         + in_samples(jitter, GUARD_MS + SURPLUS_MS))
    while jitter.count > 1 and jitter.clock - head(jitter).timestamp > most:
        pop(jitter)
        jitter.counters.discarded += 1
        pass_what_is_no_audio(jitter)


cdef int start(jitter_t *jitter) noexcept nogil:
    """Begin to play, if the first packet is due in this slot."""
    cdef int64_t lead
    pass_what_is_no_audio(jitter)
    if jitter.count == 0:
        return 0
    if delay_to_start(jitter) - (jitter.clock - head(jitter).timestamp) >= jitter.slot:
        return 0
    leave_surplus_out(jitter)
    if jitter.count == 0:
        return 0
    # Packets that are not as long as slots need not begin with one.
    lead = max(0, delay_to_start(jitter) - (jitter.clock - head(jitter).timestamp))
    lead = min(lead, jitter.slot)
    memset(jitter.pcm, 0, lead * sizeof(int16_t))
    jitter.pcm_count = <int>lead
    jitter.counters.silent += lead
    jitter.end = jitter.heard = head(jitter).timestamp
    jitter.passed = head(jitter).position - 1
    jitter.order_known = 1
    jitter.playing = 1
    jitter.dry = 0
    jitter.surplus_for = jitter.shortage_for = 0
    return 1


cdef int64_t resume_late(jitter_t *jitter) noexcept nogil:
    """The first packet begins before `end`: how much of it is to be left out.

    If nothing was played since the last packet but what we made up, then the clock of
    playout may go back to the packet: all of it is heard, and the delay has grown.
    """
    cdef jitter_packet_t *packet = head(jitter)
    cdef int64_t delay = jitter.clock - packet.timestamp
    cdef int64_t needed = delay_needed(&jitter.delay)
    cdef int64_t most
    if jitter.dry > 0 and jitter.pcm_count == 0 and packet.timestamp >= jitter.heard:
        if (jitter.dry >= in_samples(jitter, FOLLOW_MS)
                or delay <= aligned(jitter, needed + in_samples(jitter, GUARD_MS))):
            most = needed + in_samples(jitter, GUARD_MS + SURPLUS_MS) + jitter.slot
            jitter.end = packet.timestamp + max(0, delay - most)
    return jitter.end - packet.timestamp


cdef void fill(jitter_t *jitter) noexcept nogil:
    """Bring `pcm` to a slot's worth, from packets or without."""
    cdef jitter_packet_t *packet
    cdef int64_t gap, late
    cdef int room
    while jitter.pcm_count < jitter.slot:
        pass_what_is_no_audio(jitter)
        packet = head(jitter)
        room = jitter.slot - jitter.pcm_count
        if packet == NULL:
            append_missing(jitter, room, not jitter.quiet)
            return
        gap = packet.timestamp - jitter.end
        if gap > 0:
            # Without a packet lost in between, the sender left something out.
            append_missing(jitter, <int>min(gap, <int64_t>room),
                           packet.position > jitter.passed + 1 and not jitter.quiet)
            continue
        late = resume_late(jitter) if gap < 0 else 0
        if late < packet.samples:
            append_decoded(jitter, <int>late)
            continue
        if jitter.dry > 0:
            jitter.counters.late += 1
        else:
            jitter.counters.discarded += 1
        pop(jitter)


cdef void look_ahead(jitter_t *jitter, int count) noexcept nogil:
    """Decode what follows without a gap, until `count` samples are there."""
    cdef jitter_packet_t *packet = head(jitter)
    while (jitter.pcm_count < count and packet != NULL and packet.samples > 0
           and packet.timestamp == jitter.end):
        append_decoded(jitter, 0)
        packet = head(jitter)


cdef int choose_lag(jitter_t *jitter, int longest, float alike) noexcept nogil:
    """A lag at which `pcm` may overlap itself: all of `longest` in silence; 0 for none."""
    cdef int shortest = jitter.rate // 400
    cdef int window = min(longest, jitter.pcm_count - longest)
    cdef int lag
    cdef float likeness
    longest = min(longest, jitter.pcm_count // 2)
    if longest < 1:
        return 0
    if scale_power(jitter.pcm, 2 * longest) < SILENT_POWER:
        return longest
    if longest < shortest or window < shortest:
        return 0
    lag = scale_pitch(jitter.pcm, window, shortest, longest, jitter.rate, &likeness)
    return lag if likeness >= alike else 0


cdef void shrink(jitter_t *jitter, int64_t surplus) noexcept nogil:
    """Bring the delay down by up to `surplus` samples."""
    cdef int longest = min(in_samples(jitter, 15), <int>min(surplus, <int64_t>jitter.rate))
    cdef float alike
    cdef int lag, patience
    jitter.surplus_for += jitter.slot
    if surplus <= 2 * jitter.slot:
        patience = PATIENCE_MS if surplus > jitter.slot else LONG_PATIENCE_MS
        # Less than a slot is what an earlier step left over: the patience has been had.
        if surplus >= jitter.slot and jitter.surplus_for < in_samples(jitter, patience):
            return
        alike = ALIKE
    else:
        alike = RATHER_ALIKE if jitter.surplus_for < in_samples(jitter, RUSH_MS) else -1.0
    look_ahead(jitter, jitter.slot + 2 * longest)
    longest = min(longest, jitter.pcm_count - jitter.slot)
    lag = choose_lag(jitter, longest, alike)
    if lag > 0:
        jitter.pcm_count = scale_shorten(jitter.pcm, jitter.pcm_count, lag)
        jitter.counters.removed += lag


cdef void grow(jitter_t *jitter, int64_t shortage) noexcept nogil:
    """Bring the delay up by up to `shortage` samples, before a packet comes too late."""
    cdef int longest = min(in_samples(jitter, 15), <int>min(shortage, <int64_t>jitter.rate))
    cdef int lag
    jitter.shortage_for += jitter.slot
    look_ahead(jitter, 2 * longest)
    lag = choose_lag(jitter, longest,
                     RATHER_ALIKE if jitter.shortage_for < in_samples(jitter, RUSH_MS) else -1.0)
    if lag > 0 and jitter.pcm_count + lag <= JITTER_PCM:
        jitter.pcm_count = scale_lengthen(jitter.pcm, jitter.pcm_count, lag)
        jitter.counters.inserted += lag


cdef void adapt(jitter_t *jitter) noexcept nogil:
    """Compare the delay with what the path needs, and stretch if they differ."""
    cdef int64_t delay = jitter.clock - (jitter.end - jitter.pcm_count)
    cdef int64_t needed = delay_needed(&jitter.delay)
    cdef int64_t most = aligned(jitter, needed + in_samples(jitter, MOST_GUARD_MS))
    if delay > most:
        jitter.shortage_for = 0
        shrink(jitter, delay - most)
        return
    jitter.surplus_for = 0
    if delay < aligned(jitter, needed + in_samples(jitter, LEAST_GUARD_MS)):
        grow(jitter, aligned(jitter, needed + in_samples(jitter, GUARD_MS)) - delay)
    else:
        jitter.shortage_for = 0


cdef int jitter_playout(jitter_t *jitter, int16_t *out, int count, int64_t now) noexcept nogil:
    """The next `count` samples; `now` is the slot's own time, in samples."""
    cdef int flags = PLAYED_AUDIO
    cdef int64_t concealed = <int64_t>jitter.counters.concealed
    cdef int64_t silent = <int64_t>jitter.counters.silent
    cdef int64_t made_up
    keep_time(jitter, count, now)
    jitter.counters.requested += count
    if not jitter.playing and not start(jitter):
        jitter.clock += count
        memset(out, 0, count * sizeof(int16_t))
        jitter.counters.silent += count
        return 0
    fill(jitter)
    concealed = <int64_t>jitter.counters.concealed - concealed
    made_up = <int64_t>jitter.counters.silent - silent + concealed
    if made_up == 0:
        adapt(jitter)
    memcpy(out, jitter.pcm, count * sizeof(int16_t))
    drop_oldest_samples(jitter, count)
    jitter.clock += count
    if jitter.dry >= in_samples(jitter, IDLE_MS) and conceal_silent(&jitter.conceal):
        jitter.playing = 0
    if made_up >= count:
        flags = 0
    if concealed > 0:
        flags |= PLAYED_CONCEALED
    return flags

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

Not here: how samples are made of packets, or without (supply), how the delay is brought to
what is best (adapt), what an RTP timestamp or a new SSRC means (stream), codecs, and any clock.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memmove, memset

from platypus._media.adapt cimport adapt_delay, adapt_judge, adapt_think
from platypus._media.backlog cimport backlog_add, backlog_init
from platypus._media.codec cimport (
    CODEC_COMFORT_NOISE, CODEC_OPUS, codec_comfort, codec_decoder_t, codec_make_comfort,
)
from platypus._media.conceal cimport conceal_init, conceal_silent
from platypus._media.delay cimport (
    delay_init, delay_lateness, delay_look, delay_observe, delay_renew, delay_spread,
)
from platypus._media.losses cimport losses_note
from platypus._media.slots cimport slots_aligned, slots_measure
from platypus._media.supply cimport (
    supply_bridge, supply_decoded, supply_missing, supply_pop,
)


cdef enum:
    PLAYED_AUDIO = 1
    PLAYED_CONCEALED = 2

cdef enum:
    GUARD_MS = 5             # arrival to the slot that plays it, at the least, when chosen freely
    SURPLUS_MS = 60          # of delay; what is beyond is cut at once, not stretched
    FOLLOW_MS = 40           # made up without a break: the path itself has become slower
    EARLY = 25               # packets: until so many came little is known of the path
    MOST_HELD_MS = 80        # by which the delay grows at once while little is known
    FIRST_MS = 500           # of a call,
    UNLIKE_MS = 10           # in which packets that differ by so much are believed at once
    BRIDGE_MS = 60           # the longest gap that is filled from both sides

cdef float EARLY_GAIN = 10.0      # worth holding the first words up for
cdef float LOSS_GAIN = 1.0        # worth making a loss longer
cdef float RESUME_GAIN = 5.0      # worth playing a late packet, and all that follows, late


cdef void jitter_init(jitter_t *jitter, codec_decoder_t *decoder,
                      losses_t *losses) noexcept nogil:
    """Set up a buffer, but for samples and packets: they are written before they are read."""
    memset(jitter, 0, <size_t>(<char *>&jitter.kept[0] - <char *>jitter))
    jitter.rate = decoder.rate
    jitter.decoder = decoder
    jitter.losses = losses
    jitter.wait = -1.0
    delay_init(&jitter.delay, jitter.rate)
    conceal_init(&jitter.conceal, jitter.rate)
    backlog_init(&jitter.backlog, &jitter.shelf)


cdef void give_up(jitter_t *jitter, uint64_t *counter) noexcept nogil:
    """The first packet is not played any more."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    counter[0] += 1
    if packet.samples > 0:
        losses_note(jitter.losses, packet.position, True)
    supply_pop(jitter)


cdef int jitter_insert(jitter_t *jitter, int64_t position, int64_t timestamp, int64_t arrival,
                       int codec, int samples, const uint8_t *payload,
                       int length) noexcept nogil:
    """Take in a packet that is no duplicate. A full buffer gives up its oldest."""
    cdef jitter_packet_t *packet
    if length > JITTER_PAYLOAD or samples > JITTER_SAMPLES:
        return JITTER_TOO_LONG
    if samples > 0:
        delay_observe(&jitter.delay, arrival - timestamp, arrival, samples)
    if jitter.order_known and position <= jitter.passed:
        jitter.counters.late += 1
        if samples > 0:
            jitter.missing = max(<float>0.0, jitter.missing - <float>1.0 / JITTER_MEMORY)  # not lost
            jitter.in_runs = max(<float>0.0, jitter.in_runs - <float>1.0 / JITTER_MEMORY)
        return JITTER_LATE
    if jitter.backlog.spare == 0:
        give_up(jitter, &jitter.counters.discarded)
    packet = backlog_add(&jitter.backlog, position, payload, length)
    packet.timestamp = timestamp
    packet.arrival = arrival
    packet.codec = codec
    packet.samples = samples
    packet.length = length
    if samples > 0:
        jitter.slots.grid = timestamp
        jitter.slots.packet = samples
        jitter.newest = max(jitter.newest, timestamp + samples)
    return JITTER_TAKEN


cdef int64_t jitter_glue(jitter_t *jitter, int64_t arrival, int samples) noexcept nogil:
    """A timestamp for a packet whose own means nothing: as if it followed what is there.

    The packet is then played in the first slot that leaves the path its spread.
    """
    cdef int64_t due, ahead, timestamp, late
    delay_renew(&jitter.delay)
    late = delay_lateness(&jitter.delay)  # and so is this one, by all that is known
    if not jitter.playing or samples < 1:
        timestamp = arrival - jitter.delay.base - late if jitter.delay.known else arrival
        return max(timestamp, jitter.newest)
    due = (arrival + max(<int64_t>0, delay_spread(&jitter.delay) - late)
           + jitter_samples(jitter, GUARD_MS)
           + jitter.slots.length - slots_measure(samples, jitter.slots.length))
    ahead = max(0, due - jitter.slots.clock)
    ahead = (ahead + jitter.slots.length - 1) // jitter.slots.length * jitter.slots.length
    timestamp = jitter.end - jitter.pcm_count + ahead
    return max(timestamp, max(jitter.end, jitter.newest if jitter.backlog.count > 0 else jitter.end))


cdef int jitter_dry(const jitter_t *jitter, int count) noexcept nogil:
    """The next playout of `count` samples would have to make something up."""
    return jitter.backlog.count == 0 and jitter.pcm_count < count


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
    jitter.slots.length = count
    if not jitter.clock_known:
        jitter.clock_known = 1
        jitter.slots.clock = now
    error = now - jitter.slots.clock
    if error >= count:
        jitter.slots.clock = now
        # A slot or two are taken up by stretching, and soon: the fault is known to be ours.
        jitter.hasty = 1
        if jitter.playing and error > jitter_samples(jitter, SURPLUS_MS):
            skip(jitter, error)
    elif error < -jitter_samples(jitter, 1):
        jitter.slots.clock = now  # the first calls came late; the grid is earlier


cdef void pass_what_is_no_audio(jitter_t *jitter) noexcept nogil:
    """Events, comfort noise, keep-alives: after them nothing is missing."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    while packet != NULL and packet.samples == 0:
        if packet.codec == CODEC_COMFORT_NOISE:
            codec_comfort(jitter.decoder, packet.payload, packet.length)
        jitter.quiet = 1
        supply_pop(jitter)
        packet = jitter_head(jitter)


cdef inline int64_t needed(const jitter_t *jitter) noexcept nogil:
    """The transit that nearly all packets keep, as far as the best delay allows for it."""
    cdef int64_t transit = jitter.delay.base + delay_spread(&jitter.delay)
    return min(transit, jitter.target) if jitter.judged else transit


cdef inline int64_t looking(const jitter_t *jitter) noexcept nogil:
    """The delay at which losses can be seen beyond, as far as that is waited for."""
    if jitter.judged and jitter.missing > 0:
        return min(delay_look(&jitter.delay), jitter.target)
    return jitter.delay.base


cdef int64_t delay_to_start(jitter_t *jitter) noexcept nogil:
    """The delay at which the first packet is to be played."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    jitter.slots.grid = packet.timestamp
    jitter.slots.packet = packet.samples
    return max(looking(jitter), slots_aligned(
        &jitter.slots, jitter_samples(jitter, GUARD_MS)
        + max(needed(jitter), packet.arrival - packet.timestamp)))


cdef void leave_surplus_out(jitter_t *jitter) noexcept nogil:
    """Begin behind what has waited for too long to be stretched away."""
    cdef int64_t most = (max(needed(jitter), looking(jitter)) + jitter.slots.length
                         + jitter_samples(jitter, GUARD_MS))
    cdef int began = jitter.order_known
    if jitter.delay.seen < EARLY:
        most += jitter_samples(jitter, SURPLUS_MS)
    while jitter.backlog.count > 1 and jitter.slots.clock - jitter_head(jitter).timestamp > most:
        if began:
            give_up(jitter, &jitter.counters.discarded)
        else:  # nothing was heard yet that it could be missing from
            jitter.counters.discarded += 1
            supply_pop(jitter)
        pass_what_is_no_audio(jitter)


cdef int start(jitter_t *jitter) noexcept nogil:
    """Begin to play, if the first packet is due in this slot."""
    cdef int64_t lead
    pass_what_is_no_audio(jitter)
    if jitter.backlog.count == 0:
        return 0
    if delay_to_start(jitter) - (jitter.slots.clock - jitter_head(jitter).timestamp) >= jitter.slots.length:
        return 0
    leave_surplus_out(jitter)
    if jitter.backlog.count == 0:
        return 0
    # Packets that are not as long as slots need not begin with one.
    lead = max(0, delay_to_start(jitter) - (jitter.slots.clock - jitter_head(jitter).timestamp))
    lead = min(lead, jitter.slots.length)
    memset(jitter.pcm, 0, lead * sizeof(int16_t))
    jitter.pcm_count = <int>lead
    jitter.counters.silent += lead
    jitter.end = jitter.heard = jitter_head(jitter).timestamp
    jitter.passed = jitter_head(jitter).position - 1
    jitter.order_known = 1
    jitter.playing = 1
    jitter.dry = 0
    jitter.surplus_for = jitter.shortage_for = 0
    return 1


cdef int64_t resume_late(jitter_t *jitter) noexcept nogil:
    """The first packet begins before `end`: how much of it is to be left out.

    If nothing was played since the last packet but what we made up, then the clock of
    playout may go back to the packet, and the delay grows: as far as it is to grow anyhow,
    or all the way if the path seems to have become slower, for nothing newer is there.
    """
    cdef jitter_packet_t *packet = jitter_head(jitter)
    cdef int64_t late = jitter.end - packet.timestamp
    cdef int64_t delay = jitter.slots.clock + jitter.pcm_count - jitter.end
    cdef int64_t grown = 0
    if jitter.dry == 0 or packet.timestamp < jitter.heard:
        return late
    adapt_judge(jitter, delay)
    if jitter.gain > RESUME_GAIN:
        grown = max(<int64_t>0, jitter.target - delay)
    if (jitter.dry >= jitter_samples(jitter, FOLLOW_MS) or jitter.delay.seen < EARLY) and jitter.newest <= jitter.end:
        grown = max(grown, min(late, needed(jitter) + jitter_samples(jitter, GUARD_MS + SURPLUS_MS)
                                     + jitter.slots.length - delay))
    if grown > late and jitter.delay.seen < EARLY:
        # So early the delay grows at once, not by what each late packet is late.
        grown = min(grown, late + jitter_samples(jitter, MOST_HELD_MS))
        jitter.end -= grown
        supply_missing(jitter, <int>(grown - late), 1)
        return 0
    grown = min(grown, late)
    jitter.end -= grown
    return late - grown


cdef void grow_at_once(jitter_t *jitter) noexcept nogil:
    """A call's first packets are unlike: hold it up for all that are late, before the first is."""
    cdef int64_t delay = jitter.slots.clock + jitter.pcm_count - jitter.end
    cdef int64_t grown
    if (jitter.dry > 0 or jitter.counters.decoded > <uint64_t>jitter_samples(jitter, FIRST_MS)
            or delay_spread(&jitter.delay) < jitter_samples(jitter, UNLIKE_MS)):
        return
    adapt_judge(jitter, delay)
    grown = min(jitter.target - delay, <int64_t>min(jitter_samples(jitter, MOST_HELD_MS),
                                                    <int>JITTER_PCM - jitter.pcm_count))
    if grown > 0 and jitter.gain > EARLY_GAIN:
        jitter.end -= grown
        supply_missing(jitter, <int>grown, 1)


cdef int64_t grow_at_loss(jitter_t *jitter) noexcept nogil:
    """Something is made up now: more of it, so that what follows later losses is waited for."""
    cdef int64_t delay = jitter.slots.clock + jitter.pcm_count - jitter.end
    cdef int64_t grown
    if jitter.codec == CODEC_OPUS:
        return 0  # its packets tell what was in the one before: it need not be seen beyond
    adapt_judge(jitter, delay)
    grown = min(looking(jitter) - delay, <int64_t>jitter.slots.packet)
    if grown <= 0 or jitter.gain < LOSS_GAIN:
        return 0
    jitter.end -= grown
    return grown


cdef void fill(jitter_t *jitter) noexcept nogil:
    """Bring `pcm` to a slot's worth, from packets or without."""
    cdef jitter_packet_t *packet
    cdef int64_t gap, late
    cdef int room, lost
    while jitter.pcm_count < jitter.slots.length:
        pass_what_is_no_audio(jitter)
        packet = jitter_head(jitter)
        room = jitter.slots.length - jitter.pcm_count
        if packet == NULL:
            supply_missing(jitter, room, not jitter.quiet)
            return
        gap = packet.timestamp - jitter.end
        # Without a packet lost in between, the sender left something out.
        lost = packet.position > jitter.passed + 1 and not jitter.quiet
        if gap >= 0 and lost:
            gap += grow_at_loss(jitter)
        if gap > 0:
            if lost and gap <= jitter_samples(jitter, BRIDGE_MS):
                supply_bridge(jitter, <int>gap)
            else:
                supply_missing(jitter, <int>min(gap, <int64_t>room), lost)
            continue
        late = resume_late(jitter) if gap < 0 else 0
        if late < packet.samples:
            supply_decoded(jitter, <int>late)
            continue
        give_up(jitter, &jitter.counters.late if jitter.dry > 0 else &jitter.counters.discarded)


cdef int play(jitter_t *jitter, int16_t *out, int count, int64_t now) noexcept nogil:
    """The next `count` samples; `now` is the slot's own time, in samples."""
    cdef int flags = PLAYED_AUDIO
    cdef int64_t concealed = <int64_t>jitter.counters.concealed
    cdef int64_t silent = <int64_t>jitter.counters.silent
    cdef int64_t made_up
    keep_time(jitter, count, now)
    jitter.measured = 0
    jitter.counters.requested += count
    if not jitter.playing and not start(jitter):
        jitter.slots.clock += count
        if not jitter.quiet or codec_make_comfort(jitter.decoder, out, count) == 0:
            memset(out, 0, count * sizeof(int16_t))
        jitter.counters.silent += count
        return 0
    grow_at_once(jitter)
    fill(jitter)
    concealed = <int64_t>jitter.counters.concealed - concealed
    made_up = <int64_t>jitter.counters.silent - silent + concealed
    adapt_think(jitter)
    if made_up == 0:
        adapt_delay(jitter)
    memcpy(out, jitter.pcm, count * sizeof(int16_t))
    jitter.pcm += count
    jitter.pcm_count -= count
    jitter.slots.clock += count
    if jitter.dry >= jitter_samples(jitter, JITTER_IDLE_MS) and conceal_silent(&jitter.conceal):
        jitter.playing = 0
    if made_up >= count:
        flags = 0
    if concealed > 0:
        flags |= PLAYED_CONCEALED
    return flags


cdef int jitter_playout(jitter_t *jitter, int16_t *out, int count, int64_t now) noexcept nogil:
    """Samples are made where every stream makes them: what of them waits for the next slot,
    mostly nothing, is all that a stream has memory of its own for."""
    cdef int16_t work[JITTER_PCM]
    cdef int flags
    jitter.pcm = work
    if jitter.pcm_count:
        memcpy(work, jitter.kept, jitter.pcm_count * sizeof(int16_t))
    flags = play(jitter, out, count, now)
    if jitter.pcm_count:
        memcpy(jitter.kept, jitter.pcm, jitter.pcm_count * sizeof(int16_t))
    jitter.pcm = NULL
    return flags

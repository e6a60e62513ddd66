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

from platypus._media.backlog cimport backlog_add, backlog_head, backlog_init, backlog_pop
from platypus._media.codec cimport (
    CODEC_COMFORT_NOISE, CODEC_G722, CODEC_OPUS, codec_blurred, codec_comfort, codec_conceal, codec_decode, codec_decode_fec,
    codec_decoder_t, codec_follow, codec_make_comfort,
)
from platypus._media.conceal cimport (
    conceal_bridge, conceal_fill, conceal_hush, conceal_init, conceal_merge, conceal_peek,
    conceal_remember, conceal_silent,
)
from platypus._media.delay cimport (
    delay_best, delay_init, delay_observe, delay_spread,
)
from platypus._media.slots cimport slots_aligned, slots_deadline, slots_measure
from platypus._media.timescale cimport (
    scale_lengthen, scale_pitch, scale_power, scale_shorten,
)


cdef enum:
    PLAYED_AUDIO = 1
    PLAYED_CONCEALED = 2

cdef enum:
    GUARD_MS = 5             # arrival to the slot that plays it, at the least, when chosen freely
    LEAST_GUARD_MS = 1       # below this the delay is to grow,
    LOW_GUARD_MS = 3         # and below this in a pause
    SURPLUS_MS = 60          # of delay; what is beyond is cut at once, not stretched
    PATIENCE_MS = 600        # for which the delay has been too long before a pause is used,
    PAUSE_MS = 100
    LONG_PATIENCE_MS = 10000 # and if it is by little
    STEADY_MS = 10           # of spread at the most
    RUSH_MS = 200            # then stretch whatever the sound
    FOLLOW_MS = 40           # made up without a break: the path itself has become slower
    IDLE_MS = 160            # concealment has faded out by then
    JUDGED_MS = 100          # how often the delay is thought over
    EARLY = 25               # packets: until so many came little is known of the path
    MOST_HELD_MS = 80        # by which the delay grows at once while little is known
    COMFORT_BLOCK = 480      # samples made at a time
    BRIDGE_MS = 60           # the longest gap that is filled from both sides

cdef float MISSING_MEMORY = 256.0
cdef float SILENT_POWER = 1600.0  # -58 dBFS: anything may be cut here
cdef float PAUSE = 0.0003         # of the power of speech: so it may in what is as quiet beside it
cdef float SPEECH_FALL = 0.998    # of that power, each slot
cdef float ALIKE = 0.8            # of stretches that may be overlapped at leisure
cdef float RATHER_ALIKE = 0.5     # and if there is some hurry
cdef float NOT_SPEECH = 2.0       # nothing is so alike: only pauses change their length
cdef float GROW_GAIN = 0.3        # in R: for less than that the delay stays as it is
cdef float RESUME_GAIN = 5.0      # worth playing a late packet, and all that follows, late
cdef float HURRY_GAIN = 20.0     # worth growing in the midst of speech
cdef float SHRINK_GAIN = 2.5
cdef float LEAST_GAIN = 0.4       # and for less than that it stays long
cdef float DRIFT_GAIN = 0.6       # 25 ms that no pause took away
cdef float STRETCH_GAIN = 8.0     # worth stretching speech for,
cdef float RUSH_GAIN = 8.0        # whatever the sound


cdef void jitter_init(jitter_t *jitter, codec_decoder_t *decoder) noexcept nogil:
    """Set up a buffer, but for samples and packets: they are written before they are read."""
    memset(jitter, 0, <size_t>(<char *>&jitter.pcm[0] - <char *>jitter))
    jitter.rate = decoder.rate
    jitter.decoder = decoder
    jitter.wait = -1.0
    delay_init(&jitter.delay, jitter.rate)
    conceal_init(&jitter.conceal, jitter.rate)
    backlog_init(&jitter.backlog)


cdef inline int in_samples(const jitter_t *jitter, int ms) noexcept nogil:
    return jitter.rate * ms // 1000


cdef inline jitter_packet_t *head(jitter_t *jitter) noexcept nogil:
    return backlog_head(&jitter.backlog)


cdef void pop(jitter_t *jitter) noexcept nogil:
    """Take the first packet out; its position has been passed."""
    jitter.passed = head(jitter).position
    jitter.order_known = 1
    backlog_pop(&jitter.backlog)


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
            jitter.missing = max(<float>0.0, jitter.missing - 1 / MISSING_MEMORY)  # not lost
        return JITTER_LATE
    if jitter.backlog.spare == 0:
        pop(jitter)
        jitter.counters.discarded += 1
    packet = backlog_add(&jitter.backlog, position)
    packet.timestamp = timestamp
    packet.arrival = arrival
    packet.codec = codec
    packet.samples = samples
    packet.length = length
    if length > 0:
        memcpy(packet.payload, payload, length)
    if samples > 0:
        jitter.slots.grid = timestamp
        jitter.slots.packet = samples
        jitter.newest = max(jitter.newest, timestamp + samples)
    return JITTER_TAKEN


cdef int64_t jitter_glue(const jitter_t *jitter, int64_t arrival, int samples) noexcept nogil:
    """A timestamp for a packet whose own means nothing: as if it followed what is there.

    The packet is then played in the first slot that leaves the path its spread.
    """
    cdef int64_t due, ahead, timestamp
    if not jitter.playing or samples < 1:
        timestamp = arrival - jitter.delay.base if jitter.delay.known else arrival
        return max(timestamp, jitter.newest)
    due = (arrival + delay_spread(&jitter.delay) + in_samples(jitter, GUARD_MS)
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
        if jitter.playing and error > in_samples(jitter, SURPLUS_MS):
            skip(jitter, error)
    elif error < -in_samples(jitter, 1):
        jitter.slots.clock = now  # the first calls came late; the grid is earlier


cdef void put_missing(jitter_t *jitter, int count, int heard, int64_t passed) noexcept nogil:
    """`count` samples that were made up are at the end of `pcm`, for `passed` of the sender's."""
    jitter.counters.concealed += heard
    jitter.counters.silent += count - heard
    conceal_remember(&jitter.conceal, jitter.pcm + jitter.pcm_count, count)
    jitter.pcm_count += count
    jitter.end += passed
    jitter.dry += count


cdef void rounded_off(jitter_t *jitter, int16_t *out, int count) noexcept nogil:
    """The sender stopped on purpose: a short fade, into its comfort noise if it described any."""
    cdef int16_t faded[COMFORT_BLOCK]
    cdef int i, part, at = 0
    conceal_hush(&jitter.conceal)
    while at < count:
        part = min(count - at, <int>COMFORT_BLOCK)
        conceal_fill(&jitter.conceal, faded, part)
        if codec_make_comfort(jitter.decoder, out + at, part) == 0:
            memset(out + at, 0, part * sizeof(int16_t))
        for i in range(part):
            out[at + i] = <int16_t>max(-32768, min(32767, out[at + i] + faded[i]))
        at += part


cdef void append_missing(jitter_t *jitter, int count, int lost) noexcept nogil:
    """Put in `count` samples for what is not there, not knowing what follows."""
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    cdef int heard
    if lost:
        heard = 0
        if jitter.dry < in_samples(jitter, IDLE_MS):
            heard = codec_conceal(jitter.decoder, jitter.codec, out, count)
        if heard == 0:
            heard = conceal_fill(&jitter.conceal, out, count)
            codec_follow(jitter.decoder, jitter.codec, out, count)
    else:
        heard = 0  # the end of what was sent, rounded off, and what was said to follow
        rounded_off(jitter, out, count)
    put_missing(jitter, count, heard, count)


cdef void append_bridge(jitter_t *jitter, int count) noexcept nogil:
    """Put in the `count` samples that are missing before the first packet."""
    cdef jitter_packet_t *packet = head(jitter)
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    cdef int told = min(count, packet.samples)
    cdef int heard = count
    cdef int samples, blurred
    told = codec_decode_fec(jitter.decoder, packet.codec, packet.payload, packet.length,
                            out + count - told, told)
    if told == 0 and codec_conceal(jitter.decoder, jitter.codec, out, count) == 0:
        # The packet is decoded behind the gap, which is then filled towards it.
        if jitter.codec == CODEC_G722:
            conceal_peek(&jitter.conceal, out, count)
            codec_follow(jitter.decoder, jitter.codec, out, count)
        samples = decode_head(jitter, out + count, JITTER_PCM - jitter.pcm_count - count)
        blurred = min(samples, codec_blurred(jitter.decoder, jitter.codec))
        heard = conceal_bridge(&jitter.conceal, out, count + blurred, out + count + blurred,
                               samples - blurred)
        heard = min(heard, count)
        put_missing(jitter, count, heard, count)
        append_there(jitter, samples, 0)
        return
    if 0 < told < count and codec_conceal(jitter.decoder, jitter.codec, out, count - told) == 0:
        conceal_bridge(&jitter.conceal, out, count - told, out + count - told, told)
    jitter.conceal.active = 0
    put_missing(jitter, count, count, count)
    append_decoded(jitter, 0)


cdef int decode_head(jitter_t *jitter, int16_t *out, int capacity) noexcept nogil:
    cdef jitter_packet_t *packet = head(jitter)
    jitter.codec = packet.codec
    return codec_decode(jitter.decoder, packet.codec, packet.payload, packet.length, out, capacity)


cdef void note_played(jitter_t *jitter, int64_t behind) noexcept nogil:
    """The first packet is played `behind` what waits in `pcm`: count, and take it out."""
    cdef jitter_packet_t *packet = head(jitter)
    cdef double wait = <double>(jitter.slots.clock + behind - packet.arrival)
    cdef int64_t missing = min(packet.position - jitter.passed - 1, <int64_t>50)
    jitter.wait = wait if jitter.wait < 0 else jitter.wait + (wait - jitter.wait) / 16
    while missing > 0:
        jitter.missing += (1 - jitter.missing) / MISSING_MEMORY
        missing -= 1
    jitter.missing -= jitter.missing / MISSING_MEMORY
    jitter.heard = jitter.end
    jitter.dry = 0
    jitter.quiet = 0
    pop(jitter)


cdef int append_decoded(jitter_t *jitter, int late) noexcept nogil:
    """Decode the first packet, without its first `late` samples, and take it out."""
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    return append_there(jitter, decode_head(jitter, out, JITTER_PCM - jitter.pcm_count), late)


cdef int append_there(jitter_t *jitter, int samples, int late) noexcept nogil:
    """The first packet has been decoded behind `pcm`: take it in."""
    cdef jitter_packet_t *packet = head(jitter)
    cdef int16_t *out = jitter.pcm + jitter.pcm_count
    jitter.end = packet.timestamp + samples
    jitter.counters.decoded += samples
    late = min(late, samples)
    samples -= late
    jitter.counters.dropped += late
    memmove(out, out + late, samples * sizeof(int16_t))
    conceal_merge(&jitter.conceal, out, samples)
    conceal_remember(&jitter.conceal, out, samples)
    note_played(jitter, jitter.pcm_count - late)
    jitter.pcm_count += samples
    return samples


cdef void pass_what_is_no_audio(jitter_t *jitter) noexcept nogil:
    """Events, comfort noise, keep-alives: after them nothing is missing."""
    cdef jitter_packet_t *packet = head(jitter)
    while packet != NULL and packet.samples == 0:
        if packet.codec == CODEC_COMFORT_NOISE:
            codec_comfort(jitter.decoder, packet.payload, packet.length)
        jitter.quiet = 1
        pop(jitter)
        packet = head(jitter)


cdef inline int64_t needed(const jitter_t *jitter) noexcept nogil:
    """The transit that nearly all packets keep, as far as the best delay allows for it."""
    cdef int64_t transit = jitter.delay.base + delay_spread(&jitter.delay)
    return min(transit, jitter.target) if jitter.judged else transit


cdef int64_t delay_to_start(jitter_t *jitter) noexcept nogil:
    """The delay at which the first packet is to be played."""
    cdef jitter_packet_t *packet = head(jitter)
    jitter.slots.grid = packet.timestamp
    jitter.slots.packet = packet.samples
    return slots_aligned(&jitter.slots, in_samples(jitter, GUARD_MS)
                   + max(needed(jitter), packet.arrival - packet.timestamp))


cdef void leave_surplus_out(jitter_t *jitter) noexcept nogil:
    """Begin behind what has waited for too long to be stretched away."""
    cdef int64_t most = needed(jitter) + jitter.slots.length + in_samples(jitter, GUARD_MS)
    if jitter.delay.seen < EARLY:
        most += in_samples(jitter, SURPLUS_MS)
    while jitter.backlog.count > 1 and jitter.slots.clock - head(jitter).timestamp > most:
        pop(jitter)
        jitter.counters.discarded += 1
        pass_what_is_no_audio(jitter)


cdef int start(jitter_t *jitter) noexcept nogil:
    """Begin to play, if the first packet is due in this slot."""
    cdef int64_t lead
    pass_what_is_no_audio(jitter)
    if jitter.backlog.count == 0:
        return 0
    if delay_to_start(jitter) - (jitter.slots.clock - head(jitter).timestamp) >= jitter.slots.length:
        return 0
    leave_surplus_out(jitter)
    if jitter.backlog.count == 0:
        return 0
    # Packets that are not as long as slots need not begin with one.
    lead = max(0, delay_to_start(jitter) - (jitter.slots.clock - head(jitter).timestamp))
    lead = min(lead, jitter.slots.length)
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


cdef void judge(jitter_t *jitter, int64_t delay) noexcept nogil:
    """Choose the best delay by all that is known now; `delay` is the present one."""
    jitter.target = delay_best(&jitter.delay, &jitter.slots, delay, jitter.missing,
                               jitter.codec == CODEC_OPUS, &jitter.gain)
    jitter.judged = 1


cdef int64_t resume_late(jitter_t *jitter) noexcept nogil:
    """The first packet begins before `end`: how much of it is to be left out.

    If nothing was played since the last packet but what we made up, then the clock of
    playout may go back to the packet, and the delay grows: as far as it is to grow anyhow,
    or all the way if the path seems to have become slower, for nothing newer is there.
    """
    cdef jitter_packet_t *packet = head(jitter)
    cdef int64_t late = jitter.end - packet.timestamp
    cdef int64_t delay = jitter.slots.clock + jitter.pcm_count - jitter.end
    cdef int64_t grown = 0
    if jitter.dry == 0 or packet.timestamp < jitter.heard:
        return late
    judge(jitter, delay)
    if jitter.gain > RESUME_GAIN:
        grown = max(<int64_t>0, jitter.target - delay)
    if (jitter.dry >= in_samples(jitter, FOLLOW_MS) or jitter.delay.seen < EARLY) and jitter.newest <= jitter.end:
        grown = max(grown, min(late, needed(jitter) + in_samples(jitter, GUARD_MS + SURPLUS_MS)
                                     + jitter.slots.length - delay))
    if grown > late and jitter.delay.seen < EARLY:
        # So early the delay grows at once, not by what each late packet is late.
        grown = min(grown, late + in_samples(jitter, MOST_HELD_MS))
        jitter.end -= grown
        append_missing(jitter, <int>(grown - late), 1)
        return 0
    grown = min(grown, late)
    jitter.end -= grown
    return late - grown


cdef void fill(jitter_t *jitter) noexcept nogil:
    """Bring `pcm` to a slot's worth, from packets or without."""
    cdef jitter_packet_t *packet
    cdef int64_t gap, late
    cdef int room, lost
    while jitter.pcm_count < jitter.slots.length:
        pass_what_is_no_audio(jitter)
        packet = head(jitter)
        room = jitter.slots.length - jitter.pcm_count
        if packet == NULL:
            append_missing(jitter, room, not jitter.quiet)
            return
        gap = packet.timestamp - jitter.end
        if gap > 0:
            # Without a packet lost in between, the sender left something out.
            lost = packet.position > jitter.passed + 1 and not jitter.quiet
            if lost and gap <= in_samples(jitter, BRIDGE_MS):
                append_bridge(jitter, <int>gap)
            else:
                append_missing(jitter, <int>min(gap, <int64_t>room), lost)
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


cdef inline int is_quiet(const jitter_t *jitter, float power) noexcept nogil:
    """Sound of this power is so quiet that anything may be done to it."""
    return power < max(SILENT_POWER, PAUSE * jitter.power)


cdef int choose_lag(jitter_t *jitter, int longest, float alike) noexcept nogil:
    """A lag at which `pcm` may overlap itself: all of `longest` in a pause; 0 for none."""
    cdef int shortest = jitter.rate // 400
    cdef int window
    cdef int lag
    cdef float likeness
    longest = min(longest, jitter.pcm_count // 2)
    if longest < 1:
        return 0
    if jitter.paused >= in_samples(jitter, PAUSE_MS) and is_quiet(
            jitter, scale_power(jitter.pcm, 2 * longest)):
        return longest
    longest = min(longest, in_samples(jitter, 15))
    window = min(longest, jitter.pcm_count - longest)
    if alike >= NOT_SPEECH or longest < shortest or window < shortest:
        return 0
    lag = scale_pitch(jitter.pcm, window, shortest, longest, jitter.rate, &likeness)
    return lag if likeness >= alike else 0


cdef int is_drift(const jitter_t *jitter) noexcept nogil:
    """The delay has been too long for long, on a path that is steady: no pause took it away."""
    return (jitter.gain > DRIFT_GAIN
            and jitter.surplus_for > in_samples(jitter, LONG_PATIENCE_MS)
            and delay_spread(&jitter.delay) < in_samples(jitter, STEADY_MS))


cdef void shrink(jitter_t *jitter, int64_t surplus) noexcept nogil:
    """Bring the delay down by up to `surplus` samples."""
    cdef int longest = min(in_samples(jitter, 40), <int>min(surplus, <int64_t>jitter.rate))
    cdef float alike = NOT_SPEECH
    cdef int lag, patience
    jitter.surplus_for += jitter.slots.length
    if jitter.hasty or jitter.gain > RUSH_GAIN:
        alike = RATHER_ALIKE if jitter.surplus_for < in_samples(jitter, RUSH_MS) else -1.0
    elif jitter.gain > STRETCH_GAIN or is_drift(jitter):
        alike = ALIKE
    else:
        patience = PATIENCE_MS if jitter.gain > SHRINK_GAIN else LONG_PATIENCE_MS
        if jitter.surplus_for < in_samples(jitter, patience):
            return
    look_ahead(jitter, jitter.slots.length + 2 * longest)
    longest = min(longest, jitter.pcm_count - jitter.slots.length)
    lag = choose_lag(jitter, longest, alike)
    if lag > 0:
        jitter.pcm_count = scale_shorten(jitter.pcm, jitter.pcm_count, lag)
        jitter.counters.removed += lag


cdef void grow(jitter_t *jitter, int64_t shortage, float alike) noexcept nogil:
    """Bring the delay up by up to `shortage` samples, before a packet comes too late."""
    cdef int longest = min(in_samples(jitter, 40), <int>min(shortage, <int64_t>jitter.rate))
    cdef int lag
    jitter.shortage_for += jitter.slots.length
    if alike < NOT_SPEECH:
        # A pitch period rather too long than too short: a little less would be of no use.
        longest = max(longest, jitter.rate // 200)
    look_ahead(jitter, 2 * longest)
    if jitter.shortage_for >= in_samples(jitter, RUSH_MS) and alike < NOT_SPEECH:
        alike = -1.0
    lag = choose_lag(jitter, longest, alike)
    if lag > 0 and jitter.pcm_count + lag <= JITTER_PCM:
        jitter.pcm_count = scale_lengthen(jitter.pcm, jitter.pcm_count, lag)
        jitter.counters.inserted += lag


cdef void think(jitter_t *jitter) noexcept nogil:
    """Choose the delay anew, now and then."""
    if jitter.slots.clock % in_samples(jitter, JUDGED_MS) < jitter.slots.length or not jitter.judged:
        judge(jitter, jitter.slots.clock - (jitter.end - jitter.pcm_count))


cdef void adapt(jitter_t *jitter) noexcept nogil:
    """Compare the delay with what is best for the path, and stretch if they differ."""
    cdef int64_t delay = jitter.slots.clock - (jitter.end - jitter.pcm_count)
    cdef int64_t slack = slots_deadline(&jitter.slots, delay) - jitter.delay.base
    cdef float power = scale_power(jitter.pcm, jitter.slots.length)
    cdef int hasty = jitter.hasty and jitter.target + jitter.rate // 400 < delay
    jitter.paused = jitter.paused + jitter.slots.length if is_quiet(jitter, power) else 0
    jitter.power = max(power, jitter.power * SPEECH_FALL)
    jitter.hasty = hasty
    if jitter.target > delay and jitter.gain > GROW_GAIN:
        jitter.surplus_for = 0
        grow(jitter, jitter.target - delay,
             RATHER_ALIKE if jitter.gain > HURRY_GAIN or slack < in_samples(jitter, LEAST_GUARD_MS)
             else NOT_SPEECH)
    elif slack < in_samples(jitter, LEAST_GUARD_MS):
        grow(jitter, jitter.slots.length, RATHER_ALIKE)
    elif slack < in_samples(jitter, LOW_GUARD_MS):
        grow(jitter, jitter.slots.length, NOT_SPEECH)
    elif hasty or (jitter.target < delay and jitter.gain > LEAST_GAIN):
        jitter.shortage_for = 0
        shrink(jitter, delay - jitter.target)
    else:
        jitter.shortage_for = jitter.surplus_for = 0


cdef int jitter_playout(jitter_t *jitter, int16_t *out, int count, int64_t now) noexcept nogil:
    """The next `count` samples; `now` is the slot's own time, in samples."""
    cdef int flags = PLAYED_AUDIO
    cdef int64_t concealed = <int64_t>jitter.counters.concealed
    cdef int64_t silent = <int64_t>jitter.counters.silent
    cdef int64_t made_up
    keep_time(jitter, count, now)
    jitter.counters.requested += count
    if not jitter.playing and not start(jitter):
        jitter.slots.clock += count
        if not jitter.quiet or codec_make_comfort(jitter.decoder, out, count) == 0:
            memset(out, 0, count * sizeof(int16_t))
        jitter.counters.silent += count
        return 0
    fill(jitter)
    concealed = <int64_t>jitter.counters.concealed - concealed
    made_up = <int64_t>jitter.counters.silent - silent + concealed
    think(jitter)
    if made_up == 0:
        adapt(jitter)
    memcpy(out, jitter.pcm, count * sizeof(int16_t))
    drop_oldest_samples(jitter, count)
    jitter.slots.clock += count
    if jitter.dry >= in_samples(jitter, IDLE_MS) and conceal_silent(&jitter.conceal):
        jitter.playing = 0
    if made_up >= count:
        flags = 0
    if concealed > 0:
        flags |= PLAYED_CONCEALED
    return flags

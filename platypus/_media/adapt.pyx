"""The delay of the jitter buffer, compared with what is best for the path, and brought there.

It changes in pauses, where that is heard by nobody. Speech is stretched by pitch periods, and
only where the difference is worth more than the stretch costs: a spike that left its delay, a
path that became another, a drift that no pause took away, a stall of our own.
"""

from libc.stdint cimport int64_t

from platypus._media.codec cimport CODEC_OPUS
from platypus._media.delay cimport delay_best, delay_spread
from platypus._media.jitter cimport (
    JITTER_PCM, jitter_head, jitter_packet_t, jitter_samples, jitter_t,
)
from platypus._media.platform cimport platform_energy
from platypus._media.slots cimport slots_deadline
from platypus._media.supply cimport supply_decoded
from platypus._media.timescale cimport (
    scale_lengthen, scale_pitch, scale_power, scale_shorten,
)


cdef enum:
    LEAST_GUARD_MS = 1       # below this the delay is to grow,
    LOW_GUARD_MS = 3         # and below this in a pause
    PATIENCE_MS = 600        # for which the delay has been too long before a pause is used,
    LONG_PATIENCE_MS = 10000 # and if it is by little
    STEADY_MS = 10           # of spread at the most
    PAUSE_MS = 100
    RUSH_MS = 200            # then stretch whatever the sound
    JUDGED_MS = 100          # how often the delay is thought over

cdef float SILENT_POWER = 1600.0  # -58 dBFS: anything may be cut here
cdef float PAUSE = 0.0003         # of the power of speech: so it may in what is as quiet beside it
cdef float SPEECH_FALL = 0.998    # of that power, each slot
cdef float ALIKE = 0.8            # of stretches that may be overlapped at leisure
cdef float RATHER_ALIKE = 0.5     # and if there is some hurry
cdef float NOT_SPEECH = 2.0       # nothing is so alike: only pauses change their length
cdef float GROW_GAIN = 0.3        # in R: for less than that the delay stays as it is
cdef float HURRY_GAIN = 20.0      # worth growing in the midst of speech
cdef float SHRINK_GAIN = 2.5
cdef float LEAST_GAIN = 0.4       # and for less than that it stays long
cdef float DRIFT_GAIN = 0.6       # 25 ms that no pause took away
cdef float RUSH_GAIN = 8.0        # worth stretching speech for, soon whatever the sound


cdef void adapt_judge(jitter_t *jitter, int64_t delay) noexcept nogil:
    """Choose the best delay by all that is known now; `delay` is the present one."""
    jitter.target = delay_best(&jitter.delay, &jitter.slots, delay, jitter.missing,
                               jitter.in_runs, jitter.codec == CODEC_OPUS, &jitter.gain)
    jitter.judged = 1


cdef void look_ahead(jitter_t *jitter, int count) noexcept nogil:
    """Decode what follows without a gap, until `count` samples are there."""
    cdef jitter_packet_t *packet = jitter_head(jitter)
    while (jitter.pcm_count < count and packet != NULL and packet.samples > 0
           and packet.timestamp == jitter.end):
        supply_decoded(jitter, 0)
        packet = jitter_head(jitter)


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
    if jitter.paused >= jitter_samples(jitter, PAUSE_MS) and is_quiet(
            jitter, scale_power(jitter.pcm, 2 * longest)):
        return longest
    longest = min(longest, jitter_samples(jitter, 15))
    window = min(longest, jitter.pcm_count - longest)
    if alike >= NOT_SPEECH or longest < shortest or window < shortest:
        return 0
    lag = scale_pitch(jitter.pcm, window, shortest, longest, jitter.rate, &likeness)
    return lag if likeness >= alike else 0


cdef int is_drift(const jitter_t *jitter) noexcept nogil:
    """The delay has been too long for long, on a path that is steady: no pause took it away."""
    return (jitter.gain > DRIFT_GAIN
            and jitter.surplus_for > jitter_samples(jitter, LONG_PATIENCE_MS)
            and delay_spread(&jitter.delay) < jitter_samples(jitter, STEADY_MS))


cdef void shrink(jitter_t *jitter, int64_t surplus) noexcept nogil:
    """Bring the delay down by up to `surplus` samples."""
    cdef int longest = min(jitter_samples(jitter, 40), <int>min(surplus, <int64_t>jitter.rate))
    cdef float alike = NOT_SPEECH
    cdef int lag, patience
    jitter.surplus_for += jitter.slots.length
    if jitter.hasty or jitter.gain > RUSH_GAIN:
        alike = RATHER_ALIKE if jitter.surplus_for < jitter_samples(jitter, RUSH_MS) else -1.0
    elif is_drift(jitter):
        alike = ALIKE
    else:
        patience = PATIENCE_MS if jitter.gain > SHRINK_GAIN else LONG_PATIENCE_MS
        if jitter.surplus_for < jitter_samples(jitter, patience):
            return
    look_ahead(jitter, jitter.slots.length + 2 * longest)
    longest = min(longest, jitter.pcm_count - jitter.slots.length)
    lag = choose_lag(jitter, longest, alike)
    if lag > 0:
        jitter.measured = 0
        jitter.pcm_count = scale_shorten(jitter.pcm, jitter.pcm_count, lag)
        jitter.counters.removed += lag


cdef void grow(jitter_t *jitter, int64_t shortage, float alike) noexcept nogil:
    """Bring the delay up by up to `shortage` samples, before a packet comes too late."""
    cdef int longest = min(jitter_samples(jitter, 40), <int>min(shortage, <int64_t>jitter.rate))
    cdef int lag
    jitter.shortage_for += jitter.slots.length
    if alike < NOT_SPEECH:
        # A pitch period rather too long than too short: a little less would be of no use.
        longest = max(longest, jitter.rate // 200)
    look_ahead(jitter, 2 * longest)
    if jitter.shortage_for >= jitter_samples(jitter, RUSH_MS) and alike < NOT_SPEECH:
        alike = -1.0
    lag = choose_lag(jitter, longest, alike)
    if lag > 0 and jitter.pcm_count + lag <= JITTER_PCM:
        jitter.measured = 0
        jitter.pcm_count = scale_lengthen(jitter.pcm, jitter.pcm_count, lag)
        jitter.counters.inserted += lag


cdef void adapt_think(jitter_t *jitter) noexcept nogil:
    """Choose the delay anew, now and then."""
    if jitter.slots.clock % jitter_samples(jitter, JUDGED_MS) < jitter.slots.length or not jitter.judged:
        adapt_judge(jitter, jitter.slots.clock - (jitter.end - jitter.pcm_count))


cdef inline float measured_power(jitter_t *jitter) noexcept nogil:
    """The mean square of the slot's samples; whoever plays them asks for their level next."""
    jitter.peak = 0
    jitter.energy = platform_energy(jitter.pcm, jitter.slots.length, &jitter.peak)
    jitter.measured = 1
    return <float>jitter.energy / <float>jitter.slots.length


cdef void adapt_delay(jitter_t *jitter) noexcept nogil:
    """Compare the delay with what is best for the path, and stretch if they differ."""
    cdef int64_t delay = jitter.slots.clock - (jitter.end - jitter.pcm_count)
    cdef int64_t slack = slots_deadline(&jitter.slots, delay) - jitter.delay.base
    cdef float power = measured_power(jitter)
    cdef int hasty = jitter.hasty and jitter.target + jitter.rate // 400 < delay
    jitter.paused = jitter.paused + jitter.slots.length if is_quiet(jitter, power) else 0
    jitter.power = max(power, jitter.power * SPEECH_FALL)
    jitter.hasty = hasty
    if jitter.target > delay and jitter.gain > GROW_GAIN:
        jitter.surplus_for = 0
        grow(jitter, jitter.target - delay,
             RATHER_ALIKE if jitter.gain > HURRY_GAIN or slack < jitter_samples(jitter, LEAST_GUARD_MS)
             else NOT_SPEECH)
    elif slack < jitter_samples(jitter, LEAST_GUARD_MS):
        grow(jitter, jitter.slots.length, RATHER_ALIKE)
    elif slack < jitter_samples(jitter, LOW_GUARD_MS):
        grow(jitter, jitter.slots.length, NOT_SPEECH)
    elif hasty or (jitter.target < delay and jitter.gain > LEAST_GAIN):
        jitter.shortage_for = 0
        shrink(jitter, delay - jitter.target)
    else:
        jitter.shortage_for = jitter.surplus_for = 0

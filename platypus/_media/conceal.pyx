"""Making up what is missing of speech, from both of its sides where both are known.

    what was heard -> its last period, repeated, fading -----\\
                                                    crossfade  -> the gap
    what follows   -> its first period, repeated backwards --/

`conceal_fill` knows only what was before: it repeats the stretch that the end of the sound
is most like, holds it for 10 ms and fades it out by 210 ms, through noise of the sound's colour,
for what repeats for so long sounds like a machine. (To be silent before a stall of 200 ms is
over was measured to cost as much again as the stall.) `conceal_bridge` knows what comes after
as well: the gap is filled from both sides, so that pitch, colour and loudness pass from one to
the other. Where what is made up meets what came too late to be bridged to, `conceal_merge` lets
the two overlap for 5 ms.

All on fixed memory, in samples; when to do it is the jitter buffer's decision.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, uint32_t
from libc.string cimport memcpy, memset

from platypus._media.period cimport PERIOD_LONGEST, PERIOD_RATE, period_of


cdef enum:
    WINDOW = 80                  # of what was heard that has to look alike,
    WIDE_WINDOW = 50             # and in wide band, where more of each sample tells
    AFTER_WINDOW = 36            # of what follows, of which there is less
    HOLD_MS = 10
    FADE_MS = 200
    GRAIN_MS = 5                 # half of a piece of the noise that comes up as the sound fades
    NOISE = 2                    # four times the noise's share in the middle of the fade,
    WIDE_NOISE = 1               # and in wide band, where it is heard sooner
    HUSH_MS = 5                  # the fade when a sender stopped on purpose
    BRIDGE_MS = 40               # the longest crossfade between the two sides
    MERGE_MS = 5
    LEAST_AFTER = 64             # samples at the search rate: less than that is no side to begin from
    MAX_SAMPLES = 1 << 20        # of one call from Python



cdef void conceal_init(conceal_t *conceal, int rate) noexcept nogil:
    memset(conceal, 0, sizeof(conceal_t))
    conceal.rate = rate


cdef void conceal_remember_any(conceal_t *conceal, const int16_t *samples, int count) noexcept nogil:
    """Of more than there is room for at the history's end, and while it is not full."""
    cdef int kept = conceal.rate * CONCEAL_HISTORY_MS // 1000
    cdef int part
    if count > kept:
        samples += count - kept
        count = kept
    conceal.filled = min(kept, conceal.filled + count)
    part = min(count, kept - conceal.newest)
    memcpy(conceal.history + conceal.newest, samples, part * sizeof(int16_t))
    memcpy(conceal.history, samples + part, (count - part) * sizeof(int16_t))
    conceal.newest += count
    if conceal.newest >= kept:
        conceal.newest -= kept


cdef void unroll(const conceal_t *conceal, int16_t *samples, int kept) noexcept nogil:
    """The history, oldest first."""
    cdef int oldest = kept - conceal.newest
    memcpy(samples, conceal.history + conceal.newest, oldest * sizeof(int16_t))
    memcpy(samples + oldest, conceal.history, conceal.newest * sizeof(int16_t))


cdef void begin(conceal_t *conceal) noexcept nogil:
    """Find what to repeat."""
    cdef int kept = conceal.rate * CONCEAL_HISTORY_MS // 1000
    cdef int16_t history[CONCEAL_HISTORY]
    cdef int16_t period[CONCEAL_LONGEST]
    cdef uint32_t seed = conceal.place.seed
    conceal.active = 1
    conceal.hushed = 0
    memset(&conceal.place, 0, sizeof(conceal_place_t))
    conceal.place.seed = seed
    conceal.place.hold = conceal.rate * HOLD_MS // 1000
    conceal.place.gain = CONCEAL_UNITY
    conceal.step = CONCEAL_UNITY * 1000 // (conceal.rate * FADE_MS) + 1
    conceal.noise = NOISE if conceal.rate == PERIOD_RATE else WIDE_NOISE
    conceal.longest = min(<int>CONCEAL_LONGEST, conceal.rate // PERIOD_RATE * PERIOD_LONGEST)
    conceal.length = 0
    if conceal.filled == kept:
        unroll(conceal, history, kept)
        memcpy(conceal.sound, history + kept - conceal.longest,
               conceal.longest * sizeof(int16_t))
        conceal.length = period_of(history + kept, kept,
                                   WINDOW if conceal.rate == PERIOD_RATE else WIDE_WINDOW,
                                   conceal.rate, period)
        memcpy(conceal.sound + conceal.longest - conceal.length, period,
               conceal.length * sizeof(int16_t))
    if conceal.length == 0:
        conceal.place.gain = 0


cdef int next_grain(conceal_t *conceal, int length) noexcept nogil:
    """Where in `sound` another grain is taken from, at random; negative: upside down."""
    cdef int at
    # The generator of Numerical Recipes; its upper bits are the random ones.
    conceal.place.seed = <uint32_t>1664525 * conceal.place.seed + <uint32_t>1013904223
    at = <int>((conceal.place.seed >> 8) % <uint32_t>(conceal.longest - 2 * length)) + 1
    return at if conceal.place.seed >> 31 else -at


cdef inline int grain_sample(const conceal_t *conceal, int grain, int at) noexcept nogil:
    return -conceal.sound[-grain - 1 + at] if grain < 0 else conceal.sound[grain - 1 + at]


cdef inline int noise(conceal_t *conceal, int length) noexcept nogil:
    """The next sample of a noise that has the colour of the sound before the loss.

    Grains of twice `length`, from anywhere in it, overlap by half.
    """
    cdef conceal_place_t *place = &conceal.place
    cdef int value
    if place.grain == 0:
        place.before = place.after if place.after != 0 else next_grain(conceal, length)
        place.after = next_grain(conceal, length)
    value = (grain_sample(conceal, place.before, length + place.grain) * (length - place.grain)
             + grain_sample(conceal, place.after, place.grain) * place.grain) // length
    place.grain += 1
    if place.grain == length:
        place.grain = 0
    return value


cdef inline int made_up(conceal_t *conceal) noexcept nogil:
    """The next concealed sample: the period as it fades, and noise while it does."""
    cdef conceal_place_t *place = &conceal.place
    cdef int value, share
    if place.gain == 0:
        return 0
    value = (conceal.sound[conceal.longest - conceal.length + place.position]
             * place.gain // CONCEAL_UNITY)
    place.position += 1
    if place.position == conceal.length:
        place.position = 0
    if place.hold > 0:
        place.hold -= 1
        return value
    # None at the fade's beginning and end; in its middle half as loud as the sound, or a quarter.
    if not conceal.hushed:
        share = place.gain * (CONCEAL_UNITY - place.gain) // (CONCEAL_UNITY // conceal.noise)
        value += noise(conceal, conceal.rate * GRAIN_MS // 1000) * share // CONCEAL_UNITY
    place.gain = max(0, place.gain - conceal.step)
    return max(-32768, min(32767, value))


cdef int conceal_fill(conceal_t *conceal, int16_t *out, int count) noexcept nogil:
    """Make up `count` samples for what is missing; how many came before the fade's end."""
    cdef int i, heard = 0
    if not conceal.active:
        begin(conceal)
    for i in range(count):
        heard += conceal.place.gain > 0
        out[i] = <int16_t>made_up(conceal)
    return heard


cdef int conceal_bridge(conceal_t *conceal, int16_t *out, int count, const int16_t *following,
                        int available) noexcept nogil:
    """Make up the last `count` samples before `following`; how many are more than silence."""
    cdef int16_t backwards[CONCEAL_LONGEST]
    cdef int16_t period[CONCEAL_LONGEST]
    cdef int step = conceal.rate // PERIOD_RATE
    cdef int crossed = min(count, conceal.rate * BRIDGE_MS // 1000)
    cdef int before = count - crossed
    cdef int i, length = 0, at, weight
    cdef int heard = conceal_fill(conceal, out, count)
    conceal.active = 0
    available = min(available, <int>CONCEAL_LONGEST)
    if available >= LEAST_AFTER * step:
        for i in range(available):
            backwards[available - 1 - i] = following[i]
        length = period_of(backwards + available, available, AFTER_WINDOW, conceal.rate, period)
    if length == 0:
        return heard
    at = (crossed - 1) % length
    for i in range(crossed):
        weight = (2 * i + 1) * (CONCEAL_UNITY // 2) // crossed
        out[before + i] = <int16_t>((out[before + i] * (CONCEAL_UNITY - weight)
                                     + period[at] * weight) // CONCEAL_UNITY)
        at = at - 1 if at > 0 else length - 1
    return count if heard >= before else heard + crossed


cdef void conceal_hush(conceal_t *conceal) noexcept nogil:
    """What is missing was never sent: be silent soon, without a click."""
    if not conceal.active:
        begin(conceal)
    conceal.hushed = 1
    conceal.place.hold = 0
    conceal.step = max(conceal.step, CONCEAL_UNITY * 1000 // (conceal.rate * HUSH_MS) + 1)


cdef int conceal_silent(const conceal_t *conceal) noexcept nogil:
    """Nothing but zeros would be made up from here on."""
    return conceal.active and conceal.place.gain == 0


cdef void conceal_overlap(conceal_t *conceal, int16_t *samples, int count) noexcept nogil:
    cdef int i, overlap = min(count, conceal.rate * MERGE_MS // 1000)
    if not conceal_silent(conceal):
        for i in range(overlap):
            samples[i] = <int16_t>(
                (made_up(conceal) * (overlap - i) + samples[i] * (i + 1)) // (overlap + 1))
    conceal.active = 0


cdef int count_of(object pcm) except -1:
    if len(pcm) & 1 or len(pcm) > 2 * MAX_SAMPLES:
        raise ValueError("PCM has two bytes a sample: an odd or huge length was given")
    return <int>(len(pcm) >> 1)


cdef class Concealer:
    """Concealment alone: `heard` what was played, `fill` or `bridge` a gap, `merge` what follows."""

    def __cinit__(self, int rate):
        if rate not in (8000, 16000, 24000, 32000, 48000):
            raise ValueError("speech has 8000, 16000, 24000, 32000 or 48000 samples a second")
        conceal_init(&self.conceal, rate)

    def heard(self, bytes pcm) -> None:
        conceal_remember(&self.conceal, <const int16_t *>PyBytes_AS_STRING(pcm), count_of(pcm))

    def fill(self, int samples) -> bytes:
        cdef bytes made = room_for(samples)
        conceal_fill(&self.conceal, <int16_t *>PyBytes_AS_STRING(made), samples)
        return made

    def bridge(self, int samples, bytes following) -> bytes:
        """The samples that are missing before `following`."""
        cdef bytes made = room_for(samples)
        conceal_bridge(&self.conceal, <int16_t *>PyBytes_AS_STRING(made), samples,
                       <const int16_t *>PyBytes_AS_STRING(following), count_of(following))
        return made

    def hush(self) -> None:
        """The sender stopped on purpose: fade at once."""
        conceal_hush(&self.conceal)

    def merge(self, bytes pcm) -> bytes:
        cdef bytearray work = bytearray(pcm)
        conceal_merge(&self.conceal, <int16_t *><char *>work, count_of(pcm))
        return bytes(work)


cdef bytes room_for(int samples):
    if not 0 <= samples <= MAX_SAMPLES:
        raise ValueError("not so many samples at once")
    return PyBytes_FromStringAndSize(NULL, 2 * samples)

"""Where a leg's audio comes from, and where it goes.

    Source -> feed (level of a card's ring, resampling) -> frame at the leg's rate
    frame at the leg's rate -> outlet (resampling, level of a card's ring) -> Sink

A Source or Sink is what Python holds; a feed or outlet joins it to one leg, is made with all
its memory under the GIL, and runs in the loop thread. Nothing here encodes, sends or waits.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.math cimport M_PI, sin
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

from platypus._media.drift cimport drift_measure, drift_resample, drift_reset, drift_skip
from platypus._media.platform cimport platform_load_acquire
from platypus._media.resample cimport (
    resampler_free, resampler_max_input, resampler_max_output, resampler_needed, resampler_new,
    resampler_process,
)
from platypus._media.ring cimport Ring, ring_available, ring_discard, ring_read, ring_write

# A card's ring is held this far above what the next callback or frame takes.
cdef int MARGIN_MS = 5
# A level this far above the one wanted is not drift: the thread or the card stood still.
cdef int EXCESS_MS = 60
RATE_MIN, RATE_MAX = 4000, 192000



cdef double since_callback(const card_t *card, int rate, int64_t now_ns) noexcept nogil:
    """Samples the card has moved since its last callback; at most one period.

    With them taken into account a ring's level has no steps. `now_ns` is a deadline, and the
    callback may have come a little after it: then they are fewer than none.
    """
    cdef int32_t elapsed_us
    if card.stamp_us == NULL:
        return card.period / 2.0
    elapsed_us = <int32_t>(<uint32_t>(now_ns // 1000) - platform_load_acquire(card.stamp_us))
    return max(-<double>card.period, min(<double>card.period, elapsed_us * 1e-6 * rate))


cdef void read_tone(source_t *source, int16_t *frame, int count, int rate) noexcept nogil:
    cdef int64_t cycle = 0
    cdef int64_t at
    cdef double value
    cdef int index, part
    cdef bint on
    for part in range(source.cadence_count):
        cycle += source.cadence_ms[part] * rate // 1000
    for index in range(count):
        on = True
        if cycle:
            at = source.tone_at % cycle
            for part in range(source.cadence_count):
                at -= source.cadence_ms[part] * rate // 1000
                if at < 0:
                    on = part % 2 == 0
                    break
        source.tone_at += 1
        value = 0
        for part in range(source.tone_count):
            value += source.tones[part].amplitude * sin(source.tones[part].phase)
            source.tones[part].phase += 2 * M_PI * source.tones[part].hz / rate
            if source.tones[part].phase > 2 * M_PI:
                source.tones[part].phase -= 2 * M_PI
        value += 0.5 if value >= 0 else -0.5
        frame[index] = <int16_t>max(-32768.0, min(32767.0, value)) if on else 0


cdef int read_buffer(source_t *source, int16_t *frame, int count) noexcept nogil:
    cdef int given = 0
    cdef int64_t part
    while given < count:
        if source.position == source.count:
            if not source.loops or source.count == 0:
                break
            source.position = 0
        part = min(<int64_t>(count - given), source.count - source.position)
        memcpy(frame + given, source.samples + source.position, <size_t>part * sizeof(int16_t))
        source.position += part
        given += <int>part
    return given


cdef int read_source(feed_t *feed, int16_t *frame, int count, int rate) noexcept nogil:
    """All `count` samples, silence where the source has none; returns how many were real."""
    cdef source_t *source = feed.source
    cdef int given = 0
    if source.kind == SOURCE_TONE:
        read_tone(source, frame, count, rate)
        return count
    if source.kind == SOURCE_BUFFER:
        given = read_buffer(source, frame, count)
    elif source.kind == SOURCE_RING:
        given = ring_read(source.ring, frame, count)
        feed.underruns += <uint32_t>(count - given)
    memset(frame + given, 0, (count - given) * sizeof(int16_t))
    return given


cdef bint card_runs(feed_t *feed, int needed, int64_t now_ns) noexcept nogil:
    """Whether a microphone's ring holds enough to go on, or must fill first."""
    cdef source_t *source = feed.source
    cdef double level = ring_available(source.ring) + since_callback(&source.card, source.rate,
                                                                     now_ns)
    cdef int excess = <int>(level - feed.drift.target)
    if excess > EXCESS_MS * source.rate // 1000 or (excess >= 0 and not feed.running):
        ring_discard(source.ring, excess)
        feed.drift.error = 0
        feed.running = True
    elif feed.running and ring_available(source.ring) < needed:
        feed.running = False
        feed.underruns += 1
    return feed.running


cdef double card_ratio(feed_t *feed, int count, int leg_rate, int64_t now_ns) noexcept nogil:
    cdef source_t *source = feed.source
    cdef double level = ring_available(source.ring) + since_callback(&source.card, source.rate,
                                                                     now_ns)
    return drift_measure(&feed.drift, level, <double>count / leg_rate)


cdef void stage_block(feed_t *feed, int wanted, double ratio) noexcept nogil:
    """Bring at least one more sample to the stage, and `wanted` if a block gives them."""
    cdef int16_t block[BLOCK_MAX]
    cdef int16_t slid[BLOCK_MAX + 16]
    cdef const int16_t *samples = block
    cdef int count = wanted
    cdef bint card = feed.source.card.period > 0
    if feed.resampler != NULL:
        count = min(resampler_needed(feed.resampler, wanted), resampler_max_input(feed.resampler))
        # The stage must hold all that a block becomes.
        while resampler_max_output(feed.resampler, count) > STAGE_MAX - feed.staged:
            count //= 2
    count = max(1, min(count, BLOCK_MAX))
    read_source(feed, block, count, feed.source.rate)
    if card:
        count = drift_skip(&feed.drift, block, count)
        count = drift_resample(&feed.drift, ratio, block, count, slid, BLOCK_MAX + 16)
        samples = slid
    if feed.resampler != NULL:
        feed.staged += resampler_process(
            feed.resampler, samples, count, feed.stage + feed.staged, STAGE_MAX - feed.staged
        )
    else:
        memcpy(feed.stage + feed.staged, samples, count * sizeof(int16_t))
        feed.staged += count


cdef void pull_staged(
    feed_t *feed, int16_t *frame, int count, int leg_rate, int64_t now_ns
) noexcept nogil:
    cdef double ratio = 1.0
    cdef int needed
    cdef int blocks = 0
    if feed.source.card.period:
        needed = <int>(<int64_t>count * feed.source.rate // leg_rate)
        if not card_runs(feed, needed, now_ns):
            memset(frame, 0, count * sizeof(int16_t))
            return
        ratio = card_ratio(feed, count, leg_rate, now_ns)
    # A resampler that only begins takes some blocks before it gives any.
    while feed.staged < count and blocks < 64:
        stage_block(feed, count - feed.staged, ratio)
        blocks += 1
    count = min(count, feed.staged)
    memcpy(frame, feed.stage, count * sizeof(int16_t))
    feed.staged -= count
    memmove(feed.stage, feed.stage + count, feed.staged * sizeof(int16_t))


cdef void feed_pull(
    feed_t *feed, int16_t *frame, int count, int leg_rate, const int16_t *played, int64_t now_ns
) noexcept nogil:
    cdef source_t *source = feed.source
    if source == NULL or source.kind == SOURCE_SILENCE:
        memset(frame, 0, count * sizeof(int16_t))
    elif source.kind == SOURCE_ECHO:
        memcpy(frame, played, count * sizeof(int16_t))
    elif feed.resampler == NULL and not source.card.period:
        read_source(feed, frame, count, leg_rate)
    else:
        pull_staged(feed, frame, count, leg_rate, now_ns)
    if source != NULL and source.kind == SOURCE_BUFFER and not source.loops:
        feed.ended = source.position == source.count


cdef bint converts(resampler_t **resampler, int from_rate, int to_rate) noexcept nogil:
    """A resampler where one is needed; False when there is none for these rates."""
    resampler[0] = NULL
    if from_rate == to_rate or from_rate == 0 or to_rate == 0:
        return True
    resampler[0] = resampler_new(from_rate, to_rate)
    return resampler[0] != NULL and (
        resampler_max_output(resampler[0], max(1, from_rate // 50)) <= STAGE_MAX - FRAME_MAX
    )


cdef feed_t *feed_new(source_t *source, int leg_rate) noexcept nogil:
    """NULL when memory or a resampler for these rates can't be had."""
    cdef feed_t *feed = <feed_t *>calloc(1, sizeof(feed_t))
    if feed == NULL:
        return NULL
    feed.source = source
    if not converts(&feed.resampler, source.rate, leg_rate):
        feed_free(feed)
        return NULL
    if source.card.period:
        # A frame is taken at once: all of it must be there, and a callback may just be due.
        drift_reset(&feed.drift, source.rate,
                    source.rate // 50 + source.card.period + MARGIN_MS * source.rate // 1000)
    return feed


cdef void feed_free(feed_t *feed) noexcept nogil:
    if feed != NULL:
        resampler_free(feed.resampler)
        free(feed)


cdef void feed_attach(feed_t *feed) noexcept nogil:
    """The loop takes it: whoever had the source has silence now, and a buffer begins."""
    cdef int tone
    if feed.source.feed != NULL:
        feed.source.feed.source = NULL
    feed.source.feed = feed
    feed.source.position = 0
    feed.source.tone_at = 0
    for tone in range(feed.source.tone_count):
        feed.source.tones[tone].phase = 0


cdef void feed_detach(feed_t *feed) noexcept nogil:
    if feed.source != NULL:
        feed.source.feed = NULL
        feed.source = NULL



cdef void push_card(outlet_t *outlet, int16_t *samples, int count, int64_t now_ns) noexcept nogil:
    cdef sink_t *sink = outlet.sink
    cdef int16_t slid[STAGE_MAX + 16]
    cdef double level = ring_available(sink.ring) - since_callback(&sink.card, sink.rate, now_ns)
    cdef int missing = <int>(outlet.drift.target - level)
    cdef double ratio
    if sink.card.stamp_us != NULL and platform_load_acquire(sink.card.stamp_us) == 0:
        return  # it takes nothing before its first callback
    if missing > 0 and (not outlet.running or ring_available(sink.ring) == 0):
        # At the start, and after the card took more than there was: up to the level at once.
        memset(slid, 0, sizeof(slid))
        missing -= ring_write(sink.ring, slid, min(missing, STAGE_MAX))
        outlet.running = True
    elif -missing > EXCESS_MS * sink.rate // 1000:
        outlet.overruns += <uint32_t>count
        return
    ratio = drift_measure(&outlet.drift, level, <double>count / sink.rate)
    count = drift_skip(&outlet.drift, samples, count)
    count = drift_resample(&outlet.drift, ratio, samples, count, slid, STAGE_MAX + 16)
    outlet.overruns += <uint32_t>(count - ring_write(sink.ring, slid, count))


cdef void outlet_push(
    outlet_t *outlet, const int16_t *frame, int count, int64_t now_ns
) noexcept nogil:
    cdef int16_t samples[STAGE_MAX]
    cdef sink_t *sink = outlet.sink
    if sink == NULL or sink.ring == NULL:
        return
    if outlet.resampler != NULL:
        count = resampler_process(outlet.resampler, frame, count, samples, STAGE_MAX)
    else:
        memcpy(samples, frame, count * sizeof(int16_t))
    if sink.card.period:
        push_card(outlet, samples, count, now_ns)
    else:
        outlet.overruns += <uint32_t>(count - ring_write(sink.ring, samples, count))


cdef outlet_t *outlet_new(sink_t *sink, int leg_rate) noexcept nogil:
    cdef outlet_t *outlet = <outlet_t *>calloc(1, sizeof(outlet_t))
    if outlet == NULL:
        return NULL
    outlet.sink = sink
    if not converts(&outlet.resampler, leg_rate, sink.rate):
        outlet_free(outlet)
        return NULL
    if sink.card.period:
        # What is there just before a write must outlast the callback that comes with it.
        drift_reset(&outlet.drift, sink.rate, MARGIN_MS * sink.rate // 1000)
    return outlet


cdef void outlet_free(outlet_t *outlet) noexcept nogil:
    if outlet != NULL:
        resampler_free(outlet.resampler)
        free(outlet)


cdef void outlet_attach(outlet_t *outlet) noexcept nogil:
    if outlet.sink.outlet != NULL:
        outlet.sink.outlet.sink = NULL
    outlet.sink.outlet = outlet


cdef void outlet_detach(outlet_t *outlet) noexcept nogil:
    if outlet.sink != NULL:
        outlet.sink.outlet = NULL
        outlet.sink = NULL



cdef int checked_rate(rate) except -1:
    if not RATE_MIN <= rate <= RATE_MAX:
        raise ValueError(f"a sampling rate is {RATE_MIN} to {RATE_MAX} Hz, not {rate}")
    return rate


cdef class Source:
    """Something a leg hears from. Drives one leg at a time."""

    def __cinit__(self, *args, **options):
        memset(&self.source, 0, sizeof(source_t))

    @property
    def rate(self):
        return self.source.rate


cdef class Sink:
    """Something that takes what a leg plays. Serves one leg at a time."""

    def __cinit__(self, *args, **options):
        memset(&self.sink, 0, sizeof(sink_t))

    @property
    def rate(self):
        return self.sink.rate


cdef class SilenceSource(Source):
    """Zeros."""

    def __init__(self):
        self.source.kind = SOURCE_SILENCE


cdef class EchoSource(Source):
    """What the leg itself plays, sent back."""

    def __init__(self):
        self.source.kind = SOURCE_ECHO


cdef class ToneSource(Source):
    """A sum of sines, with an optional cadence that repeats."""

    def __init__(self, tones, cadence_ms=()):
        if not 0 < len(tones) <= TONES_MAX:
            raise ValueError(f"a tone has 1 to {TONES_MAX} sines, not {len(tones)}")
        if len(cadence_ms) > CADENCE_MAX or any(not 0 < part < 60_000 for part in cadence_ms):
            raise ValueError(f"a cadence has at most {CADENCE_MAX} parts of 1 to 59999 ms")
        for index, (hz, amplitude) in enumerate(tones):
            if not (0 < hz < 24_000 and 0 <= amplitude <= 32_767):
                raise ValueError(f"not a tone: {hz} Hz at amplitude {amplitude}")
            self.source.tones[<int>index].hz = hz
            self.source.tones[<int>index].amplitude = amplitude
        for index, part in enumerate(cadence_ms):
            self.source.cadence_ms[<int>index] = part
        self.source.tone_count = <int>len(tones)
        self.source.cadence_count = <int>len(cadence_ms)
        self.source.kind = SOURCE_TONE


cdef class BufferSource(Source):
    """Samples held in memory (a WAV file), played from the first when a leg takes it."""

    cdef Py_buffer view
    cdef bint held  # the view is to be given back

    def __init__(self, pcm, rate, *, loop=False):
        if self.held:
            raise TypeError("a BufferSource is set up once")
        checked_rate(rate)
        PyObject_GetBuffer(pcm, &self.view, PyBUF_SIMPLE)
        if self.view.len % 2:
            PyBuffer_Release(&self.view)
            raise ValueError("PCM has two bytes a sample: an odd length was given")
        self.held = True
        self.source.samples = <const int16_t *>self.view.buf
        self.source.count = self.view.len // 2
        self.source.loops = loop
        self.source.rate = rate
        self.source.kind = SOURCE_BUFFER

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef class RingSource(Source):
    """Frames that somebody else writes: Python, or a sound card."""

    def __init__(self, Ring ring not None, rate, *, int card_period=0):
        self.source.rate = checked_rate(rate)
        self.source.ring = ring.ring
        self.source.card.period = max(0, card_period)
        self.source.kind = SOURCE_RING
        self.keeps = ring


cdef class NullSink(Sink):
    """Nowhere."""


cdef class RingSink(Sink):
    """Frames for somebody else to read. What does not fit is dropped and counted."""

    def __init__(self, Ring ring not None, rate, *, int card_period=0):
        self.sink.rate = checked_rate(rate)
        self.sink.ring = ring.ring
        self.sink.card.period = max(0, card_period)
        self.keeps = ring
